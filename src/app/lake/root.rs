//! `_sidestream/lake.json`: which lake this is, and of which streams.
//!
//! Made once. Another input stream has other events under the same positions, so that its rows would be taken for stored ones.

use super::interval::unreadable;
use crate::app::exit::{CONFIG, Exit};
use crate::ports::lake::LakeStore;
use crate::ports::stream::StreamState;
use serde::{Deserialize, Serialize};

/// Its path.
const PATH: &str = "_sidestream/lake.json";
/// The version of its text.
const VERSION: u32 = 1;

/// The lake's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// The version of this text.
    pub version: u32,
    /// The lake's name, which no other has.
    pub lake: String,
    /// The input stream.
    pub input: String,
    /// When it was created, in nanoseconds since 1970.
    pub input_created: i64,
    /// The output stream.
    pub output: String,
}

/// The lake's account, which is made where there is none.
pub fn open(store: &dyn LakeStore, id: &str, (input, output): (&str, &str), state: &StreamState) -> Result<Root, Exit> {
    let own = Root {
        version: VERSION,
        lake: id.to_owned(),
        input: input.to_owned(),
        input_created: state.created.0,
        output: output.to_owned(),
    };
    let found = match read(store)? {
        Some(found) => found,
        None => {
            let text = serde_json::to_string(&own).map_err(Exit::broken)?;
            store.create(PATH, text.as_bytes())?;
            // Another writer may have been first.
            read(store)?.ok_or_else(|| unreadable(PATH))?
        }
    };
    if found.input != own.input || found.input_created != own.input_created || found.output != own.output {
        let what = format!("the lake's folder holds rows of {} and {}", found.input, found.output);
        let which = if found.input == own.input && found.output == own.output {
            format!("{what}; {} was made anew since, and has other events under the same positions", own.input)
        } else {
            what
        };
        return Err(Exit::new(CONFIG, which, "set lake.url to a folder of its own for each pair of streams"));
    }
    Ok(found)
}

/// The lake's account where there is one.
pub fn read(store: &dyn LakeStore) -> Result<Option<Root>, Exit> {
    let Some(bytes) = store.read(PATH)? else { return Ok(None) };
    let root: Root = serde_json::from_slice(&bytes)
        .map_err(|error| Exit::new(CONFIG, format!("{PATH} cannot be read: {error}"), "is lake.url right?"))?;
    match root.version {
        VERSION => Ok(Some(root)),
        later => {
            let what = format!("{PATH} has version {later}, and this build knows {VERSION}");
            Err(Exit::new(CONFIG, what, "take a later build"))
        }
    }
}
