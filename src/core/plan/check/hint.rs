//! What the operator may have meant.
//!
//! Only words are compared here; whether a word is right is decided by who asks.

use strsim::osa_distance;

/// The known word nearest to this one, if it is near enough to be a slip of the finger.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong: more, and unrelated short words resemble each other.
    let most = (word.chars().count() / 3).max(1);
    let distance = |candidate: &str| osa_distance(&word.to_lowercase(), &candidate.to_lowercase());
    let near = known.into_iter().map(|candidate| (distance(candidate), candidate));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

/// "did you mean …?" where a known word is near, else the list of them.
pub fn known<'a>(word: &str, what: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = nearest(word, known.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let mut names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    names.sort();
    match names.len() {
        0 => format!("there are no {what}"),
        _ => format!("the {what} are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = ["stream", "subject", "mark"];
        for (word, expected) in [
            ("steram", Some("stream")),
            ("Subject", Some("subject")),
            ("subjects", Some("subject")),
            ("dark", Some("mark")),
            ("park_it", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, names), expected, "{word}");
        }
        assert_eq!(known("zzz", "keys", names.into_iter()), "the keys are `mark`, `stream`, `subject`");
        assert_eq!(known("zzz", "tables", [].into_iter()), "there are no tables");
    }
}
