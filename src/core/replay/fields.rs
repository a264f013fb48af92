//! Which members of a JSON text differ, by JSON pointer, with their texts as they stand there.
//!
//! Texts are compared, never numbers: 1.0 and 1 differ. No event and no stream is known here.

use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// One member that differs.
#[derive(Clone, Debug, Serialize)]
pub struct FieldDifference {
    /// Where it is: a JSON pointer (RFC 6901) into the body, or `subject`, `outcome`, `body`, `header NAME`.
    pub field: String,
    /// What was there; absent where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<RawValue>>,
    /// What is there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<RawValue>>,
}

impl FieldDifference {
    /// A difference of texts that are no JSON.
    pub fn of_texts(field: impl Into<String>, before: Option<&str>, after: Option<&str>) -> FieldDifference {
        let raw = |text: &str| serde_json::value::to_raw_value(text).ok();
        FieldDifference { field: field.into(), before: before.and_then(raw), after: after.and_then(raw) }
    }
}

impl PartialEq for FieldDifference {
    fn eq(&self, other: &FieldDifference) -> bool {
        let text = |raw: &Option<Box<RawValue>>| raw.as_ref().map(|raw| raw.get().to_owned());
        let of = |d: &FieldDifference| (d.field.clone(), text(&d.before), text(&d.after));
        of(self) == of(other)
    }
}

/// The members in which two bodies differ; `body` where they differ in no member, or are no objects.
pub fn differences(before: &[u8], after: &[u8]) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    if before == after {
        return found;
    }
    match (object(before), object(after)) {
        (Some(old), Some(new)) => members("", &old, &new, &mut found),
        _ => {}
    }
    if found.is_empty() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push(FieldDifference::of_texts("body", Some(&text(before)), Some(&text(after))));
    }
    found
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn object(text: &[u8]) -> Option<Members<'_>> {
    serde_json::from_slice(text).ok()
}

fn members(path: &str, old: &Members<'_>, new: &Members<'_>, found: &mut Vec<FieldDifference>) {
    for (name, before) in old {
        let pointer = pointer(path, name);
        match new.get(name) {
            Some(after) if before.get() == after.get() => {}
            Some(after) => match (object(before.get().as_bytes()), object(after.get().as_bytes())) {
                (Some(old), Some(new)) => members(&pointer, &old, &new, found),
                _ => found.push(difference(pointer, Some(before), Some(after))),
            },
            None => found.push(difference(pointer, Some(before), None)),
        }
    }
    for (name, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        found.push(difference(pointer(path, name), None, Some(after)));
    }
}

fn difference(field: String, before: Option<&RawValue>, after: Option<&RawValue>) -> FieldDifference {
    FieldDifference { field, before: before.map(RawValue::to_owned), after: after.map(RawValue::to_owned) }
}

fn pointer(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each difference in one line.
    fn lines(before: &str, after: &str) -> Vec<String> {
        let text = |raw: &Option<Box<RawValue>>| raw.as_ref().map_or("-".to_owned(), |raw| raw.get().to_owned());
        let all = differences(before.as_bytes(), after.as_bytes());
        all.iter().map(|d| format!("{} {} {}", d.field, text(&d.before), text(&d.after))).collect()
    }

    #[test]
    fn members_that_differ_are_named_by_pointer_with_their_texts() {
        assert!(lines(r#"{"a":1}"#, r#"{"a":1}"#).is_empty());
        assert_eq!(lines(r#"{"a":1,"b":"x"}"#, r#"{"a":1.0,"c":null}"#), ["/a 1 1.0", "/b \"x\" -", "/c - null"]);
        assert_eq!(lines(r#"{"p":{"x":1,"y":2}}"#, r#"{"p":{"x":1,"y":3}}"#), ["/p/y 2 3"]);
        assert_eq!(lines(r#"{"p":{"x":1}}"#, r#"{"p":[1]}"#), ["/p {\"x\":1} [1]"]);
        assert_eq!(lines(r#"{"a/b":1,"~":1}"#, r#"{"a/b":2,"~":2}"#), ["/a~1b 1 2", "/~0 1 2"]);
    }

    #[test]
    fn what_differs_in_no_member_is_the_body() {
        assert_eq!(lines(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#).len(), 1);
        assert!(lines(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#)[0].starts_with("body "));
        assert_eq!(lines("{", "x"), ["body \"{\" \"x\""]);
    }
}
