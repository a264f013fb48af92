//! JSON's hard cases, by class: each a value inside an event, or a whole payload.
//!
//! The rules say which are taken (RFC 8259); nothing here does.

use super::Seed;

/// Numbers, good and bad.
#[rustfmt::skip]
const NUMBERS: &[&str] = &[
    "0", "-0", "0.0", "-0.0", "1", "-1", "10", "1.5", "1.50", "1e1", "1E1", "1e+1", "1e-1", "0e0", "0E+0", "1.5e10",
    "123456789012345678901234567890", "9007199254740993", "18446744073709551615", "18446744073709551616",
    "-9223372036854775808", "-9223372036854775809", "1e308", "1e309", "-1e309", "1e-400", "4.9e-324", "0.1e1000000",
    "1e99999999999999999999", "0.00000000000000000000000000000001", "-", "+1", "01", "-01", "00", "1.", ".1", "-.1",
    "1.e1", "1e", "1e+", "1E-", "1e1.5", "0x1", "1_000", "1,000", "--1", "1-", "NaN", "Infinity", "-Infinity", "1 2",
    "1a", "\u{ff11}", "0.1.2", "2.e3", "1e1e1", "- 1", "1 .5",
];

/// Strings, good and bad; between them the quotes are part of the case.
#[rustfmt::skip]
const STRINGS: &[&str] = &[
    r#""""#, r#"" ""#, r#""a""#, r#""\"\\\/\b\f\n\r\t""#, r#""\u0000""#, r#""\u001f""#, r#""\u0041\u00e9\u20AC""#,
    r#""\ud83d\ude00""#, r#""\uD83D\uDE00""#, r#""\ud83d""#, r#""\ude00""#, r#""\ude00\ud83d""#, r#""\ud83d\ud83d""#,
    r#""\ud83d\u0041""#, r#""\ud83dx""#, r#""\ud83d\n""#, r#""\ud83d\\u0041""#, r#""\udbff\udfff""#, r#""\ufeff""#,
    r#""\uffff\ufffe""#, r#""\u2028\u2029""#, "\"\u{2028}\u{2029}\"", "\"\u{7f}\u{80}\u{9f}\"", "\"\u{feff}\"",
    "\"é😀\u{10ffff}\"", r#""\u12""#, r#""\u123g""#, r#""\U0041""#, r#""\x41""#, r#""\a""#, r#""\'""#, r#""\""#,
    r#""\"#, r#"""#, "'a'", "\"a\nb\"", "\"a\tb\"", "\"a\0b\"", "\"\u{1f}\"", "\"\u{1}aaaaaaaaaaaaaaaa\"",
    "\"aaaaaaa\u{1f}\"", "\"aaaaaaaa\u{1f}\"", "\"aaaaaaaaaaaaaaa\\\"", r#""\\\\\\""#, r#""\\\\\\\""#, r#""a" "b""#,
    "a", r#""\u+041""#, r#""\u00\u0041""#, r#""\u 041""#, "\"*/\"", "\"<!--\"",
];

/// Arrays, objects and words, good and bad.
#[rustfmt::skip]
const STRUCTURES: &[&str] = &[
    "[]", "[ ]", "[1]", "[1,2]", "[[],{}]", "{}", "{ }", r#"{"":0}"#, r#"{"a":{"a":{}}}"#, "true", "false", "null",
    "[1,]", "[,1]", "[1,,2]", "[,]", "[1 2]", "[", "]", "[1", "[1}", "{\"a\":1]", r#"{"a"}"#, r#"{"a":}"#,
    r#"{"a":1,}"#, r#"{,"a":1}"#, r#"{"a":1,,"b":2}"#, r#"{"a" 1}"#, r#"{"a"::1}"#, r#"{a:1}"#, r#"{1:1}"#,
    r#"{'a':1}"#, r#"{null:1}"#, "{", "}", r#"{"a":1"#, "True", "tru", "truee", "nul", "nulll", "undefined", "[\u{a0}]",
    "[\u{c}]", "[\u{b}]", "[\u{2003}]", "/**/1", "1//", "#", "[1]]", "{}}", r#"{"a":1 "b":2}"#, "[\"\",]", "[*]",
];

