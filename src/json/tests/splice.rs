//! The rules of the splice, one row a rule: additions, replacements and every kind of removal.

use crate::json::cursor::Scratch;
use crate::json::fields::{Fields, Span};
use crate::json::scan::scan;
use crate::json::splice::{Added, Edit, Label, Splice};

/// `None` omits the member.
type Wanted<'a> = (&'a str, Option<&'a str>);

/// Edits the objects at these paths (an empty text is the top level), each with its members.
fn edited(text: &str, objects: &[(&str, &[Wanted<'_>])]) -> String {
    let mut fields = Fields::default();
    let path = |dotted: &str| dotted.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let targets: Vec<_> = objects
        .iter()
        .map(|(into, wanted)| {
            let members: Vec<_> = wanted
                .iter()
                .map(|(name, value)| {
                    let slot = fields.field(&[path(into), vec![(*name).to_owned()]].concat());
                    (Label::new(name), slot, value.map_or(Added::Omit, |value| Added::Value(value.as_bytes())))
                })
                .collect();
            (fields.object(&path(into)), members)
        })
        .collect();
    let mut spans = vec![Span::ABSENT; fields.len()];
    scan(&fields, text.as_bytes(), &mut Scratch::default(), &mut spans).unwrap();
    let mut splice = Splice::default();
    for (object, members) in &targets {
        let edits = members.iter().map(|(label, slot, added)| Edit { label, added: *added, there: slot.of(&spans) });
        splice.object(text.as_bytes(), object.of(&spans).unwrap(), edits);
    }
    let mut out = b"kept".to_vec();
    splice.write(text.as_bytes(), &mut out);
    String::from_utf8(out).unwrap().strip_prefix("kept").unwrap().to_owned()
}

#[test]
fn members_of_one_object() {
    let b = ("b", Some("2"));
    let cases: &[(&str, &[Wanted<'_>], &str)] = &[
        // Nothing to do.
        (r#" {"a":1} "#, &[], r#" {"a":1} "#),
        (r#"{"a":1}"#, &[("b", None)], r#"{"a":1}"#),
        // Additions.
        (r#"{"a":1}"#, &[b], r#"{"a":1,"b":2}"#),
        ("\n{ \"a\" : 1 \n}\n", &[b, ("c", Some("[3]"))], "\n{ \"a\" : 1,\"b\":2,\"c\":[3] \n}\n"),
        ("{}", &[b], r#"{"b":2}"#),
        (" { \t } ", &[b, ("c", Some("3"))], " {\"b\":2,\"c\":3 \t } "),
        (r#"{"a":1}"#, &[("q\"\n", Some("2"))], r#"{"a":1,"q\"\n":2}"#),
        (r#"{"a":{}}"#, &[b], r#"{"a":{},"b":2}"#),
        // Replacements.
        (r#"{ "b" : [1, 2] , "a":1}"#, &[b], r#"{ "b" : 2 , "a":1}"#),
        (r#"{"a":1,"b":1}"#, &[b], r#"{"a":1,"b":2}"#),
        (r#"{"\u0062":1}"#, &[b], r#"{"\u0062":2}"#),
        (r#"{"b":1}"#, &[("a", Some("0")), b, ("c", Some("3"))], r#"{"b":2,"a":0,"c":3}"#),
        (
            r#"{"c":1,"a":1}"#,
            &[("a", Some("10")), b, ("c", Some("30")), ("d", Some("4"))],
            r#"{"c":30,"a":10,"b":2,"d":4}"#,
        ),
        // Removals behind a kept member take the white space and comma before them.
        (r#"{"a":1 , "x":0 }"#, &[("x", None)], r#"{"a":1 }"#),
        (r#"{"a":1 , "x":0 , "c":3}"#, &[("x", None)], r#"{"a":1 , "c":3}"#),
        (r#"{"a":1, "x":0,  "y":0,   "c":3}"#, &[("x", None), ("y", None)], r#"{"a":1,   "c":3}"#),
        (r#"{"a":1, "x":0,  "c":3,   "y":0 }"#, &[("x", None), ("y", None)], r#"{"a":1,  "c":3 }"#),
        // Removals before any kept member take what is between them and the next name.
        (r#"{ "x" : 0 , "a":1}"#, &[("x", None)], r#"{ "a":1}"#),
        (r#"{ "x":0, "y":0,  "a":1,   "z":0 }"#, &[("x", None), ("y", None), ("z", None)], r#"{ "a":1 }"#),
        // Removals of all.
        (r#"{ "x" : 0 }"#, &[("x", None)], r#"{  }"#),
        (r#"{ "x":0 , "y":{"x":1} }"#, &[("x", None), ("y", None)], r#"{  }"#),
        // Removal and addition: a comma only behind a kept member.
        (r#"{ "x":0 }"#, &[b, ("x", None)], r#"{ "b":2 }"#),
        (r#"{ "x":0 , "y":1 }"#, &[b, ("c", Some("3")), ("x", None), ("y", None)], r#"{ "b":2,"c":3 }"#),
        (r#"{"a":1, "x":0 }"#, &[b, ("x", None)], r#"{"a":1,"b":2 }"#),
        (r#"{ "x":0, "a":1 }"#, &[b, ("x", None)], r#"{ "a":1,"b":2 }"#),
        (r#"{"a":1, "x":0, "c":3 }"#, &[b, ("x", None)], r#"{"a":1, "c":3,"b":2 }"#),
        // A replaced member is a kept one.
        (r#"{"b":1, "x":0 }"#, &[b, ("c", Some("3")), ("x", None)], r#"{"b":2,"c":3 }"#),
        (r#"{"x":0, "b":1 }"#, &[b, ("c", Some("3")), ("x", None)], r#"{"b":2,"c":3 }"#),
        // Removed after an addition and between two.
        (r#"{"x":0}"#, &[b, ("x", None), ("y", Some("9"))], r#"{"b":2,"y":9}"#),
        (r#"{"a":1,"c":0}"#, &[b, ("c", Some("3")), ("d", Some("4"))], r#"{"a":1,"c":3,"b":2,"d":4}"#),
    ];
    for (text, members, expected) in cases {
        assert_eq!(edited(text, &[("", members)]), *expected, "{text} {members:?}");
    }
}

#[test]
fn objects_within_objects() {
    let mark = ("mark", Some("true"));
    let b = ("b", Some("2"));
    for (text, expected) in [
        (r#"{"p":{"a":1}}"#, r#"{"p":{"a":1,"b":2},"mark":true}"#),
        (r#"{"p":{ } , "q":3}"#, r#"{"p":{"b":2 } , "q":3,"mark":true}"#),
        (r#"{"mark":false,"p":{"b":1,"x":0}}"#, r#"{"mark":true,"p":{"b":2}}"#),
        (r#"{ "p" : { "x":0 } }"#, r#"{ "p" : { "b":2 },"mark":true }"#),
    ] {
        let inner: &[Wanted<'_>] = &[b, ("x", None)];
        assert_eq!(edited(text, &[("", &[mark]), ("p", inner)]), expected);
        assert_eq!(edited(text, &[("p", inner), ("", &[mark])]), expected);
    }
    let text = r#"{"p":{"q":{}},"r":{"q":{}}}"#;
    let all: &[(&str, &[Wanted<'_>])] = &[("p.q", &[b]), ("r.q", &[b]), ("r", &[b]), ("p", &[b]), ("", &[b])];
    assert_eq!(edited(text, all), r#"{"p":{"q":{"b":2},"b":2},"r":{"q":{"b":2},"b":2},"b":2}"#);
}

#[test]
fn an_object_in_a_replaced_or_removed_member_goes_with_it() {
    let b = ("b", Some("2"));
    let text = r#"{"p":{"a":1,"x":0}, "q":1}"#;
    let inner: (&str, &[Wanted<'_>]) = ("p", &[b, ("x", None)]);
    assert_eq!(edited(text, &[inner, ("", &[("p", Some("null"))])]), r#"{"p":null, "q":1}"#);
    assert_eq!(edited(text, &[inner, ("", &[("p", None)])]), r#"{"q":1}"#);
    assert_eq!(edited(text, &[inner, ("", &[b, ("p", None), ("q", None)])]), r#"{"b":2}"#);
}

#[test]
fn the_memory_of_one_event_does_not_reach_the_next() {
    let label = Label::new("b");
    let mut splice = Splice::default();
    let tail = crate::json::fields::Tail { open: 0, insert_at: 1 };
    let edit = Edit { label: &label, added: Added::Value(b"2"), there: Span::ABSENT };
    splice.object(b"{}", tail, [edit]);
    splice.clear();
    let mut out = Vec::new();
    splice.write(b"{}", &mut out);
    splice.object(b"{}", tail, [edit]);
    splice.write(b"{}", &mut out);
    splice.write(b"{}", &mut out);
    assert_eq!(out, b"{}{\"b\":2}{}");
    // A removal at an offset removes nothing at that offset later.
    let (text, tail) = (br#"{"x":0,"y":1}"#, crate::json::fields::Tail { open: 0, insert_at: 12 });
    let omit = |start, end| Edit { label: &label, added: Added::Omit, there: Span { start, end } };
    for (edit, expected) in [(omit(5, 6), br#"{"y":1}"#), (omit(11, 12), br#"{"x":0}"#)] {
        splice.object(text, tail, [edit]);
        out.clear();
        splice.write(text, &mut out);
        assert_eq!(out, expected);
    }
}
