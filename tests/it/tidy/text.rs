//! The repository as text: its files, their code without comments, and words.

use std::path::{Path, PathBuf};

/// Directories that are not part of the repository, by path from its root.
const NOT_OURS: &[&str] =
    &["target", ".git", ".tools", "state", "fuzz/target", "fuzz/corpus", "fuzz/artifacts", "fuzz/coverage"];

/// One text file.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    /// Numbered lines without their `//` comments.
    pub fn code(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        self.text.lines().enumerate().map(|(n, line)| {
            let comment = line.match_indices("//").find(|(at, _)| {
                // `//` behind a colon is an address, not a comment.
                line[..*at].trim_end().is_empty() || line[..*at].ends_with(' ')
            });
            (n + 1, line[..comment.map_or(line.len(), |(at, _)| at)].to_owned())
        })
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the repository, in order.
pub fn files() -> Vec<File> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(dir: &Path, found: &mut Vec<File>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(root()).unwrap().display().to_string();
        if NOT_OURS.contains(&path.as_str()) || path.ends_with("__pycache__") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found);
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            found.push(File { path, text });
        }
    }
}

/// One file, which must be there.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} is missing: {error}"))
}

/// The identifiers in a text.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}
