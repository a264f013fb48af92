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
    if let (Some(old), Some(new)) = (object(before), object(after)) {
        members("", &old, &new, &mut found);
    }
    if found.is_empty() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push(FieldDifference::of_texts("body", Some(&text(before)), Some(&text(after))));
    }
    found
}

/// Members as they are written: the name's text between its quotes, and the value's.
type MemberTexts<'a> = BTreeMap<&'a str, &'a str>;

/// Takes an object apart, of which it is known that it is JSON; `None` for everything else. Does without a parser of
/// names and values: some that events carry (half a surrogate pair) are texts that no parser gives back.
fn object(text: &[u8]) -> Option<MemberTexts<'_>> {
    let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t', '\n', '\r']);
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?.trim_matches([' ', '\t', '\n', '\r']);
    let mut members = MemberTexts::new();
    while !rest.is_empty() {
        let (name, behind) = at(rest, ':')?;
        let (value, behind) = at(behind, ',').unwrap_or((behind, ""));
        members.insert(name.trim().strip_prefix('"')?.strip_suffix('"')?, value.trim());
        rest = behind.trim_start();
    }
    Some(members)
}

/// What stands before and behind the first such character outside of texts and brackets.
fn at(text: &str, wanted: char) -> Option<(&str, &str)> {
    let (mut depth, mut within, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => within = !within,
            _ if within => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.checked_sub(1)?,
            _ if depth == 0 && c == wanted => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn members(path: &str, old: &MemberTexts<'_>, new: &MemberTexts<'_>, found: &mut Vec<FieldDifference>) {
    for (name, before) in old {
        let pointer = pointer(path, name);
        match new.get(name) {
            Some(after) if before == after => {}
            Some(after) => match (object(before.as_bytes()), object(after.as_bytes())) {
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

fn difference(field: String, before: Option<&str>, after: Option<&str>) -> FieldDifference {
    // What is no JSON after all goes out as a text.
    let raw =
        |text: &str| RawValue::from_string(text.to_owned()).or_else(|_| serde_json::value::to_raw_value(text)).ok();
    FieldDifference { field, before: before.and_then(raw), after: after.and_then(raw) }
}

/// The name as a pointer shows it; one that stands for no text stays as it is written.
fn pointer(path: &str, name: &str) -> String {
    let name = serde_json::from_str::<String>(&format!("\"{name}\"")).unwrap_or_else(|_| name.to_owned());
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
    fn odd_names_and_values_are_no_hindrance() {
        assert_eq!(lines(r#"{"\ud800":"\udc00","a":1}"#, r#"{"\ud800":"\udc00","a":2}"#), ["/a 1 2"]);
        assert_eq!(lines(r#"{"\ud800":1}"#, r#"{"\ud800":2}"#), ["/\\ud800 1 2"]);
        assert_eq!(lines(r#"{"\u0061":1}"#, r#"{"\u0061":2}"#), ["/a 1 2"]);
        let odd = r#" { "q\"}:,{" : "}\\" , "l" : [ {"x":",:"} , 2 ] ,"e":{ } } "#;
        assert_eq!(lines(odd, &odd.replace(", 2 ]", ", 3 ]")), [r#"/l [ {"x":",:"} , 2 ] [ {"x":",:"} , 3 ]"#]);
        let deep =
            |n: usize| format!("{{\"d\":{}{}}}", "[".repeat(200), "]".repeat(200)).replace("[]", &format!("[{n}]"));
        assert_eq!(differences(deep(1).as_bytes(), deep(2).as_bytes())[0].field, "/d");
    }

    #[test]
    fn what_differs_in_no_member_is_the_body() {
        assert_eq!(lines(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#).len(), 1);
        assert!(lines(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#)[0].starts_with("body "));
        assert_eq!(lines("{", "x"), ["body \"{\" \"x\""]);
    }
}
