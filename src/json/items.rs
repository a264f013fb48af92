//! The members of a list: where each begins and ends.
//!
//! Every byte of the list is validated; what the members say is not looked at.

use super::cursor::{Cursor, Defect, Scratch};
use super::fields::Span;
use super::scan::{MAX_DEPTH, ScanFault, readable, span_of};

/// The spans of a list's members, or of the first `most` and one more; `None` where the text is no list.
pub fn items(text: &[u8], most: usize, scratch: &mut Scratch) -> Result<Option<Vec<Span>>, ScanFault> {
    readable(text)?;
    let mut cursor = Cursor::new(text, 0, scratch);
    cursor.space();
    if cursor.at_end() || cursor.peek() != b'[' {
        return Ok(None);
    }
    let mut spans = Vec::new();
    match walk(&mut cursor, most, &mut spans) {
        Err(what) => Err(ScanFault::NotJson { at: cursor.at(), what }),
        // The list itself is a level that its members do not have when they stand alone.
        Ok(()) if cursor.deepest() > MAX_DEPTH + 1 => Err(ScanFault::TooDeep),
        Ok(()) => Ok(Some(spans)),
    }
}

fn walk(cursor: &mut Cursor<'_>, most: usize, spans: &mut Vec<Span>) -> Result<(), Defect> {
    let mut more = cursor.open(b']', 0);
    while more {
        let start = cursor.at();
        cursor.skip(1)?;
        if spans.len() <= most {
            spans.push(span_of(start, cursor.at()));
        }
        more = cursor.more(b']')?;
    }
    cursor.space();
    if cursor.at_end() { Ok(()) } else { Err("something follows the value") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn texts(text: &str, most: usize) -> Result<Option<Vec<String>>, ScanFault> {
        let spans = items(text.as_bytes(), most, &mut Scratch::default())?;
        let text = |span: &Span| String::from_utf8(span.of(text.as_bytes()).unwrap().to_vec()).unwrap();
        Ok(spans.map(|spans| spans.iter().map(text).collect()))
    }

    #[test]
    fn members_come_with_their_own_bytes() {
        let strings = |list: &[&str]| Ok(Some(list.iter().map(|text| (*text).to_owned()).collect()));
        assert_eq!(texts(" [ {\"a\": 1.0} ,2,[3 ],\"]\" ] ", 9), strings(&["{\"a\": 1.0}", "2", "[3 ]", "\"]\""]));
        assert_eq!(texts("[]", 9), strings(&[]));
        assert_eq!(
            texts("[1,2,3,4]", 2),
            strings(&["1", "2", "3"]),
            "one more than the most, and the rest is validated"
        );
        assert_eq!(texts("{\"a\":[]}", 9), Ok(None));
        assert_eq!(texts("", 9), Ok(None));
        for broken in ["[1,2", "[1,]", "[1] 2", "[{]}", "[\"\n\"]"] {
            assert!(matches!(texts(broken, 0), Err(ScanFault::NotJson { .. })), "{broken}");
        }
        let nested = |depth: usize| format!("[{}{}]", "[".repeat(depth), "]".repeat(depth));
        assert!(texts(&nested(MAX_DEPTH), 9).is_ok(), "as deep as a member may be alone");
        assert_eq!(texts(&nested(MAX_DEPTH + 1), 9), Err(ScanFault::TooDeep));
    }

    proptest! {
        #[test]
        fn the_members_are_those_of_another_parser(parts in prop::collection::vec("[ ]{0,2}(-?[1-9][0-9]{0,3}|\"[a-z\\[\\],]{0,5}\"|\\{\"a\":\\[1,2\\]\\}|null)[ ]{0,2}", 0..9)) {
            let text = format!("[{}]", parts.join(","));
            let found = texts(&text, 99).unwrap().unwrap();
            let other: Vec<Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(found.len(), other.len());
            for (found, other) in found.iter().zip(other) {
                prop_assert_eq!(serde_json::from_str::<Value>(found).unwrap(), other);
            }
        }
    }
}
