//! `sidestream new`: an example as the beginning of a configuration of one's own.
//!
//! The examples are those of the repository, as they were when the program was built. Writes files and asks no server.

use crate::app::exit::{CONFIG, Exit, UNAVAILABLE};
use std::path::{Path, PathBuf};

/// One example: its files, each with its path in the new directory.
#[derive(Debug)]
pub struct ExampleFiles {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! example {
    ($name:literal, $about:literal) => {
        ExampleFiles {
            name: $name,
            about: $about,
            files: &[
                ("config.toml", include_str!(concat!("../../../examples/", $name, "/config.toml"))),
                (
                    concat!("tests/", $name, ".toml"),
                    include_str!(concat!("../../../examples/", $name, "/tests/", $name, ".toml")),
                ),
            ],
        }
    };
}

/// All examples.
pub const EXAMPLES: &[ExampleFiles] = &[
    ExampleFiles {
        name: "school",
        about: "lessons joined with their users and subscriptions; the shipped configuration",
        files: &[
            ("config.toml", include_str!("../../../config.toml")),
            ("tests/lessons.toml", include_str!("../../../tests/lessons.toml")),
            ("tests/tables.toml", include_str!("../../../tests/tables.toml")),
            ("tests/duplicates.toml", include_str!("../../../tests/duplicates.toml")),
            ("tests/dead_letters.toml", include_str!("../../../tests/dead_letters.toml")),
        ],
    },
    example!("lake", "times and parts of names derived from events of a hundred kinds"),
    example!("notifications", "odd dates, a made id, masks and removed secrets"),
    example!("versions", "old events and new ones in one stream"),
    example!("orders", "filters, conditions and routes"),
    example!("debezium", "changes of a database: keys in one of two places, deletes and tombstones"),
    example!("cloudevents", "CloudEvents in both modes, and objects that are not there yet"),
    example!("flights", "real flights and weather: exact arithmetic, made ids, routes"),
    example!("quality", "rules about events: counted, listed in outputs, or dead letters"),
];

/// Writes an example into a directory that is new or empty; the answer is what was written.
pub fn write(name: &str, into: &Path) -> Result<Vec<PathBuf>, Exit> {
    let Some(example) = EXAMPLES.iter().find(|example| example.name == name) else {
        let known: Vec<&str> = EXAMPLES.iter().map(|example| example.name).collect();
        let hint = format!("the examples are {}", known.join(", "));
        return Err(Exit::new(CONFIG, format!("there is no example `{name}`"), hint));
    };
    let full = std::fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_some());
    if full || into.is_file() {
        let what = format!("{} is not empty: nothing was written", into.display());
        return Err(Exit::new(CONFIG, what, "name a directory that is not there yet"));
    }
    let written = example.files.iter().map(|(path, text)| {
        let path = into.join(path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        match made.and_then(|()| std::fs::write(&path, text)) {
            Ok(()) => Ok(path),
            Err(error) => {
                let what = format!("{} cannot be written: {error}", path.display());
                Err(Exit::new(UNAVAILABLE, what, "make the directory writable, or name another one"))
            }
        }
    });
    written.collect()
}
