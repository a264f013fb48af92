//! Which database keeps the records: a name, for the configuration, the state directory and messages.
//!
//! The records are the same in every one of them. No database is named by its library here; `app::disk` opens them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A database that can keep the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateEngine {
    /// A tree in one file; small and young states are smallest here.
    #[default]
    Sled,
    /// A log-structured tree, for states that are larger than the memory.
    Fjall,
}

impl StateEngine {
    /// All of them, with their names.
    pub const NAMED: [(&'static str, StateEngine); 2] = [("sled", StateEngine::Sled), ("fjall", StateEngine::Fjall)];

    /// Its name, as the configuration writes it.
    pub fn name(self) -> &'static str {
        match self {
            StateEngine::Sled => "sled",
            StateEngine::Fjall => "fjall",
        }
    }
}

impl fmt::Display for StateEngine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_one_name() {
        for (name, engine) in StateEngine::NAMED {
            assert_eq!(engine.name(), name);
            assert_eq!(serde_json::to_string(&engine).unwrap(), format!("{name:?}"));
        }
    }
}
