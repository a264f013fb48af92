//! The steps of `event.unwrap`, and `event.split`, as the plan keeps them.

use crate::core::derive::section::MemberPath;
use serde::{Deserialize, Serialize};

/// One step. What it does not use is left out of its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnwrapSpec {
    /// The member that is the event; without it the whole body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<MemberPath>,
    /// A known form, which says by itself where the event is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    /// How the event is written there.
    #[serde(default, skip_serializing_if = "Encoding::is_default")]
    pub encoding: Encoding,
    /// How it is packed, behind its encoding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// How large it may be unpacked, in bytes; there wherever it is packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// `event.split`: where the list of events is that a message may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitSpec {
    /// The member that is the list; without it the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<MemberPath>,
}

impl SplitSpec {
    /// How the body is written in the configuration.
    pub const BODY: &str = "[]";

    /// Reads what the configuration says.
    pub fn parse(text: &str) -> Result<SplitSpec, String> {
        if text == SplitSpec::BODY {
            return Ok(SplitSpec { at: None });
        }
        MemberPath::parse(text).map(|at| SplitSpec { at: Some(at) })
    }
}

/// `unwrap.envelope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    /// CloudEvents 1.0: attributes become headers `ce-NAME`, and the data is the event.
    CloudEvents,
}

/// `unwrap.encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// A JSON object as it stands there.
    #[default]
    Json,
    /// A JSON text that holds the event.
    Text,
    /// Base64 (RFC 4648, section 4) of it.
    Base64,
}

impl Encoding {
    fn is_default(&self) -> bool {
        *self == Encoding::Json
    }
}

/// `unwrap.compression`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// gzip (RFC 1952).
    Gzip,
}
