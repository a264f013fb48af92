//! The last words of a command: why it ends and what to do about it, as lines for people or as one JSON object.
//!
//! They go to standard error like the log, and look like it: whoever collects JSON lines gets no other ones.

use crate::app::exit::Exit;
use crate::telemetry::log::{LogFormat, line};
use std::ffi::OsStr;

/// Says why a command ends.
pub(super) fn report(format: LogFormat, exit: &Exit) {
    match format {
        LogFormat::Json if exit.message.is_empty() && exit.hint.is_empty() => {}
        LogFormat::Json => eprintln!("{}", json(exit)),
        LogFormat::Text => {
            if !exit.message.is_empty() {
                eprintln!("error: {exit}");
            }
            if !exit.hint.is_empty() {
                eprintln!("hint: {}", exit.hint);
            }
        }
    }
}

fn json(exit: &Exit) -> String {
    let hint = (!exit.hint.is_empty()).then_some(exit.hint.as_str());
    line(
        "ERROR",
        "the command ends with an error",
        &[("error", exit.message.as_str().into()), ("hint", hint.into()), ("code", exit.code.into())],
    )
}

/// Whether a command line that could not be read asks for JSON.
pub(super) fn wanted(mut arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> LogFormat {
    while let Some(argument) = arguments.next() {
        let json = match argument.as_ref().to_str() {
            Some("--log") => arguments.next().is_some_and(|format| format.as_ref() == "json"),
            Some("--log=json") => true,
            _ => false,
        };
        if json {
            return LogFormat::Json;
        }
    }
    LogFormat::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_one_object_of_json() {
        let exit = Exit::new(78, "the configuration is not valid\n\nconfig.toml:1:1: \"x\"", "");
        let value: serde_json::Value = serde_json::from_str(&json(&exit)).unwrap();
        assert!(!json(&exit).contains('\n'));
        assert_eq!((value["code"].as_u64(), value["hint"].is_null()), (Some(78), true));
        assert_eq!((value["error"].as_str(), value["level"].as_str()), (Some(exit.message.as_str()), Some("ERROR")));
        assert!(value["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{value}");
    }

    #[test]
    fn a_broken_command_line_says_how_it_wants_to_be_answered() {
        assert_eq!(wanted(["run", "--log", "json", "--oops"].iter()), LogFormat::Json);
        assert_eq!(wanted(["run", "--log=json"].iter()), LogFormat::Json);
        assert_eq!(wanted(["run", "--log", "text", "json"].iter()), LogFormat::Text);
    }
}
