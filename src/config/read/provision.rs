//! `[input.provision]`, `[output.provision]`, `[dead_letters.provision]` and `[redrives.provision]`: how `provision`
//! makes a stream that is not there.
//!
//! An existing stream is never compared with these keys: whoever made it may have had reasons of their own.

use super::super::section::SectionReader;
use super::super::settings::{ProvisionSection, Retention};

/// A hundred years: the server counts an age in nanoseconds of 63 bits.
const AGE_MAX_S: u64 = 100 * 366 * 86_400;

/// A pebibyte, beyond every disk.
const BYTES_MAX: u64 = 1 << 50;

/// What may be said of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamSetting {
    /// The input: also, when it forgets.
    Input,
    /// A stream of its own messages.
    Other,
    /// A stream that must never forget.
    Kept,
}

/// The keys of one stream; `None` when one of them is wrong.
pub(super) fn provision(mut section: SectionReader<'_, '_>, made: StreamSetting) -> Option<ProvisionSection> {
    let retention = if made == StreamSetting::Input {
        let words = [("limits", Retention::Limits), ("interest", Retention::Interest)];
        section.choice("retention", &words).or(Retention::Limits)
    } else {
        Some(Retention::Limits)
    };
    let (mut max_age_s, mut max_bytes) = (Some(None), Some(None));
    if made != StreamSetting::Kept {
        let why = "an age limit is in seconds; leave it out for none";
        max_age_s = optional(section.integer("max_age_s", 1..=AGE_MAX_S, why));
        let why = "a limit of the whole stream, in bytes; leave it out for none";
        max_bytes = optional(section.integer("max_bytes", 1_024..=BYTES_MAX, why));
    }
    let why = "the server keeps one to five copies; a cluster of three keeps up to three";
    let replicas = optional(section.integer("replicas", 1..=5, why));
    let placement_cluster = optional(section.text("placement_cluster"));
    let tag = |text: &str| match text {
        "" => Err("a tag must not be empty".to_owned()),
        text => Ok(text.to_owned()),
    };
    let placement_tags = section.texts("placement_tags", tag).or(Vec::new());
    let compression = section.choice("compression", &[("none", false), ("s2", true)]).or(false);
    section.finish();
    Some(ProvisionSection {
        retention: retention?,
        max_age_s: max_age_s?,
        max_bytes: max_bytes?,
        replicas: replicas?.and_then(|replicas| usize::try_from(replicas).ok()),
        placement_cluster: placement_cluster?,
        placement_tags: placement_tags?.into_iter().map(|tag| tag.value).collect(),
        compressed: compression?,
    })
}

/// `None` where the value is wrong, `Some(None)` where there is none.
fn optional<T>(given: super::super::given::GivenSetting<T>) -> Option<Option<T>> {
    if given.is_absent() { Some(None) } else { given.value().map(Some) }
}
