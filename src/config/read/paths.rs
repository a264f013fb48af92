//! Paths of files and directories, as they are meant and not as a shell would read them.

use super::super::given::GivenSetting;
use super::super::section::SectionReader;
use std::path::PathBuf;

/// A path; what only a shell understands is refused, because it would name a directory `~` or `$HOME` here.
pub(super) fn path(section: &mut SectionReader<'_, '_>, name: &'static str) -> GivenSetting<PathBuf> {
    let given = section.text(name);
    let Some(at) = given.valid() else { return given.map(PathBuf::from) };
    let Some(shell) = for_a_shell(&at.value) else { return given.map(PathBuf::from) };
    let message = format!("`{shell}` is not replaced in a path: this would be a file of that very name");
    let hint = "write the whole path, or `${NAME}` for what the environment says";
    section.report.error_with(at.place, message, hint);
    GivenSetting::Broken
}

/// The part of a path that a shell would replace: `~` or `~user` at its beginning, `$NAME` or `${NAME}` anywhere.
fn for_a_shell(path: &str) -> Option<&str> {
    if path.starts_with('~') {
        return path.split('/').next();
    }
    path.match_indices('$').find_map(|(at, _)| {
        let rest = path.get(at..)?;
        let name = rest.get(1..)?;
        if name.starts_with('{') {
            return rest.split_inclusive('}').next();
        }
        let length = name.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        let named = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
        named.then(|| rest.get(..=length)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_replace_is_found() {
        for (path, found) in [
            ("~/state", Some("~")),
            ("~engine/state", Some("~engine")),
            ("$STATE/s", Some("$STATE")),
            ("/var/${NAME}/s", Some("${NAME}")),
            ("a/$X", Some("$X")),
            ("/var/lib/a~b/c", None),
            ("price$", None),
            ("5$5", None),
        ] {
            assert_eq!(for_a_shell(path), found, "{path}");
        }
    }
}
