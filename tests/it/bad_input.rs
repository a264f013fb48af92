//! Any bytes at all may stand in the input: each event has one dead letter with its reason and its own bytes, or one
//! correct output, and the ones beside it never notice.
//!
//! The cases are single messages, published as they are; what they come to is written beside them.

use crate::harness::bed::Bed;
use crate::harness::wire::Message;

/// What a case comes to.
#[derive(Clone, Copy)]
enum Expect {
    /// A dead letter with this reason and the event's own bytes.
    Dead(&'static str),
    /// The same with the body cut to fit.
    Cut(&'static str),
    /// An output on this subject that ends with this text; before it stand the event's own bytes but the last brace.
    Out(&'static str, &'static str),
}
use Expect::{Cut, Dead, Out};

/// The ends of outputs.
const PLAIN: &str = r#","event_processed":true}"#;
const UNKNOWN: &str = r#","event_processed":false}"#;
const MISSED: &str = r#","country":null,"subscription_status":null,"subscription_type":null,"event_processed":false}"#;

/// One message of the input.
struct Case {
    name: &'static str,
    payload: Vec<u8>,
    expect: Expect,
}

fn case(name: &'static str, payload: impl Into<Vec<u8>>, expect: Expect) -> Case {
    Case { name, payload: payload.into(), expect }
}

fn user(uuid: &str) -> String {
    format!(r#"{{"title":"user","properties":{{"uuid":{uuid}}}}}"#)
}

fn lesson(properties: &str) -> String {
    format!(r#"{{"title":"lesson","properties":{{{properties}}}}}"#)
}

fn no_json() -> Vec<Case> {
    let text = |name, text: &str| case(name, text, Dead("not_json"));
    let bytes = |name, bytes: &[u8]| case(name, bytes, Dead("not_json"));
    vec![
        text("empty", ""),
        text("white space", " \r\n\t"),
        text("half an object", r#"{"title":"user""#),
        text("trailing comma", r#"{"title":"user",}"#),
        text("two values", "{}{}"),
        text("single quotes", "{'title':'user'}"),
        text("comment", "{} // user"),
        text("leading zero", r#"{"a":01}"#),
        text("plus sign", r#"{"a":+1}"#),
        text("NaN", r#"{"a":NaN}"#),
        text("raw line break in a string", "{\"a\":\"\n\"}"),
        text("broken escape", r#"{"a":"\x"}"#),
        text("half a unicode escape", r#"{"a":"\u12"}"#),
        text("form feed between members", "{\u{c}}"),
        text("byte order mark", "\u{feff}{}"),
        bytes("not UTF-8", b"\xff\xfe{}"),
        bytes("not UTF-8 inside a string", b"{\"title\":\"user\xff\"}"),
        bytes("overlong UTF-8", b"{\"a\":\"\xc0\xaf\"}"),
        bytes("a surrogate in UTF-8", b"{\"a\":\"\xed\xa0\x80\"}"),
        bytes("NUL bytes", &[0; 100]),
        text("Infinity", r#"{"a":-Infinity}"#),
        text("base64", "eyJ0aXRsZSI6InVzZXIifQ=="),
        text("two lines of JSON", "{}\n{}"),
        text("JSON and a NUL", "{\"title\":\"user\"}\0"),
        bytes("UTF-16", b"\xff\xfe{\0}\0"),
        bytes("UTF-16 without a mark", b"{\0}\0"),
        bytes("Latin-1", b"{\"title\":\"\xd6sterreich\"}"),
        bytes("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xabV\x02\0"),
        bytes("a schema's number before JSON", b"\0\0\0\0\x2a{\"title\":\"user\"}"),
        bytes("msgpack", b"\x82\xa5title\xa6lesson\xa1p\x80"),
        case("a megabyte of nothing", vec![b'x'; 1_000_000], Dead("not_json")),
        case("a megabyte of brackets", vec![b'['; 1_000_000], Dead("not_json")),
        case("a megabyte of high bytes", vec![0xff; 1_000_000], Dead("not_json")),
    ]
}

fn other_json() -> Vec<Case> {
    let nested = |open: &str, close: &str, depth: usize| {
        format!(r#"{{"title":"user","properties":{{"uuid":"n"}},"a":{}0{}}}"#, open.repeat(depth), close.repeat(depth))
    };
    vec![
        case("array", "[1]", Dead("not_object")),
        case("array of an event", format!("[{}]", user("\"a\"")), Dead("not_object")),
        case("text", "\"user\"", Dead("not_object")),
        case("number", "7", Dead("not_object")),
        case("null", "null", Dead("not_object")),
        case("100,000 arrays deep", nested("[", "]", 100_000), Dead("too_deep")),
        case("100,000 objects deep", nested(r#"{"a":"#, "}", 100_000), Dead("too_deep")),
        case("100,000 deep and no object", "[".repeat(100_000) + &"]".repeat(100_000), Dead("too_deep")),
        case("129 deep", nested("[", "]", 128), Dead("too_deep")),
        case("128 deep", nested("[", "]", 127), Out("enriched.user", PLAIN)),
        case("kind twice", r#"{"title":"user","title":"user"}"#, Dead("duplicate_key")),
        case("kind twice, once escaped", r#"{"title":"user","t\u0069tle":"x"}"#, Dead("duplicate_key")),
        case("key twice", r#"{"title":"user","properties":{"uuid":"a","uuid":"a"}}"#, Dead("duplicate_key")),
        case("mark twice", r#"{"event_processed":1,"event_processed":2}"#, Dead("duplicate_key")),
        case("other names twice", r#"{"a":1,"a":2,"properties":{"b":1,"b":2}}"#, Out("enriched.unknown", UNKNOWN)),
        case("planned names elsewhere", r#"{"a":{"title":1,"title":2}}"#, Out("enriched.unknown", UNKNOWN)),
    ]
}

fn keys() -> Vec<Case> {
    let key = |name, key: &str, expect| case(name, user(key), expect);
    let fine = Out("enriched.user", PLAIN);
    let mut cases = vec![
        case("no properties", r#"{"title":"user"}"#, Dead("no_key")),
        case("properties are no object", r#"{"title":"user","properties":[]}"#, Dead("no_key")),
        key("null", "null", Dead("no_key")),
        key("empty", "\"\"", Dead("bad_key")),
        key("true", "true", Dead("bad_key")),
        key("object", "{}", Dead("bad_key")),
        key("fraction", "1.5", Dead("bad_key")),
        key("1e999", "1e999", Dead("bad_key")),
        key("lone surrogate", r#""\ud800""#, Dead("bad_key")),
        key("NUL", r#""a\u0000b""#, fine),
        key("wildcards", r#""*""#, fine),
        key("more wildcards", r#"">""#, fine),
        key("spaces and dots", r#"" a . b ""#, fine),
        key("line breaks", r#""a\r\nNats-Msg-Id: b""#, fine),
        key("percent and slash", r#""%2f/../""#, fine),
        key("an emoji", "\"\u{1f600}\"", fine),
        key("an integer of 400 digits", &"9".repeat(400), fine),
        key("10 kB", &format!("\"{}\"", "k".repeat(10_000)), fine),
        key("300 kB", &format!("\"{}\"", "k".repeat(300_000)), fine),
        case("row missing", r#"{"title":"subscription","properties":{"user_uuid":"a"}}"#, Dead("no_key")),
        case(
            "row is an object",
            r#"{"title":"subscription","properties":{"user_uuid":"a","language":{}}}"#,
            Dead("bad_key"),
        ),
        case("selector is an array", lesson(r#""user_uuid":"a","language":[]"#), Dead("bad_key")),
        case("selector is null", lesson(r#""user_uuid":"nobody","language":null"#), Out("enriched.lesson", MISSED)),
        case(
            "selector is odd",
            lesson(r#""user_uuid":"nobody","language":"*.> \u0000""#),
            Out("enriched.lesson", MISSED),
        ),
    ];
    let row = r#"{"title":"subscription","properties":{"user_uuid":"a","language":"*.> \u0000"}}"#;
    cases.push(case("row is odd", row, Out("enriched.subscription", PLAIN)));
    cases
}

fn values() -> Vec<Case> {
    let unknown = Out("enriched.unknown", UNKNOWN);
    let mut cases = vec![
        case("empty object", "{}", Out("enriched.unknown", r#"{"event_processed":false}"#)),
        case("1e999 that nobody reads", r#"{"a":1e999,"b":-1E-999}"#, unknown),
        case("a lone surrogate that nobody reads", r#"{"a":"\udfff"}"#, unknown),
        case("a lone surrogate in the kind", r#"{"title":"user\ud800"}"#, unknown),
        case("a kind with wildcards", r#"{"title":"*.>"}"#, unknown),
        case("a kind with spaces and line breaks", r#"{"title":"a b\r\n\u0000"}"#, unknown),
        case("a kind of 5,000 dots", format!(r#"{{"title":"{}"}}"#, ".".repeat(5_000)), unknown),
        case("a number for a kind", r#"{"title":7}"#, unknown),
        case(
            "1e999 in a column",
            r#"{"title":"user","properties":{"uuid":"inf","country":1e999}}"#,
            Out("enriched.user", PLAIN),
        ),
        case(
            "1e999 out of a column",
            lesson(r#""user_uuid":"inf""#),
            Out(
                "enriched.lesson",
                r#","country":1e999,"subscription_status":null,"subscription_type":null,"event_processed":false}"#,
            ),
        ),
    ];
    for _ in 0..2 {
        // No id is no reason to be taken for a duplicate.
        cases.push(case(
            "an id that is none",
            r#"{"title":"user","event_uuid":1.5,"properties":{"uuid":"i"}}"#,
            Out("enriched.user", PLAIN),
        ));
        cases.push(case(
            "a lone surrogate for an id",
            r#"{"title":"user","event_uuid":"\ud800","properties":{"uuid":"i"}}"#,
            Out("enriched.user", PLAIN),
        ));
    }
    cases
}

fn sizes() -> Vec<Case> {
    let padded = |name, properties: &str, bytes: usize, expect| {
        let around = lesson(&format!(r#"{properties},"pad":"""#)).len();
        case(name, lesson(&format!(r#"{properties},"pad":"{}""#, "p".repeat(bytes - around))), expect)
    };
    let country = format!(r#"{{"title":"user","properties":{{"uuid":"big","country":"{}"}}}}"#, "c".repeat(20_000));
    vec![
        padded("a megabyte that fits", r#""user_uuid":"nobody""#, 1_000_000, Out("enriched.lesson", MISSED)),
        case("a large column", country, Out("enriched.user", PLAIN)),
        padded("too large once enriched", r#""user_uuid":"big""#, 1_040_000, Dead("too_large")),
        padded("all that the server takes", r#""user_uuid":"nobody""#, 1_048_576, Cut("too_large")),
        case("all that the server takes, and no JSON", vec![b'{'; 1_048_576], Cut("not_json")),
    ]
}

/// Asserts that a lane message is what a case comes to.
fn check(case: &Case, position: u64, found: &Message) {
    let name = case.name;
    let header = |wanted: &str| {
        let values: Vec<&str> =
            found.headers.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).collect();
        assert!(values.len() < 2, "{name}: {wanted}: {values:?}");
        values.first().copied()
    };
    assert_eq!(header("Sidestream-Position"), Some(format!("EVENTS:{position}:0").as_str()), "{name}");
    let dead = |reason: &str| {
        assert_eq!(
            (header("Sidestream-Reason"), &*found.subject),
            (Some(reason), &*format!("dead.{reason}")),
            "{name}"
        );
        assert!(header("Sidestream-Error").is_some_and(|sentence| !sentence.is_empty()), "{name}");
        assert_eq!(header("Sidestream-Subject"), Some("events.case"), "{name}");
    };
    match case.expect {
        Dead(reason) => {
            dead(reason);
            assert!(found.payload == case.payload, "{name}: not the event's own bytes");
            assert_eq!(header("Sidestream-Length"), None, "{name}");
        }
        Cut(reason) => {
            dead(reason);
            assert_eq!(header("Sidestream-Length"), Some(case.payload.len().to_string().as_str()), "{name}");
            assert!(found.payload.len() > 1_040_000 && case.payload.starts_with(&found.payload), "{name}");
        }
        Out(subject, end) => {
            assert_eq!((&*found.subject, header("Sidestream-Reason")), (subject, None), "{name}");
            let expected = [&case.payload[..case.payload.len() - 1], end.as_bytes()].concat();
            let expected = if case.payload == b"{}" { end.as_bytes().to_vec() } else { expected };
            let shown = String::from_utf8_lossy(&found.payload[..found.payload.len().min(300)]);
            assert!(found.payload == expected, "{name}: {shown}");
        }
    }
}

#[test]
fn every_sort_of_bad_input_has_one_outcome() {
    let mut bed = Bed::new();
    let cases: Vec<Case> = [no_json(), other_json(), keys(), values(), sizes()].into_iter().flatten().collect();
    let engine = bed.engine("state", &[]);
    for case in &cases {
        bed.wire.publish("events.case", &[], &case.payload).unwrap();
    }
    bed.wire.flush().unwrap();
    let end = bed.finish();
    engine.drain();
    assert_eq!(end, cases.len() as u64 + 1);
    let lane = bed.lane();
    assert_eq!(lane.len(), cases.len() + 1);
    for (n, case) in cases.iter().enumerate() {
        check(case, n as u64 + 1, &lane[n]);
    }
    bed.assert_clean();
}

#[cfg(feature = "failpoints")]
#[test]
fn a_panic_costs_one_event_and_leaves_the_rows_as_they_were() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[]);
    let planted = [("Test-Panic".to_owned(), "1".to_owned())];
    let user = |country: &str| {
        format!(r#"{{"title":"user","event_uuid":"{country}","properties":{{"uuid":"a","country":"{country}"}}}}"#)
    };
    let lesson = lesson(r#""user_uuid":"a""#);
    let messages: [(&[(String, String)], &str); 6] = [
        (&[], &user("PT")),
        (&planted, &user("DE")),
        (&[], &lesson),
        (&planted, &lesson),
        // Its id was not marked by the panic: this is no duplicate.
        (&[], &user("DE")),
        (&[], &lesson),
    ];
    for (headers, payload) in messages {
        bed.wire.publish("events.case", headers, payload.as_bytes()).unwrap();
    }
    bed.finish();
    let log = engine.drain();
    assert_eq!(log.matches("planted by a test").count(), 2, "{log}");
    let lane = bed.lane();
    let subjects: Vec<&str> = lane.iter().map(|message| message.subject.as_str()).collect();
    let expected = [
        "enriched.user",
        "dead.internal",
        "enriched.lesson",
        "dead.internal",
        "enriched.user",
        "enriched.lesson",
        "enriched.user",
    ];
    assert_eq!(subjects, expected);
    for at in [1, 3] {
        assert_eq!(lane[at].payload, messages[at].1.as_bytes());
    }
    for (at, country) in [(2, r#""country":"PT""#), (5, r#""country":"DE""#)] {
        let payload = String::from_utf8_lossy(&lane[at].payload);
        assert!(payload.contains(country), "{payload}");
    }
}
