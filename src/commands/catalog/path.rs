//! How a place of an event is spelled: `order.items[].sku`, and `balances.*` where names look like ids.
//!
//! Every place has two spellings: as it is, and with a `*` for each name that looks like an id.

use crate::json::text::unescape;
use std::borrow::Cow;

/// The most names and arrays on the way to a place that is listed.
pub(super) const DEPTH: usize = 8;
/// The most characters of a name, and of a kind; longer ones are cut.
const NAME_MAX: usize = 64;

/// The place that a walk is at.
#[derive(Debug, Default)]
pub(super) struct WalkPath {
    /// With a `*` for each name that looks like an id.
    pub general: String,
    /// As it is.
    pub own: String,
    /// Where each name on the way begins, in both spellings.
    begun: Vec<(usize, usize)>,
    /// How many of the names look like ids.
    ids: usize,
}

impl WalkPath {
    /// How many names and arrays lie on the way.
    pub(super) fn depth(&self) -> usize {
        self.begun.len()
    }

    /// Whether a name on the way looks like an id.
    pub(super) fn has_ids(&self) -> bool {
        self.ids > 0
    }

    /// The lengths of both spellings of the place around this one.
    pub(super) fn around(&self) -> (usize, usize) {
        self.begun.last().copied().unwrap_or_default()
    }

    /// One name further, given as it stands between its quotes. Says whether the name looks like an id.
    pub(super) fn enter(&mut self, raw: &str) -> bool {
        let name = if raw.contains('\\') { unescape(raw).map_or(Cow::Borrowed(raw), Cow::Owned) } else { raw.into() };
        let name = cut(&name);
        let id = looks_like_an_id(&name);
        self.begun.push((self.general.len(), self.own.len()));
        self.ids += usize::from(id);
        let spelled = spelled(&name);
        for (spelling, name) in [(&mut self.general, if id { "*" } else { &*spelled }), (&mut self.own, &*spelled)] {
            if !spelling.is_empty() {
                spelling.push('.');
            }
            spelling.push_str(name);
        }
        id
    }

    /// Into an array.
    pub(super) fn enter_array(&mut self) {
        self.begun.push((self.general.len(), self.own.len()));
        self.general.push_str("[]");
        self.own.push_str("[]");
    }

    /// Back to the place around this one; `id` is what `enter` said.
    pub(super) fn leave(&mut self, id: bool) {
        let (general, own) = self.begun.pop().unwrap_or_default();
        self.general.truncate(general);
        self.own.truncate(own);
        self.ids -= usize::from(id);
    }
}

/// Whether a name may be one of many that are made, such as `5f5b8851-51af-2058`, `2026-11-30` or `ana@example`.
fn looks_like_an_id(name: &str) -> bool {
    name.contains(|c: char| c.is_ascii_digit() || c == '@')
}

/// A name as it stands in a path: in quotes where it could be taken for something else.
pub(super) fn spelled(name: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '[' | ']' | '"' | '\\');
    if name.is_empty() || name == "*" || name.contains(odd) {
        return serde_json::Value::from(name).to_string().into();
    }
    name.into()
}

/// A name without what is too long for a line.
pub(super) fn cut(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(NAME_MAX) {
        None => name.into(),
        Some((at, _)) => format!("{}…", name.get(..at).unwrap_or_default()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spelled_in_two_ways() {
        let mut path = WalkPath::default();
        assert!(!path.enter("order"));
        assert!(path.enter("u-17"));
        path.enter_array();
        assert!(!path.enter("a.b"));
        assert_eq!((&*path.general, &*path.own), ("order.*[].\"a.b\"", "order.u-17[].\"a.b\""));
        assert_eq!((path.depth(), path.has_ids(), path.around()), (4, true, (9, 12)));
        path.leave(false);
        path.leave(false);
        path.leave(true);
        assert_eq!((&*path.general, &*path.own, path.has_ids()), ("order", "order", false));
    }

    #[test]
    fn odd_names_cannot_be_taken_for_others() {
        for (name, expected) in [
            ("amount", "amount"),
            ("größe", "größe"),
            ("lesson:*", "lesson:*"),
            ("", "\"\""),
            ("*", "\"*\""),
            ("a b", "\"a b\""),
            ("x[]", "\"x[]\""),
            ("say \"hi\"", "\"say \\\"hi\\\"\""),
            ("line\nbreak", "\"line\\nbreak\""),
        ] {
            assert_eq!(spelled(name), expected);
        }
        assert_eq!(cut(&"ü".repeat(65)), format!("{}…", "ü".repeat(64)));
        let mut path = WalkPath::default();
        path.enter(r"a\u0062");
        assert_eq!(path.own, "ab");
    }

    #[test]
    fn ids_have_digits() {
        for name in ["1", "2026-11-30", "5f5b8851-51af-2058-8905-efddbb32d9eb", "cus_9s6X", "ana@example"] {
            assert!(looks_like_an_id(name), "{name}");
        }
        for name in ["", "amount", "created_at", "größe", "a.b"] {
            assert!(!looks_like_an_id(name), "{name}");
        }
    }
}
