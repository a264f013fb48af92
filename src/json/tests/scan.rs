//! Hard JSON, by hand: what the grammar takes, what it refuses, which fault is reported, what is found.

use crate::json::cursor::Scratch;
use crate::json::fields::{Fields, ObjectSlot, Slot, Span, Tail};
use crate::json::scan::{MAX_DEPTH, ScanFault, scan, thorough};

/// Values that RFC 8259 takes.
const GOOD: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "0.0",
    "-0.0",
    "0.5",
    "1.25",
    "0e0",
    "0E+0",
    "1e5",
    "1E5",
    "1e-05",
    "1.5e+300",
    "1e400",
    "-1e-400",
    "123456789012345678901234567890",
    "0.1e1",
    r#""""#,
    r#"" ""#,
    r#""a""#,
    r#""\"""#,
    r#""\\""#,
    r#""\\\\""#,
    r#""\/""#,
    r#""\b\f\n\r\t""#,
    r#""\u0000""#,
    r#""\uAbCd""#,
    r#""\ud800""#,
    r#""\udc00\ud800""#,
    r#""\ud83d\ude00""#,
    "\"\u{7f}\"",
    "\"ü😀\u{2028}\"",
    "\"\u{feff}\"",
    r#""12345678\"12345678""#,
    r#""1234567\\""#,
    r#""[{,:}]""#,
    "[]",
    "[ ]",
    "[\t\r\n ]",
    "[[]]",
    "[[],[]]",
    "[1,2]",
    "[ 1 , 2 ]",
    "[null,true,false,\"\",{},[]]",
    "{}",
    "{ }",
    r#"{"":0}"#,
    r#"{"a":1,"a":2}"#,
    "{ \"a\" : 1 , \"b\" : { } }",
    r#"{"a":{"a":[{"a":{}}]}}"#,
    r#"{"\u0061":1}"#,
    r#"{"\ud800":1}"#,
    "[1e1,[2.5,[{\"x\":[]}]]]",
];

/// Texts that stand where a value is expected and that RFC 8259 refuses.
const BAD: &[&str] = &[
    "",
    " ",
    "nul",
    "nulll",
    "Null",
    "True",
    "tru",
    "truee",
    "falsy",
    "undefined",
    "NaN",
    "Infinity",
    "-Infinity",
    "+1",
    "01",
    "-01",
    "00",
    "-",
    "--1",
    "1.",
    ".5",
    "-.5",
    "1.e5",
    "1e",
    "1e+",
    "1E-",
    "1e5.5",
    "1.5.5",
    "0x10",
    "1_0",
    "1 2",
    "1a",
    "0-",
    "٣",
    "'a'",
    r#"""#,
    r#""a"#,
    r#""\"#,
    r#""\""#,
    r#""\x""#,
    r#""\a""#,
    r#""\u""#,
    r#""\u12""#,
    r#""\u123""#,
    r#""\u123g""#,
    r#""\U1234""#,
    "\"\\\u{fc}\"",
    "\"\n\"",
    "\"\t\"",
    "\"\0\"",
    "\"\u{1f}\"",
    "\"12345678\u{1}\"",
    r#""a""b""#,
    r#""a"b"#,
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1,,2]",
    "[1 2]",
    "[1:2]",
    "[}",
    "[1}",
    "{",
    "}",
    "{]",
    "{,}",
    r#"{"a"}"#,
    r#"{"a":}"#,
    r#"{"a":1"#,
    r#"{"a":1,}"#,
    r#"{"a":1,,"b":2}"#,
    r#"{,"a":1}"#,
    r#"{"a" 1}"#,
    r#"{"a"::1}"#,
    r#"{"a":1:2}"#,
    r#"{"a":1 "b":2}"#,
    r#"{"a":1]"#,
    r#"{a:1}"#,
    r#"{1:1}"#,
    r#"{null:1}"#,
    r#"{'a':1}"#,
    r#"{"a":1}}"#,
    "{}\u{c}",
    "[1]]",
    "[]{}",
    "{}{}",
    "{} x",
    "/**/1",
    "1//",
    "#",
    "\u{feff}1",
    "\u{a0}1",
    "\u{c}1",
    "\u{b}1",
    "1\0",
    "*",
    "<x>",
    "[\"a\",\n4\n,1,",
    "[[[",
    "{\"a\":[{\"b\":[",
];

