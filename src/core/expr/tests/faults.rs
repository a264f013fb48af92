//! What is said about expressions that cannot be used, and where in the text.

use crate::core::expr::tests::fixture::fault;
use crate::core::expr::{Expression, Want};
use crate::core::plan::check::Severity;

/// Each a condition, the part of it that is pointed at, what is said, and the hint.
fn mistakes(cases: &[(&str, &str, &str, &str)]) {
    for (text, shown, what, hint) in cases {
        let expected = (Severity::Mistake, (*shown).to_owned(), (*what).to_owned(), (*hint).to_owned());
        assert_eq!(fault(text, Want::Condition), Some(expected), "{text}");
    }
}

#[test]
fn slips_are_named() {
    mistakes(&[
        ("event.a = 1", "=", "`=` is no operator", "write `==`"),
        ("event.a === 1", "===", "`===` is no operator", "write `==`"),
        ("event.a <> 1", "<>", "`<>` is no operator", "write `!=`"),
        ("event.a & event.b", "&", "`&` is no operator", "write `&&`"),
        ("event.a == 1 and event.b", "and", "`and` is no operator", "write `&&`"),
        ("event.a == 1 OR event.b", "OR", "`OR` is no operator", "write `||`"),
        ("not event.a", "not", "`not` is no operator", "write `!`"),
        ("not(event.a)", "not", "`not` is no operator", "write `!`"),
        ("event.a not in [1]", "not", "`not` is no operator", "write `!`, or `!(a in b)`"),
        (
            "event.a == \"x",
            "\"x",
            "the text's quote is not closed",
            "close it with `\"`; a line's end cannot stand in a text",
        ),
        ("event.a == “x”", "“", "`“` means nothing in an expression", "a text stands between `\"` or `'`"),
        (
            "event.größe > 1",
            "ö",
            "`ö` means nothing in an expression",
            "names with other letters than a to z stand in backquotes: event.`größe`",
        ),
        ("event.a.matches(\"\\d\")", "\\d", "this is no escape that a text may have", ESCAPE),
        ("event.a > 1h", "1h", "this is no number", "a length of time is written `duration(\"1h\")`"),
        ("event.a > 5u", "5u", "this is no number", "there is one type of numbers: leave out the `u`"),
        ("if event.a", "if", "`if` is a reserved word", "write `condition ? value : other`"),
    ]);
}

const ESCAPE: &str = "write a backslash as `\\\\`, or the text with an `r` in front: r\"\\d+\"";

#[test]
fn what_is_missing_is_missed_at_its_place() {
    mistakes(&[
        ("", "", "the expression is empty", ""),
        ("event.a ==", "", "the expression ends where a value should stand", ""),
        ("(event.a == 1", "(", "this bracket is not closed by `)`", ""),
        ("event.a in [1, 2", "[", "this bracket is not closed by `]`", ""),
        ("event.a == 1)", ")", "nothing is opened that `)` closes", ""),
        ("event.a == 1 event.b", "event", "there is no operator in front of this", JOIN),
        ("event.a ? 1", "?", "a choice needs its other side", "write `condition ? value : other`"),
        ("event.a == * 2", "*", "a value should stand here, not `*`", ""),
        ("event.a == 1;", ";", "an expression has no end mark", "leave out the `;`"),
        ("event. == 1", "==", "there is no name behind the dot", ""),
        ("{1: 2}", "{", "objects cannot be written in an expression", ""),
        ("event.a in (1, 2)", ",", "`,` has no place here", ""),
    ]);
}

const JOIN: &str = "join two conditions with `&&` or `||`";

#[test]
fn names_and_calls_are_known_or_named() {
    mistakes(&[
        ("evnt > 1", "evnt", "`evnt` is no value", "did you mean `event`?"),
        (
            "amount > 1",
            "amount",
            "`amount` is no value",
            "a field of the event is written `event.amount`, a text \"amount\"",
        ),
        ("event == 1", "event", "the whole event is no value", "name a field of it, such as `event.amount`"),
        ("meta.knd == 1", "meta.knd", "`meta` has no `knd`", "did you mean `meta.kind`?"),
        (
            "meta.subject[0] == 1",
            "meta.subject[0]",
            "`meta.subject` needs the number of a token",
            "tokens count from 1, such as `meta.subject[2]`",
        ),
        (
            "meta.header == 1",
            "meta.header",
            "`meta.header` needs the name of a header",
            "a name is printable ASCII without `:`, such as `meta.header[\"Event-Kind\"]`",
        ),
        (
            "user[event.id].a == 1",
            "event.id",
            "the place that names a row is written without `event`",
            "write `user[id]`; a member that is named `event` is written `user[\"event.id\"]`",
        ),
        ("user[id] == 1", "user[id]", "a row is no value", "name a column of it, such as `user[customer.id].country`"),
        ("event.a.startWith(\"x\")", "startWith", "there is no function `startWith`", "did you mean `startsWith`?"),
        (
            "event.at > now()",
            "now",
            "there is no function `now`",
            "what an event becomes must not depend on the clock: use `meta.time`, or `meta.stream_time`",
        ),
        ("size(event.a) > 1", "size", "`size` is called on a value", "write it as in `event.a.size()`"),
        ("event.a.contains()", "contains", "`contains` takes one argument", "write it as in `event.a.contains(\"x\")`"),
        ("has(1)", "1", "`has` asks about a field or another place", "such as `has(event.a)`"),
        ("event.l.exists(1, true)", "1", "the first argument names the list's elements", EXISTS),
        ("event.l.exists(event, true)", "event", "an element needs a name of its own", EXISTS),
        ("event.a.matches(event.b)", "event.b", "a pattern is a text in quotes, the same for all events", ""),
    ]);
    let (_, shown, what, _) = fault("event.a.matches(\"(\")", Want::Condition).unwrap();
    assert_eq!(shown, "\"(\"");
    assert!(what.starts_with("this is no regular expression: "), "{what}");
}

