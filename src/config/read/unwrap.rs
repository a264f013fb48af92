//! `unwrap` of `[event]`: what events are taken out of.
//!
//! Only types and notations are looked at here; which words go together is a rule of `core::plan::check`.

use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::super::tree::{TreeNode, TreeValue};
use crate::core::derive::section::MemberPath;
use crate::core::plan::check::{KeyPath, UNPACKED, UNPACKED_WHY};
use crate::core::unwrap::spec::{Compression, Encoding, Envelope, UnwrapSpec};

/// `unwrap.max_bytes` where the operator leaves it out.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The steps: one, or a list of them.
pub(super) fn unwrap(section: &mut SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> Vec<UnwrapSpec> {
    let at = at.then("unwrap");
    let Some(node) = section.node("unwrap") else { return Vec::new() };
    places.write(at.clone(), node.place);
    let nodes = match &node.value {
        TreeValue::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if nodes.is_empty() {
        section.report.error(node.place, "`unwrap` must have at least one member");
    }
    let mut steps = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let at = at.then(&number.to_string());
        places.write(at.clone(), node.place);
        match step(section, node, &at, places) {
            Some(step) => steps.push(step),
            None => {
                places.unread(&at);
                steps.push(UnwrapSpec::default());
            }
        }
    }
    steps
}

fn step<'t>(
    section: &mut SectionReader<'t, '_>,
    node: &'t TreeNode,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> Option<UnwrapSpec> {
    match &node.value {
        TreeValue::Text(text) => match MemberPath::parse(text) {
            Ok(member) => Some(UnwrapSpec { at: Some(member), ..UnwrapSpec::default() }),
            Err(message) => {
                section.report.error(node.place, message);
                None
            }
        },
        TreeValue::Table(_) => {
            let inside = section.enter("[event.unwrap]".to_owned(), node.place, node);
            inside.map(|inside| words(inside, at, places))
        }
        other => {
            let message = format!("`unwrap` must be a place or a table, not {}", other.type_name());
            let hint = "write where the event is, `unwrap = \"payload\"`, or how it is packed: unwrap = { at = \"data\", \
                        encoding = \"base64\" }";
            section.report.error_with(node.place, message, hint);
            None
        }
    }
}

fn words(mut section: SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> UnwrapSpec {
    let member = section.parsed("at", MemberPath::parse);
    let envelope = section.choice("envelope", &[("cloudevents", Envelope::CloudEvents)]);
    let words = [("json", Encoding::Json), ("text", Encoding::Text), ("base64", Encoding::Base64)];
    let encoding = section.choice("encoding", &words);
    let compression = section.choice("compression", &[("gzip", Compression::Gzip)]);
    let max_bytes = section.integer("max_bytes", UNPACKED, UNPACKED_WHY);
    let compression = places.take(&at.then("compression"), compression);
    let max_bytes = places.take(&at.then("max_bytes"), max_bytes);
    let member = places.take(&at.then("at"), member);
    let envelope = places.take(&at.then("envelope"), envelope);
    let encoding = places.take(&at.then("encoding"), encoding);
    let broken = ["at", "envelope", "encoding", "compression", "max_bytes"].map(|word| at.then(word));
    if !section.finish() || broken.iter().any(|word| places.is_unread(word)) {
        places.unread(at);
    }
    UnwrapSpec {
        at: member,
        envelope,
        encoding: encoding.unwrap_or_default(),
        compression,
        max_bytes: max_bytes.or(compression.map(|_| MAX_BYTES)),
    }
}
