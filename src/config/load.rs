//! Reading a configuration: the one way in.
//!
//! Touches the disk only in `load`, and prints nothing.

use super::diagnostic::{ConfigError, Diagnostic};
use super::overrides::Overrides;
use super::place::{Sources, TextPlace};
use super::read;
use super::report::ConfigReport;
use super::salts::Salts;
use super::settings::Config;
use super::tree;
use std::path::Path;

impl Config {
    /// Reads and checks a file; the second part of the result are warnings.
    ///
    /// The error holds every mistake that could be found, in the order of the file, those of overrides last.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<(Config, Vec<Diagnostic>), ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read(path)
            .map_err(|error| format!("cannot read the configuration: {error}"))
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "the configuration is not UTF-8 text".to_owned()));
        match text {
            Ok(text) => Config::of(&name, &text, overrides, Salts::Disk),
            Err(message) => {
                let sources = Sources { name, text: String::new(), overrides: Vec::new() };
                let hint = Some("`--config` names another file".to_owned());
                Err(ConfigError { diagnostics: vec![sources.diagnostic(TextPlace::File, message, hint)] })
            }
        }
    }

    /// Checks a text; `name` is what the diagnostics call it. A salt file is only read where the text is a file.
    pub fn parse(name: &str, text: &str, overrides: &Overrides) -> Result<(Config, Vec<Diagnostic>), ConfigError> {
        Config::of(name, text, overrides, Salts::Nowhere)
    }

    fn of(
        name: &str,
        text: &str,
        overrides: &Overrides,
        salts: Salts,
    ) -> Result<(Config, Vec<Diagnostic>), ConfigError> {
        let sources = Sources { name: name.to_owned(), text: text.to_owned(), overrides: Vec::new() };
        let mut report = ConfigReport::new(sources).with(salts);
        let config = match tree::parse(text) {
            Ok(mut document) => {
                overrides.apply(&mut document, &mut report);
                read::read(&document, &mut report).finish(&mut report)
            }
            Err(error) => {
                let end = text.len();
                let place = error.span().map_or(TextPlace::Text { start: end, end }, |span| TextPlace::text(&span));
                report.error(place, error.message());
                None
            }
        };
        let warnings = report.finish()?;
        let config = config.expect("a configuration without a mistake compiles");
        Ok((config, warnings))
    }
}