const EXISTS: &str = "such as `event.list.exists(e, e > 1)`";

#[test]
fn types_that_do_not_fit_are_told() {
    let declared = "`event.number` is declared as a number";
    mistakes(&[
        ("event.number == \"free\"", "event.number", "a number is never equal to a text", declared),
        ("\"a\" < event.number", "event.number", "a text cannot be compared with a number", declared),
        ("event.number == null", "event.number", "a number is never equal to null", declared),
        ("event.a > null", "null", "null is neither smaller nor larger than anything", ""),
        (
            "event.number",
            "event.number",
            "a condition is true or false, and this is a number",
            "compare it: `event.number > 0`",
        ),
        (
            "event.a && event.a + 1",
            "event.a + 1",
            "a condition is true or false, and this is a number",
            "compare it: `event.a + 1 > 0`",
        ),
        ("event.number.contains(\"x\")", "event.number", "`contains` takes texts here, and this is a number", declared),
        ("event.bool + event.x == 1", "event.bool", "`+` does not take a bool", "`event.bool` is declared as a bool"),
        (
            "event.number + event.text == 1",
            "event.number + event.text",
            "`+` does not take a number and a text",
            "`text(x)` makes a text of a number, `number(x)` a number of a text",
        ),
        ("event.text in [\"a\", 1]", "1", "a text is never equal to a number", ""),
        (
            "\"a\" in event.text",
            "event.text",
            "behind `in` stands a list, and this is a text",
            "whether a text contains another one asks `x.contains(\"a\")`",
        ),
        (
            "event.object == event.object",
            "event.object",
            "objects cannot be compared: compare their members",
            "`event.object` is declared as an object",
        ),
        (
            "meta.time > \"2022-02-14T14:40:00Z\"",
            "meta.time",
            "a time cannot be compared with a text",
            "a time is written `timestamp(\"2022-02-14T14:40:00Z\")`",
        ),
        ("meta.kind.a == 1", "meta.kind", "a text has no member `a`", ""),
        ("event.number[0] == 1", "event.number", "a number has no elements", declared),
        ("event.a / 0 == 1", "0", "nothing can be divided by zero", ""),
        (
            "event.at > timestamp(\"soon\")",
            "timestamp(\"soon\")",
            "this is no time",
            "such as `timestamp(\"2022-02-14T14:40:00Z\")`, with an offset or a `Z`",
        ),
        (
            "event.at > 99999999999999999999999999999999999999 + 1",
            "99999999999999999999999999999999999999 + 1",
            "the result has more than 38 digits",
            "",
        ),
        ("event.a > 1e400", "1e400", "a number has at most 38 digits, and 38 behind the point", ""),
    ]);
}

#[test]
fn what_is_right_has_no_fault() {
    for text in [
        "event.a > 1000 && event.b == \"free\" || !event.c",
        "event.number > 1 && event.text in [\"a\", event.x] && event.bool",
        "event.list.exists(e, e.p > event.number) && event.object.a == 1",
        "meta.time - timestamp(event.at) > duration(\"1h\")",
        "event.number == 1.50 // as a comment",
        "event.text.split(\":\")[0].size() > 1",
        "event.a.b.c[0][\"d\"] != null",
        "(event.bool ? event.number : event.text) == \"x\"",
    ] {
        assert_eq!(fault(text, Want::Condition), None, "{text}");
    }
    assert_eq!(fault("event.number * 2", Want::Value), None);
}

#[test]
fn a_constant_is_a_warning() {
    for (text, want, what) in [
        ("1 + 1 == 2", Want::Condition, "this condition holds for all events"),
        ("[1, 2].exists(x, x > 2)", Want::Condition, "this condition holds for no event"),
        ("10 / 4", Want::Value, "this is the same value for all events"),
    ] {
        let (severity, shown, found, _) = fault(text, want).unwrap();
        assert_eq!((severity, shown.as_str(), found.as_str()), (Severity::Warning, text, what));
    }
}

#[test]
fn depth_and_length_have_bounds() {
    let deep = |n: usize| format!("{}event.a{}", "(".repeat(n), ")".repeat(n));
    assert!(Expression::parse(&deep(60)).is_ok());
    for text in [
        deep(64),
        deep(2000),
        "!".repeat(4000) + "(",
        "[".repeat(4000),
        format!("event{}", ".a".repeat(2000)),
        format!("event.a{}", "[0]".repeat(1300)),
        format!("event.a{} == 1", " + 1".repeat(500)),
        format!("{}true", "event.a ? 1 : ".repeat(250)),
        format!("{}event.a", "(!-".repeat(1000)),
    ] {
        assert!(Expression::parse(&text).is_err(), "{text}");
    }
    let wide = vec!["event.a == 1"; 250].join(" && ");
    assert!(Expression::parse(&wide).is_ok(), "many terms are not deep");
    let fault = Expression::parse(&" ".repeat(4097)).unwrap_err();
    assert_eq!(fault.what, "an expression has at most 4096 bytes");
}
