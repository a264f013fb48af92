//! Which kind section an event's kind belongs to: exact names first, then patterns, the longest first.
//!
//! Does not know what the sections say.

use super::compiled::KindId;
use std::cmp::Ordering;

/// Finds a section by a kind's text.
#[derive(Debug, Default)]
pub struct KindIndex {
    /// By length, then name. A handful as a rule: a few comparisons, mostly of lengths, cost less than a hash.
    exact: Vec<(String, KindId)>,
    patterns: Vec<(String, KindId)>,
}

impl KindIndex {
    /// Numbers the sections in the order given; those that are not found by a kind's text have their numbers, too.
    pub fn new<'a>(names: impl Iterator<Item = (&'a String, bool)>) -> KindIndex {
        let mut index = KindIndex::default();
        for (id, (name, is_found)) in (0..).zip(names) {
            if !is_found {
                continue;
            }
            if name.contains('*') {
                index.patterns.push((name.clone(), id));
            } else {
                index.exact.push((name.clone(), id));
            }
        }
        index.exact.sort_by(|(a, _), (b, _)| order(a.as_bytes(), b.as_bytes()));
        index.patterns.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        index
    }

    /// The section for a kind's text, given as its bytes.
    pub fn find(&self, kind: &[u8]) -> Option<KindId> {
        if let Ok(at) = self.exact.binary_search_by(|(name, _)| order(name.as_bytes(), kind)) {
            return self.exact.get(at).map(|(_, id)| *id);
        }
        if self.patterns.is_empty() {
            return None;
        }
        let kind = std::str::from_utf8(kind).ok()?;
        self.patterns.iter().find(|(pattern, _)| matches(pattern, kind)).map(|(_, id)| *id)
    }
}

/// The order in which exact names lie.
fn order(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether a section that names these kind sections applies to one; without names it applies to all, the unknown kind (`None`)
/// included.
pub fn applies(named: &[String], kind: Option<&str>) -> bool {
    named.is_empty() || kind.is_some_and(|kind| named.iter().any(|own| own == kind))
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters, also none.
///
/// Takes the first fit of every middle piece, so its time is bounded by the product of the two lengths.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*') {
        match text.find(piece) {
            Some(at) => text = text.get(at + piece.len()..).expect("`find` answers a boundary inside the text"),
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("lesson:*", "lesson:done", true),
            ("lesson:*", "lesson:", true),
            ("lesson:*", "lesson", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*:done", "a:b:done", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a**c", "ac", true),
            ("*é*", "caféx", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn exact_beats_pattern_and_longer_beats_shorter() {
        let names = ["*", "a:*", "a:b", "a:b*", "b:*", "*:b"].map(String::from);
        let index = KindIndex::new(names.iter().map(|name| (name, true)));
        let found =
            |kind: &str| index.find(kind.as_bytes()).and_then(|id| names.get(usize::from(id))).map(String::as_str);
        assert_eq!(found("a:b"), Some("a:b"));
        assert_eq!(found("a:bc"), Some("a:b*"));
        assert_eq!(found("a:c"), Some("a:*"));
        // Of equal length: the smaller text.
        assert_eq!(found("b:b"), Some("*:b"));
        assert_eq!(found("x"), Some("*"));
    }
}