fn path(dotted: &str) -> Vec<String> {
    dotted.split('.').map(str::to_owned).collect()
}

type Way = fn(&Fields, &[u8], &mut Scratch, &mut [Span]) -> Result<(), ScanFault>;

/// Scans a text, both ways: they must not differ.
pub(super) fn fault(fields: &Fields, text: &[u8]) -> Result<Vec<Span>, ScanFault> {
    let by = |way: Way| {
        let mut spans = vec![Span::ABSENT; fields.len()];
        way(fields, text, &mut Scratch::default(), &mut spans).map(|()| spans)
    };
    let found = by(scan);
    assert_eq!(found, by(thorough), "{}", String::from_utf8_lossy(text));
    found
}

fn is_json(text: &[u8]) -> bool {
    let mut fields = Fields::default();
    fields.field(&path("v.x"));
    !matches!(fault(&fields, text), Err(ScanFault::NotJson { .. }))
}

#[test]
fn the_grammar_is_rfc_8259_wherever_a_value_stands() {
    let around = |value: &str| {
        [
            value.to_owned(),
            format!(" \t\r\n{value}\n"),
            format!("[{value}]"),
            format!("{{\"v\":{value}}}"),
            format!("{{\"w\":{value}}}"),
            format!("{{\"v\":{{\"x\":{value}}}}}"),
            format!("{{\"v\":{{\"y\": {value} , \"x\":0}}}}"),
        ]
    };
    for value in GOOD {
        for text in around(value) {
            assert!(is_json(text.as_bytes()), "{text}");
        }
    }
    for value in BAD {
        for text in around(value) {
            // `[ ]` is a value, although ` ` is none.
            let empty_array = value.trim().is_empty() && text.starts_with('[');
            assert_eq!(is_json(text.as_bytes()), empty_array, "{text}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_not_json() {
    for bytes in [
        b"\xff".as_slice(),
        b"{\"a\":\"\xc3\x28\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\xc0\xaf\"}",
        b"{\"\xe2\x82\":1}",
        b"{}\xf0\x9f",
        b"{\x00}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
    ] {
        assert!(!is_json(bytes), "{bytes:?}");
    }
}

#[test]
fn the_first_fault_of_the_list_is_the_reason() {
    let mut fields = Fields::default();
    fields.field(&path("a"));
    fields.field(&path("p.b"));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep = nested(MAX_DEPTH);
    for (text, expected) in [
        ("{} ".to_owned(), Ok(())),
        (nested(MAX_DEPTH), Err(ScanFault::NotObject)),
        (nested(MAX_DEPTH + 1), Err(ScanFault::TooDeep)),
        (format!("{{\"x\":{}}}", nested(MAX_DEPTH - 1)), Ok(())),
        (format!("{{\"x\":{deep}}}"), Err(ScanFault::TooDeep)),
        (format!("{{\"a\":{deep},\"a\":1}}"), Err(ScanFault::TooDeep)),
        (format!("{{\"p\":{{\"b\":{}}}}}", nested(MAX_DEPTH - 2)), Ok(())),
        (format!("{{\"p\":{{\"b\":{}}}}}", nested(MAX_DEPTH - 1)), Err(ScanFault::TooDeep)),
        ("[{\"a\":1,\"a\":2}]".to_owned(), Err(ScanFault::NotObject)),
        ("1".to_owned(), Err(ScanFault::NotObject)),
        ("{\"a\":1,\"a\":1}".to_owned(), Err(ScanFault::DuplicateKey)),
        ("{\"a\":1,\"\\u0061\":1}".to_owned(), Err(ScanFault::DuplicateKey)),
        ("{\"p\":{\"b\":1},\"p\":0}".to_owned(), Err(ScanFault::DuplicateKey)),
        ("{\"p\":{\"b\":1,\"b\":1}}".to_owned(), Err(ScanFault::DuplicateKey)),
        ("{\"x\":1,\"x\":1,\"b\":1,\"b\":1}".to_owned(), Ok(())),
        ("{\"p\":{\"a\":1,\"a\":1},\"x\":{\"a\":1,\"a\":1}}".to_owned(), Ok(())),
        ("{\"p\":[{\"b\":1,\"b\":1}]}".to_owned(), Ok(())),
        ("{\"a\":1,\"a\\ud800\":1,\"\\ud800\":1}".to_owned(), Ok(())),
    ] {
        assert_eq!(fault(&fields, text.as_bytes()).map(|_| ()), expected, "{text}");
    }
    for text in [format!("{deep}]"), format!("[{deep}"), format!("[{deep}]x"), "{\"a\":1,\"a\":1".to_owned()] {
        assert!(matches!(fault(&fields, text.as_bytes()), Err(ScanFault::NotJson { .. })), "{text}");
    }
    let ScanFault::NotJson { at, what } = fault(&fields, b"{\"a\": 1x}").unwrap_err() else {
        panic!("no grammar fault")
    };
    assert_eq!((at, what), (7, "expected `,` or `}`"));
}

#[test]
fn a_million_levels_are_steps_and_no_recursion() {
    const LEVELS: usize = 1_000_000;
    let mut fields = Fields::default();
    // A plan's own path may be deep, too.
    fields.field(&vec!["a".to_owned(); 30_000]);
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"x\":", "}"), ("[{\"a\":", "}]")] {
        let good = format!("{}1{}", open.repeat(LEVELS), close.repeat(LEVELS));
        assert_eq!(fault(&fields, good.as_bytes()), Err(ScanFault::TooDeep));
        let broken = open.repeat(LEVELS);
        assert!(matches!(fault(&fields, broken.as_bytes()), Err(ScanFault::NotJson { .. })));
    }
}

#[test]
fn fields_are_found_without_the_white_space_around_them() {
    let mut fields = Fields::default();
    let slots: Vec<Slot> =
        ["title", "properties", "properties.uuid", "properties.x.y", ""].map(|p| fields.field(&path(p))).to_vec();
    let text = br#" { "title" : "les\"son" , "n":[1,{"title":2}],"properties":
        { "uuid":  -0 ,"x": [1 ] , "z":{"uuid":1} } , "":{ } , "titles":1 } "#;
    let spans = fault(&fields, text).unwrap();
    let found: Vec<Option<&str>> =
        slots.iter().map(|slot| slot.of(&spans).of(text).map(|raw| std::str::from_utf8(raw).unwrap())).collect();
    let properties = "{ \"uuid\":  -0 ,\"x\": [1 ] , \"z\":{\"uuid\":1} }";
    assert_eq!(found, [Some("\"les\\\"son\""), Some(properties), Some("-0"), None, Some("{ }")]);
}

