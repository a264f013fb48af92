//! The keys of a bucket: from a file in the form of AWS's own tools, else from the environment.
//!
//! Without either the client library takes what a machine, a task or a pod of AWS is given; nothing of it is ever logged.

use crate::ports::lake::LakeError;
use std::path::Path;

/// The keys that sign requests.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Which key.
    pub key_id: String,
    /// Its secret.
    pub secret: String,
    /// The token of a session, where the key belongs to one.
    pub token: Option<String>,
}

/// The names of the three in a file; in the environment they are in capital letters.
const NAMES: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

impl Credentials {
    /// From the file where one is named, else from the environment; `None` where neither has any.
    pub fn find(file: Option<&Path>) -> Result<Option<Credentials>, LakeError> {
        match file {
            Some(file) => Credentials::read(file).map(Some),
            None => Ok(Credentials::of(|name| std::env::var(name.to_uppercase()).ok())),
        }
    }

    fn of(value: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
        let [key_id, secret, token] = NAMES.map(|name| value(name).filter(|value| !value.is_empty()));
        Some(Credentials { key_id: key_id?, secret: secret?, token })
    }

    fn read(file: &Path) -> Result<Credentials, LakeError> {
        let shown = file.display();
        let unsuitable = |what: String, hint: &str| LakeError::Unsuitable { what, hint: hint.to_owned() };
        let text = std::fs::read_to_string(file).map_err(|error| {
            unsuitable(
                format!("the keys of the bucket cannot be read from {shown}: {error}"),
                "correct lake.s3.credentials_file",
            )
        })?;
        if open_to_all(file) {
            return Err(unsuitable(
                format!("{shown} holds the keys of the bucket, and everybody may read it"),
                "take the permission away: chmod 600",
            ));
        }
        Credentials::parse(&text).ok_or_else(|| {
            unsuitable(
                format!("{shown} does not have both keys of the bucket"),
                "it needs a line `aws_access_key_id = …` and a line `aws_secret_access_key = …`",
            )
        })
    }

    /// The lines `name = value` up to the end of the first profile.
    fn parse(text: &str) -> Option<Credentials> {
        let mut profiles = 0;
        let lines = text.lines().map(str::trim).take_while(|line| {
            profiles += usize::from(line.starts_with('['));
            profiles <= 1
        });
        let pairs: Vec<(&str, &str)> =
            lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.trim(), value.trim())).collect();
        Credentials::of(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }
}

#[cfg(unix)]
fn open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> bool {
    false
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_profile_of_a_file_counts() {
        let text = "[default]\naws_access_key_id = a\naws_secret_access_key= b=c \n[other]\naws_session_token = d\n";
        let found = Credentials::parse(text).unwrap();
        assert_eq!((found.key_id.as_str(), found.secret.as_str(), found.token), ("a", "b=c", None));
        for text in ["", "aws_access_key_id = a", "[x]\naws_access_key_id=\naws_secret_access_key = b"] {
            assert_eq!(Credentials::parse(text), None, "{text}");
        }
        assert!(
            !format!("{:?}", Credentials::parse("aws_access_key_id=a\naws_secret_access_key=geheim"))
                .contains("geheim")
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_everybody_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys");
        std::fs::write(&file, "aws_access_key_id = a\naws_secret_access_key = b\n").unwrap();
        for (mode, fine) in [(0o600, true), (0o440, true), (0o644, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Credentials::find(Some(&file)).is_ok(), fine, "{mode:o}");
        }
        assert!(Credentials::find(Some(&dir.path().join("none"))).is_err());
    }
}
