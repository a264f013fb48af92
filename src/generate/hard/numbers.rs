//! Values that a careless reader changes: numbers beyond a double, odd spellings, lone surrogates, nulls, nests.
//!
//! Every payload here is good JSON; where such a value becomes a column, its text must come out as it went in.

use super::draft::{EventDraft, quote};
use super::oddity::Oddity;
use crate::generate::facts::SchoolKind;
use crate::generate::random::Random;

/// Half a character: grammatical in an escape, but no text.
pub(super) const LONE_SURROGATES: &[&str] =
    &[r#""\ud800""#, r#""\udc00""#, r#""a\uD83Db""#, r#""\ude00\ud83d""#, r#""\ud83d\u0041""#, r#""pt\udfff-BR""#];

const NUMBERS: &[&str] = &[
    "1e999",
    "-1e999",
    "1e-999",
    "9007199254740993",
    "-9007199254740993",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1.0",
    "1.10",
    "-0",
    "-0.0",
    "0.1000000000000000055511151231257827",
    "1E5",
    "1e+05",
    "4.9e-324",
];

/// The kinds that fill tables.
const ROWS: &[SchoolKind] = &[SchoolKind::User, SchoolKind::Subscription];

pub(super) const ODDITIES: &[Oddity] = &[
    Oddity::draft("number-in-a-column", |draft, random| {
        let number = random.pick(NUMBERS);
        set_column(draft, random, number);
    })
    .on(ROWS),
    Oddity::draft("number-nobody-reads", |draft, random| {
        let number = random.pick(NUMBERS);
        draft.properties.push(quote("score"), number);
        draft.top.push(quote("version"), number);
    }),
    Oddity::draft("number-beyond-a-double", |draft, random| set_column(draft, random, "1e999")).on(ROWS),
    Oddity::draft("integer-beyond-a-double", |draft, random| set_column(draft, random, "9007199254740993")).on(ROWS),
    Oddity::draft("one-point-zero", |draft, random| set_column(draft, random, "1.0")).on(ROWS),
    Oddity::draft("number-of-many-digits", |draft, random| {
        let digits = "7".repeat(400 + random.index(600));
        set_column(draft, random, &digits);
    })
    .on(ROWS),
    Oddity::draft("lone-surrogate-in-a-column", |draft, random| {
        let half = random.pick(LONE_SURROGATES);
        set_column(draft, random, half);
    })
    .on(ROWS),
    Oddity::draft("lone-surrogate-nobody-reads", |draft, random| {
        let half = random.pick(LONE_SURROGATES);
        draft.properties.push(quote("note"), half);
        draft.top.push(half, "1");
    }),
    Oddity::draft("null-in-a-column", |draft, random| set_column(draft, random, "null")).on(ROWS),
    Oddity::draft("nest-in-a-column", |draft, random| {
        // The white space inside belongs to the value's text, the white space around it does not.
        let nests =
            ["{ \"a\" : [ 1.0 ,\n2 ] }", "[]", "{}", "[[ ]]", "{\"country\":\"x\",\"country\":\"y\"}", "[null , null]"];
        let nest = random.pick(&nests);
        set_column(draft, random, nest);
    })
    .on(ROWS),
    Oddity::draft("escapes-in-a-column", |draft, random| {
        let texts = [
            r#""Bra\u007ail""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\ud83d\ude00""#,
            r#""\u0000""#,
            "\"\u{7f}\u{2028}\u{1f600}\"",
            r#""""#,
        ];
        let text = random.pick(&texts);
        set_column(draft, random, text);
    })
    .on(ROWS),
    Oddity::draft("column-of-another-type", |draft, random| {
        let value = random.pick(&["true", "false", "0", "\"yes\"", "[\"Brazil\"]"]);
        set_column(draft, random, value);
    })
    .on(ROWS),
    Oddity::draft("odd-created-at", |draft, random| {
        let times = [
            "null",
            "\"1767225600\"",
            "\"2026-01-01T00:00:00Z\"",
            "-1",
            "0",
            "1767225600.25",
            "1767225600000",
            "1e12",
            "1e999",
            "253402300800",
            "99999999999999999999",
            "true",
            "{}",
            r#""\ud800""#,
        ];
        let time = random.pick(&times);
        draft.top.set("created_at", time);
    }),
    Oddity::draft("created-at-missing", |draft, _| draft.top.remove("created_at")),
    Oddity::draft("operation-odd", |draft, random| {
        let operation =
            random.pick(&["\"delete\"", "\"DELETE\"", "null", "\"\"", "1", "\"cr\\u0065ate\"", "true", "\"upsert\""]);
        draft.properties.set("operation", operation);
    })
    .on(&[SchoolKind::User]),
    Oddity::draft("operation-delete", |draft, _| draft.properties.set("operation", "\"delete\"")),
    Oddity::draft("large-text-in-a-column", |draft, random| {
        let bytes = (5_000 + random.index(10_000)).min(draft.largest_bytes / 4);
        let text = quote(&"é".repeat(bytes / 2));
        set_column(draft, random, text);
    })
    .on(ROWS),
    Oddity::draft("largest-payload", |draft, _| draft.pad_to(draft.largest_bytes)).rare(),
];

/// Puts the value where a table's column is filled from; a lesson fills none and gets it in a field that passes through.
fn set_column(draft: &mut EventDraft, random: &mut Random, value: impl AsRef<[u8]>) {
    let names: &[&str] = match draft.kind {
        SchoolKind::User => &["country", "active", "name", "firstname", "lastname"],
        SchoolKind::Subscription => &["subscription_status", "subscription_type", "subscription_period", "name"],
        SchoolKind::Lesson => &["title", "number_of_lessons_in_course", "content_release_id"],
    };
    let name = random.pick(names);
    draft.properties.set(name, value.as_ref());
}