#[test]
fn names_are_compared_after_unescaping() {
    let mut fields = Fields::default();
    let slot = fields.field(&path("a\"ü\n"));
    for name in [r#"a\"ü\n"#, r#"\u0061\u0022\u00fc\u000a"#, r#"\u0061\u0022\u00FC\u000A"#] {
        let text = format!("{{\"{name}\":1}}");
        assert!(!slot.of(&fault(&fields, text.as_bytes()).unwrap()).is_absent(), "{text}");
    }
    for name in [r#"a\"u\n"#, r#"\\u0061\"ü\n"#, r#"a\"ü\n\ud800"#] {
        let text = format!("{{\"{name}\":1}}");
        assert!(slot.of(&fault(&fields, text.as_bytes()).unwrap()).is_absent(), "{text}");
    }
}

#[test]
fn tails_stand_behind_the_last_value_or_the_brace() {
    let mut fields = Fields::default();
    let (top, inner): (ObjectSlot, ObjectSlot) = (fields.object(&[]), fields.object(&path("p")));
    let tails = |text: &str| {
        let spans = fault(&fields, text.as_bytes()).unwrap();
        (top.of(&spans), inner.of(&spans))
    };
    let tail = |open, insert_at| Some(Tail { open, insert_at });
    assert_eq!(tails("{}"), (tail(0, 1), None));
    assert_eq!(tails(" { \n} "), (tail(1, 2), None));
    assert_eq!(tails(" { \"a\" : 1 } "), (tail(1, 10), None));
    assert_eq!(tails(r#"{"p":{}}"#), (tail(0, 7), tail(5, 6)));
    assert_eq!(tails(r#"{"p":{ } ,"q":2 }"#), (tail(0, 15), tail(5, 6)));
    assert_eq!(tails(r#"{"p":{"p":{} } }"#), (tail(0, 14), tail(5, 12)));
    for other in ["null", "1", "\"{}\"", "[{}]"] {
        assert_eq!(tails(&format!("{{\"p\":{other}}}")).1, None);
    }
    assert!(Tail { open: 1, insert_at: 2 }.is_empty());
    assert!(!Tail { open: 1, insert_at: 10 }.is_empty());
}
