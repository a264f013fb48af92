//! Odd keys and odd rows: the user id and the language, in every form in which they must not be mixed up.
//!
//! No two of the odd keys mean the same unless a comment says so.

use super::draft::{EventDraft, json, quote};
use super::envelope::NO_TEXT;
use super::numbers::LONE_SURROGATES;
use super::oddity::Oddity;
use crate::generate::facts::{FieldValue, SchoolKind};
use crate::generate::person::{LANGUAGES, Person};
use crate::generate::random::Random;

/// All kinds evenly, so that odd keys get rows as well as lessons.
const EVERY: &[SchoolKind] = &[SchoolKind::User, SchoolKind::Subscription, SchoolKind::Lesson];

pub(super) const ODDITIES: &[Oddity] = &[
    Oddity::draft("unknown-user", |draft, random| {
        let stranger = Person::stranger(random.bits(), random.below(1_000));
        draft.set_key(json(FieldValue::Uuid(stranger.uuid())));
    })
    .on(&[SchoolKind::Lesson]),
    Oddity::draft("key-missing", |draft, _| draft.properties.remove(draft.kind.key_name())).on(EVERY),
    Oddity::draft("key-null", |draft, _| draft.set_key("null")).on(EVERY),
    Oddity::draft("key-empty", |draft, _| draft.set_key("\"\"")).on(EVERY),
    Oddity::draft("key-integer", |draft, random| {
        // Few of them, as number and as text: 7 and "7" are one key.
        let number = random.below(5);
        let text = if random.per_mille(500) { format!("{number}") } else { format!("\"{number}\"") };
        draft.set_key(text);
    })
    .on(EVERY),
    Oddity::draft("key-large-integer", |draft, random| {
        let keys =
            ["9007199254740992", "9007199254740993", "18446744073709551616", "-1", "-0", "0", "\"-0\"", "\"00\""];
        draft.set_key(random.pick(&keys));
    })
    .on(EVERY),
    Oddity::draft("key-float", |draft, random| {
        draft.set_key(random.pick(&["7.0", "1e0", "1E3", "0.5", "-0.0", "1e999"]))
    })
    .on(EVERY),
    Oddity::draft("key-no-text", |draft, random| draft.set_key(random.pick(NO_TEXT))).on(EVERY),
    Oddity::draft("key-array", |draft, _| draft.set_key("[\"a\",1]")).on(EVERY),
    Oddity::draft("key-very-long", |draft, random| {
        // Two keys that differ only in their last byte.
        let bytes = 10_000.min(draft.largest_bytes / 4);
        let last = random.pick(&["x", "y"]);
        draft.set_key(quote(&format!("{}{last}", "k".repeat(bytes))));
    })
    .on(EVERY),
    Oddity::draft("key-unicode", |draft, random| {
        // The second and the third look alike and are two keys.
        draft
            .set_key(quote(random.pick(&["ключ", "é", "e\u{301}", "鍵", "😀", "\u{200b}", "\u{feff}", "ﬁ", "ß", "ǅ"])));
    })
    .on(EVERY),
    Oddity::draft("key-nul", |draft, random| {
        draft.set_key(random.pick(&[r#""\u0000""#, r#""a\u0000b""#, r#""a\u0000""#, r#""\u0001""#, r#""\n""#]));
    })
    .on(EVERY),
    Oddity::draft("key-subject-characters", |draft, random| {
        let keys = [
            "*",
            ">",
            "a.b",
            "a b",
            " ",
            ".",
            "..",
            "a.*.>",
            "$JS.API.>",
            "%2A",
            "a/b",
            "a:b",
            "a=b",
            "\\\"",
            "\\\\",
            "'",
        ];
        draft.set_key(quote(random.pick(&keys)));
    })
    .on(EVERY),
    Oddity::draft("key-lone-surrogate", |draft, random| draft.set_key(random.pick(LONE_SURROGATES))).on(EVERY),
    Oddity::draft("key-escaped", |draft, _| {
        // The user's own key in another spelling: hyphens as escapes.
        let key = String::from_utf8_lossy(&json(FieldValue::Uuid(draft.person.uuid()))).replace('-', "\\u002d");
        draft.set_key(key);
    })
    .on(EVERY),
    Oddity::draft("key-in-capitals", |draft, _| {
        // Another key than in small letters.
        let key = String::from_utf8_lossy(&json(FieldValue::Uuid(draft.person.uuid()))).to_uppercase();
        draft.set_key(key);
    })
    .on(EVERY),
    Oddity::draft("language-missing", |draft, _| draft.properties.remove("language")).on(&[SchoolKind::Lesson]),
    Oddity::draft("language-null", |draft, _| draft.properties.set("language", "null")).on(&[SchoolKind::Lesson]),
    Oddity::draft("language-empty", |draft, _| draft.properties.set("language", "\"\"")).on(&[SchoolKind::Lesson]),
    Oddity::draft("language-no-text", |draft, random| draft.properties.set("language", random.pick(NO_TEXT)))
        .on(&[SchoolKind::Lesson]),
    Oddity::draft("language-lone-surrogate", |draft, random| {
        draft.properties.set("language", random.pick(LONE_SURROGATES));
    })
    .on(&[SchoolKind::Lesson]),
    Oddity::draft("language-odd-text", odd_language).on(&[SchoolKind::Lesson]),
    Oddity::draft("language-escaped", escaped_language).on(&[SchoolKind::Lesson]),
    Oddity::draft("language-nobody-has", |draft, _| draft.properties.set("language", "\"Klingon\""))
        .on(&[SchoolKind::Lesson]),
    Oddity::draft("row-missing", |draft, _| draft.properties.remove("language")).on(&[SchoolKind::Subscription]),
    Oddity::draft("row-null", |draft, _| draft.properties.set("language", "null")).on(&[SchoolKind::Subscription]),
    Oddity::draft("row-empty", |draft, _| draft.properties.set("language", "\"\"")).on(&[SchoolKind::Subscription]),
    Oddity::draft("row-no-text", |draft, random| draft.properties.set("language", random.pick(NO_TEXT)))
        .on(&[SchoolKind::Subscription]),
    Oddity::draft("row-lone-surrogate", |draft, random| {
        draft.properties.set("language", random.pick(LONE_SURROGATES));
    })
    .on(&[SchoolKind::Subscription]),
    Oddity::draft("row-odd-text", odd_language).on(&[SchoolKind::Subscription]),
    Oddity::draft("row-escaped", escaped_language).on(&[SchoolKind::Subscription]),
    Oddity::draft("row-very-long", |draft, random| {
        let bytes = (1_000 + random.index(9_000)).min(draft.largest_bytes / 4);
        draft.properties.set("language", quote(&"l".repeat(bytes)));
    })
    .on(&[SchoolKind::Subscription]),
];

/// Few of them, so that a lesson finds the subscription of the same odd language now and then.
fn odd_language(draft: &mut EventDraft, random: &mut Random) {
    let languages =
        ["7", "\"7\"", "\"pt-BR \"", "\" pt-BR\"", "\"PT-BR\"", "\"a.b.c\"", "\"[x]\"", "\"*\"", r#""\u0000""#, "-0"];
    let language = random.pick(&languages);
    draft.properties.set("language", language);
}

/// A language of the school in another spelling: blanks, dots and hyphens as escapes.
fn escaped_language(draft: &mut EventDraft, random: &mut Random) {
    let language = random.pick(LANGUAGES).replace(' ', "\\u0020").replace('.', "\\u002E").replace('-', "\\u002d");
    draft.properties.set("language", quote(&language));
}
