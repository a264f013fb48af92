//! How the process ends: an exit code, what to say, and what to do about it.
//!
//! The codes are a contract; the README lists them.

use crate::ports::store::StoreError;
use crate::ports::stream::BrokerError;
use crate::protocol::refusal::Refusal;

/// The answer is no: the audit is not clean, the key is unknown.
pub const NO: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 64;
/// Broker or store are not available.
pub const UNAVAILABLE: u8 = 69;
/// An invariant does not hold.
pub const BROKEN: u8 = 70;
/// Another process or a newer engine owns it.
pub const OWNED: u8 = 75;
/// The configuration, or a stream that does not suit.
pub const CONFIG: u8 = 78;

/// An end with a reason.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Exit {
    /// The exit code.
    pub code: u8,
    /// What happened.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl Exit {
    /// An end with a code, a message and a hint.
    pub fn new(code: u8, message: impl Into<String>, hint: impl Into<String>) -> Exit {
        Exit { code, message: message.into(), hint: hint.into() }
    }

    /// A broken invariant.
    pub fn broken(what: impl std::fmt::Display) -> Exit {
        Exit::new(BROKEN, format!("this should not happen: {what}"), "please report it, with the log")
    }
}

impl From<Refusal> for Exit {
    fn from(refusal: Refusal) -> Exit {
        Exit::new(refusal.exit_code(), refusal.to_string(), refusal.hint())
    }
}

impl From<StoreError> for Exit {
    fn from(error: StoreError) -> Exit {
        let (code, hint) = match &error {
            StoreError::Locked { .. } => (OWNED, "stop the other engine, or give this one a state.path of its own"),
            StoreError::Unreadable { .. } => {
                (UNAVAILABLE, "move the directory away: the engine rebuilds its state from the input")
            }
            StoreError::Format { .. } => (
                CONFIG,
                "go on with the build that made it, or begin with a new state.path: the state is rebuilt from the input",
            ),
            StoreError::Later { .. } => (
                CONFIG,
                "nothing was changed: go on with the later build, or begin with a new state.path: the state is rebuilt from the input",
            ),
            StoreError::OtherEngine { found, .. } => {
                let hint = format!(
                    "set state.engine = \"{found}\"; or take it over: `sidestream state export FILE --set state.engine={found}`, then `sidestream state import FILE` with a new state.path"
                );
                return Exit::new(CONFIG, error.to_string(), hint);
            }
            StoreError::HalfImported { .. } => (CONFIG, "remove the directory and run `sidestream state import` again"),
            StoreError::Io { .. } => (UNAVAILABLE, "check the disk's room and the directory's permissions"),
        };
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Exit::new(code, message, hint)
    }
}

impl From<BrokerError> for Exit {
    fn from(error: BrokerError) -> Exit {
        match error {
            BrokerError::Transient(what) => Exit::new(UNAVAILABLE, what, "check nats.url and that the server runs"),
            BrokerError::Permanent { what, hint } | BrokerError::Denied { what, hint, .. } => {
                Exit::new(CONFIG, what, hint)
            }
        }
    }
}