/// Whole payloads.
#[rustfmt::skip]
const PAYLOADS: &[&str] = &[
    "", " ", "\n", "\t\r\n ", "{}", " {} ", "\r\n{}\r\n", "[]", "1", "\"\"", "null", "{}{}", "{} x", "{},", "\u{feff}{}",
    "{}\u{feff}", "\u{feff}", "{}\0", "\0{}", r#"{"k":"u","k":"u","u":1}"#, r#"{"k":"u","\u006b":"u","u":1}"#,
    r#"{"\u006b":"u","\u0075":"1"}"#, r#"{"k":"u","u":1,"u":1}"#, r#"{"k":"u","u":1,"w":1,"w":2}"#,
    r#"{"k":"u","u":1,"p":{"y":1,"y":2}}"#, r#"{"k":"u","u":1,"p":{"w":1,"w":2}}"#, r#"{"p":{},"p":{},"k":"u","u":1}"#,
    r#"{"p":1,"p":{"y":1},"k":"u","u":1}"#, r#"{"k":"u","u":1,"w":{"k":1,"k":2}}"#, r#"{"k":"u","u":1,"p":[{"y":1,"y":2}]}"#,
    r#"{"k":"u","u":1,"m":1,"m":2}"#, r#"{"k":"u","u":1,"m":{"m":1,"m":2}}"#, r#"{"k":"u","u":1,"\ud83d":1,"\ud83d":2}"#,
    r#"{"k":"u","u":1,"k\u0000":1,"k ":2,"K":3}"#, r#"{"k":"u","u":1,"":1,"":2}"#, r#"{"k":"u","u":1,"\"":1,"p":{"\"":1,"\u0022":2}}"#,
    r#"{"k":"u"}"#, r#"{"k":"u","u":null}"#, r#"{"k":"u","u":""}"#, r#"{"k":"u","u":-0}"#, r#"{"k":"u","u":1.0}"#,
    r#"{"k":"u","u":1e3}"#, r#"{"k":"u","u":[]}"#, r#"{"k":"u","u":true}"#, r#"{"k":"u","u":"\ud800"}"#, r#"{"k":"u","u":00}"#,
    r#"{"k":null,"u":1}"#, r#"{"k":1,"u":1}"#, r#"{"k":"","u":1}"#, r#"{"k":"\ud800","u":1}"#, r#"{"k":"nobody","i":7}"#,
    r#"{"k":"l:","p":{"u":1}}"#, r#"{"k":"l:a:x","p":{"u":"é"}}"#, r#"{"k":":x"}"#, r#"{"k":"u","u":1,"i":7}"#,
    r#"{"k":"u","u":1,"i":"7"}"#, r#"{"k":"u","u":1,"i":7.0}"#, r#"{"k":"u","u":1,"i":""}"#, r#"{"k":"u","u":1,"t":"2026-11-21T11:45:00Z"}"#,
    r#"{"k":"u","u":1,"t":1795261500.5}"#, r#"{"k":"u","u":1,"t":1e999}"#, r#"{"k":"u","u":1,"t":-1}"#,
];

/// Bytes that are no UTF-8, inside a string.
#[rustfmt::skip]
const NO_TEXT: &[&[u8]] = &[
    b"\x80", b"\xff", b"\xfe\xff", b"\xc0\xaf", b"\xc1\xbf", b"\xc3", b"\xe2\x82", b"\xe2\x28\xa1", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf", b"aaaaaaa\xc3", b"\xc3\x28",
];

/// Every case as an input of `decode`.
pub fn decode() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut add = |class: &str, n: usize, payload: &[u8]| {
        seeds.push((format!("{class}-{n:02}"), [b"1i.x\n", payload].concat()));
    };
    for (class, values) in [("number", NUMBERS), ("string", STRINGS), ("structure", STRUCTURES)] {
        for (n, value) in values.iter().enumerate() {
            // In a place that is read and in one that is stepped over, in turn.
            let name = if n % 2 == 0 { "x" } else { "w" };
            add(class, n, format!(r#"{{"k":"u","u":1,"{name}": {value} ,"p":{{}}}}"#).as_bytes());
        }
    }
    for (n, payload) in PAYLOADS.iter().enumerate() {
        add("payload", n, payload.as_bytes());
    }
    for (n, bytes) in NO_TEXT.iter().enumerate() {
        add("utf8", n, &[br#"{"k":"u","u":1,"w":""#, *bytes, br#""}"#].concat());
    }
    for (n, depth) in [126, 127, 128, 129, 1_000].into_iter().enumerate() {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        add("depth", n, format!(r#"{{"w":{open}{close}}}"#).as_bytes());
        let (open, close) = (r#"{"p":"#.repeat(depth), "}".repeat(depth));
        add("depth-of-objects", n, format!("{open}0{close}").as_bytes());
        add("depth-unclosed", n, open.as_bytes());
    }
    seeds.push((
        "outside".to_owned(),
        b"4events.u.7|X-Trace=a b|X-Trace=c|@-9223372036854775808\n{\"properties\":{}}".to_vec(),
    ));
    seeds.push((
        "outside-late".to_owned(),
        b"5a|X-Hop=\xc3\xa9|@9223372036854775807\n{\"title\":\"user\",\"properties\":{\"uuid\":1}}".to_vec(),
    ));
    seeds.push(("outside-empty".to_owned(), b"4\n{}".to_vec()));
    seeds
}
