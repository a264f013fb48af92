//! Reading a configuration: the one way in.
//!
//! Touches the disk only in `load`, and prints nothing.

use super::diagnostic::{ConfigError, Diagnostic};
use super::files::NamedFiles;
use super::overrides::Overrides;
use super::place::{Sources, TextPlace};
use super::read;
use super::report::ConfigReport;
use super::settings::Config;
use super::tree::{self, TreeTable};
use std::path::Path;

impl Config {
    /// Reads and checks a file; the second part of the result are warnings.
    ///
    /// The error holds every mistake that could be found, in the order of the file, those of overrides last.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<(Config, Vec<Diagnostic>), ConfigError> {
        Config::load_layers(&[path], overrides)
    }

    /// The same of several files, each laid over those before it.
    pub fn load_layers(
        paths: &[impl AsRef<Path>],
        overrides: &Overrides,
    ) -> Result<(Config, Vec<Diagnostic>), ConfigError> {
        let mut texts = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let name = path.display().to_string();
            let text = std::fs::read(path).map_err(|error| format!("cannot read the configuration: {error}")).and_then(
                |bytes| String::from_utf8(bytes).map_err(|_| "the configuration is not UTF-8 text".to_owned()),
            );
            match text {
                Ok(text) => texts.push((name, text)),
                Err(message) => {
                    let hint = Some("`--config` names another file".to_owned());
                    let diagnostic = Sources::of(&name, "").diagnostic(TextPlace::File, message, hint);
                    return Err(ConfigError { diagnostics: vec![diagnostic] });
                }
            }
        }
        Config::of(&texts, overrides, NamedFiles::Disk)
    }

    /// Checks a text; `name` is what the diagnostics call it. A salt file is only read where the text is a file.
    pub fn parse(name: &str, text: &str, overrides: &Overrides) -> Result<(Config, Vec<Diagnostic>), ConfigError> {
        Config::of(&[(name.to_owned(), text.to_owned())], overrides, NamedFiles::Nowhere)
    }

    fn of(
        texts: &[(String, String)],
        overrides: &Overrides,
        files: NamedFiles,
    ) -> Result<(Config, Vec<Diagnostic>), ConfigError> {
        let mut sources = Sources::default();
        let begins: Vec<usize> = texts.iter().map(|(name, text)| sources.add(name, text)).collect();
        let mut report = ConfigReport::new(sources).with(files);
        let mut document = Some(TreeTable::new());
        for ((_, text), begin) in texts.iter().zip(begins) {
            match tree::parse(text, begin) {
                Ok(later) => document.iter_mut().for_each(|document| tree::lay_over(document, later.clone())),
                Err(error) => {
                    let span = error.span().unwrap_or(text.len()..text.len());
                    let place = TextPlace::text(&(begin + span.start..begin + span.end));
                    report.error(place, error.message());
                    document = None;
                }
            }
        }
        let config = document.and_then(|mut document| {
            // What a variable would have said is not known: nothing else can be said of the value.
            if !overrides.apply(&mut document, &mut report) {
                return None;
            }
            read::read(&document, &mut report).finish(&mut report)
        });
        let warnings = report.finish()?;
        let config = config.expect("a configuration without a mistake compiles");
        Ok((config, warnings))
    }
}
