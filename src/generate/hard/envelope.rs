//! Events whose envelope is odd: the kind, the id, the properties.
//!
//! The text around them is always good JSON.

use super::draft::quote;
use super::numbers::LONE_SURROGATES;
use super::oddity::Oddity;

/// Values that are neither a text nor an integer without a fraction.
pub(super) const NO_TEXT: &[&str] =
    &["true", "false", "1.5", "1e3", "7.0", "[]", "[\"a\"]", "{}", "{\"uuid\":\"a\"}", "-0.0", "1E0"];

pub(super) const ODDITIES: &[Oddity] = &[
    Oddity::draft("unknown-kind", |draft, random| {
        let kind = random.pick(&[
            "teacher",
            "invoice",
            "payment:order:completed",
            "account:created",
            "lesson:started",
            "User",
            "users",
        ]);
        draft.top.set("title", quote(kind));
        draft.subject = format!("events.{}", kind.replace(':', "."));
    }),
    Oddity::draft("kind-with-odd-characters", |draft, random| {
        let kinds = [
            "user.created",
            "*",
            ">",
            "a b",
            "us\\u0000er",
            "\\n",
            "..",
            "-",
            "lesson ",
            " lesson",
            "LESSON",
            "lección",
            "кино",
            "\\ud83d\\ude00",
            "a/b\\\\c",
            "%41",
            "$JS.API",
            ":",
            "::",
            "lesson:",
            ":lesson",
            "user*",
            "events.>",
            "{kind}",
            "unknown",
        ];
        draft.top.set("title", quote(random.pick(&kinds)));
    }),
    Oddity::draft("kind-very-long", |draft, random| {
        let bytes = (64 + random.index(10_000)).min(draft.largest_bytes / 4);
        draft.top.set("title", quote(&"k".repeat(bytes)));
    }),
    Oddity::draft("kind-of-64-bytes-or-so", |draft, random| {
        let bytes = 62 + random.index(5);
        draft.top.set("title", quote(&"q".repeat(bytes)));
    }),
    Oddity::draft("kind-empty", |draft, _| draft.top.set("title", "\"\"")),
    Oddity::draft("kind-missing", |draft, _| draft.top.remove("title")),
    Oddity::draft("kind-no-text", |draft, random| {
        let kind = random.pick(&["null", "7", "true", "[\"user\"]", "{\"title\":\"user\"}", "1.5"]);
        draft.top.set("title", kind);
    }),
    Oddity::draft("kind-lone-surrogate", |draft, random| draft.top.set("title", random.pick(LONE_SURROGATES))),
    Oddity::draft("kind-escaped", |draft, random| {
        let words = [r#""\u006cesson""#, r#""us\u0065r""#, r#""\u0073\u0075bscription""#];
        draft.top.set("title", random.pick(&words));
    }),
    Oddity::draft("kind-of-another-event", |draft, random| {
        // A lesson that says it is a user, say: the fields of its kind are missing or under other names.
        draft.top.set("title", quote(random.pick(&["user", "subscription", "lesson"])));
    }),
    Oddity::draft("id-missing", |draft, _| draft.top.remove("event_uuid")),
    Oddity::draft("id-null", |draft, _| draft.set_id("null")),
    Oddity::draft("id-empty", |draft, _| draft.set_id("\"\"")),
    Oddity::draft("id-integer", |draft, random| {
        // From a small range, as number and as text: 7 and "7" are one id.
        let number = random.below(40);
        let text = if random.per_mille(500) { format!("{number}") } else { format!("\"{number}\"") };
        draft.set_id(text);
    }),
    Oddity::draft("id-large-integer", |draft, random| {
        draft.set_id(random.pick(&[
            "9007199254740993",
            "9007199254740992",
            "-0",
            "0",
            "-1",
            "340282366920938463463374607431768211456",
        ]));
    }),
    Oddity::draft("id-no-text", |draft, random| draft.set_id(random.pick(NO_TEXT))),
    Oddity::draft("id-lone-surrogate", |draft, random| draft.set_id(random.pick(LONE_SURROGATES))),
    Oddity::draft("id-very-long", |draft, random| {
        let bytes = (4_000 + random.index(6_000)).min(draft.largest_bytes / 4);
        draft.set_id(quote(&"i".repeat(bytes)));
    }),
    Oddity::draft("id-odd-text", |draft, random| {
        // Few of them, so that they come again; the last two are the same id.
        let ids = [r#"" ""#, r#""\u0000""#, r#""*""#, "\"é\"", r#""e\u0301""#, r#""a\tb""#, r#""zz""#, r#""\u007az""#];
        draft.set_id(random.pick(&ids));
    }),
    Oddity::draft("properties-missing", |draft, _| draft.top.remove("properties")),
    Oddity::draft("properties-no-object", |draft, random| {
        let value = random.pick(&["null", "[]", "\"{}\"", "0", "true", "[{\"uuid\":\"a\"}]", "1.5"]);
        draft.top.set("properties", value);
    }),
    Oddity::draft("properties-empty", |draft, _| draft.properties.clear()),
    Oddity::draft("empty-object", |draft, _| draft.top.clear()),
    Oddity::draft("flat", |draft, _| {
        // The fields at the top instead of inside the properties.
        let key = draft.properties.get(draft.kind.key_name());
        draft.top.remove("properties");
        draft.top.set(draft.kind.key_name(), key);
    }),
    Oddity::draft("nested-envelope", |draft, _| {
        let inner = draft.payload();
        draft.properties.push(quote("properties"), inner);
    }),
];
