//! Members in odd places: doubled, escaped, reordered, spread out, or already there.
//!
//! Values keep their meaning; only the members around them change.

use super::draft::quote;
use super::oddity::Oddity;
use crate::generate::facts::SchoolKind;

pub(super) const ODDITIES: &[Oddity] = &[
    Oddity::draft("member-twice-unread", |draft, random| {
        let object = if random.per_mille(500) { &mut draft.top } else { &mut draft.properties };
        object.push(quote("score"), "1");
        object.push(quote("score"), "2");
    }),
    Oddity::draft("member-twice-read", |draft, random| {
        draft.top.double(random.pick(&["title", "event_uuid", "created_at"]));
    }),
    Oddity::draft("key-twice", |draft, _| draft.properties.double(draft.kind.key_name())),
    Oddity::draft("member-twice-read-by-others", |draft, random| {
        // A name that the plan reads, though mostly not from events of this kind.
        let names = ["language", "country", "active", "name", "subscription_status", "uuid", "user_uuid"];
        let name = random.pick(&names);
        draft.properties.push(quote(name), "\"a\"");
        draft.properties.push(quote(name), "\"b\"");
    }),
    Oddity::draft("member-twice-elsewhere", |draft, _| {
        // Read at the top or in the properties, but not where it stands here.
        draft.properties.push(quote("event_uuid"), "1");
        draft.properties.push(quote("event_uuid"), "2");
        draft.top.push(quote("language"), "1");
        draft.top.push(quote("language"), "2");
        draft.top.push(quote("other"), r#"{"title":1,"title":2,"uuid":3,"uuid":4}"#);
    }),
    Oddity::draft("member-twice-escaped", |draft, random| {
        let value = draft.top.get("title");
        draft.top.push(random.pick(TITLES), value);
    }),
    Oddity::draft("properties-twice", |draft, random| {
        let value = random.pick(&["{}", "null", "{\"uuid\":\"a\",\"user_uuid\":\"a\"}"]);
        if random.per_mille(500) {
            draft.top.push_front(quote("properties"), value);
        } else {
            draft.top.push(quote("properties"), value);
        }
    }),
    Oddity::draft("name-escaped", |draft, random| {
        draft.top.rename("title", random.pick(TITLES));
        draft.top.rename("properties", r#""pr\u006Fperties""#);
        draft.top.rename("event_uuid", r#""event\u005fuuid""#);
        match draft.kind {
            SchoolKind::User => draft.properties.rename("uuid", r#""uu\u0069d""#),
            SchoolKind::Subscription | SchoolKind::Lesson => {
                draft.properties.rename("user_uuid", r#""user_uu\u0069d""#)
            }
        }
        draft.properties.rename("language", r#""l\u0061nguage""#);
        draft.properties.rename("country", r#""\u0063ountry""#);
    }),
    Oddity::draft("name-nearly", |draft, random| {
        let names = [
            r#""Title""#,
            r#""title ""#,
            r#""tit\u0000le""#,
            r#""""#,
            r#""title.x""#,
            r#""properties.uuid""#,
            r#""\ud800""#,
        ];
        draft.top.push_front(random.pick(&names), "\"user\"");
    }),
    Oddity::draft("name-lone-surrogate", |draft, _| {
        draft.top.push(r#""title\ud800""#, "1");
        draft.top.push(r#""title\ud800""#, "2");
        draft.properties.push(r#""\udc00uuid""#, "3");
    }),
    Oddity::draft("name-very-long", |draft, random| {
        let bytes = (1_000 + random.index(9_000)).min(draft.largest_bytes / 4);
        draft.top.push(quote(&"n".repeat(bytes)), "1");
    }),
    Oddity::draft("order-shuffled", |draft, random| {
        draft.top.shuffle(random);
        draft.properties.shuffle(random);
    }),
    Oddity::draft("properties-first", |draft, _| {
        let title = draft.top.get("title");
        draft.top.remove("title");
        draft.top.set("title", title);
    }),
    Oddity::draft("white-space", |draft, random| draft.space = Some(random.bits())),
    Oddity::draft("white-space-and-order", |draft, random| {
        draft.space = Some(random.bits());
        draft.top.shuffle(random);
        draft.properties.shuffle(random);
    }),
    Oddity::draft("many-members", |draft, random| {
        for n in 0..50 + random.below(200) {
            draft.top.push(quote(&format!("extra_{n}")), format!("{n}"));
        }
    }),
    Oddity::draft("added-field-already-there", |draft, random| {
        let name = random.pick(ADDED);
        let value = random.pick(VALUES);
        if random.per_mille(500) {
            draft.top.push(quote(name), value);
        } else {
            draft.top.push_front(quote(name), value);
        }
    })
    .on(&[SchoolKind::Lesson]),
    Oddity::draft("all-added-fields-already-there", |draft, random| {
        for name in ADDED {
            let value = random.pick(VALUES);
            draft.top.push(quote(name), value);
        }
        draft.top.shuffle(random);
        draft.space = random.per_mille(500).then_some(random.bits());
    })
    .on(&[SchoolKind::Lesson]),
    Oddity::draft("added-fields-first-and-last", |draft, _| {
        // What `omit` has to remove at both ends of the object, one of them spelled in another way.
        draft.top.push_front(quote("subscription_type"), "[1 , 2]");
        draft.top.push_front(r#""c\u006funtry""#, "null");
        draft.top.push(quote("subscription_status"), "{\"a\": 1}");
    })
    .on(&[SchoolKind::Lesson]),
    Oddity::draft("added-field-twice", |draft, random| {
        let name = random.pick(ADDED);
        draft.top.push_front(quote(name), "1");
        draft.top.push(quote(name), "2");
    })
    .on(&[SchoolKind::Lesson]),
    Oddity::draft("added-field-in-the-properties", |draft, random| {
        let name = random.pick(ADDED);
        let value = random.pick(VALUES);
        draft.properties.push(quote(name), value);
    })
    .on(&[SchoolKind::Lesson]),
    Oddity::draft("mark-already-there", |draft, random| {
        let value = random.pick(&["true", "false", "null", "\"yes\"", "[true]"]);
        draft.top.push_front(quote("event_processed"), value);
    }),
    Oddity::draft("mark-twice", |draft, _| {
        draft.top.push(quote("event_processed"), "true");
        draft.top.push(r#""event\u005Fprocessed""#, "false");
    }),
];

/// The fields that the shipped plan adds to a lesson, and the mark.
const ADDED: &[&str] = &["country", "subscription_status", "subscription_type", "event_processed"];

const VALUES: &[&str] = &["\"old\"", "null", "1.0", "[ 1 ]", "{ \"a\" : { } }", "true", r#""a\"b\\""#];

/// Other spellings of the name that holds the kind.
const TITLES: &[&str] =
    &[r#""\u0074itle""#, r#""t\u0069tle""#, r#""\u0074\u0069\u0074\u006c\u0065""#, r#""titl\u0065""#];
