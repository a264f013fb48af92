//! What schemas take: with and without the look at an event's top, and what cannot be used.

use super::compiled::{EventTree, Schema, fault, takes_anything};
use super::spec::SchemaSpec;
use crate::core::decode::tests::plan;
use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Place;
use crate::json::cursor::Scratch;
use crate::json::fields::{Fields, Span};
use crate::json::scan::scan;
use proptest::prelude::*;
use serde_json::{Value, json};

fn spec(schema: &Value) -> SchemaSpec {
    SchemaSpec::parse(&schema.to_string()).unwrap()
}

/// Whether a schema takes an event, by our way; `None` where the event is none for the scan.
fn takes(schema: &Value, event: &str) -> Option<bool> {
    let mut fields = Fields::default();
    let schema = Schema::compile(&spec(schema), |selector| Place::Field(fields.field(selector.path().unwrap())));
    let mut spans = vec![Span::ABSENT; fields.len()];
    scan(&fields, event.as_bytes(), &mut Scratch::default(), &mut spans).ok()?;
    let payload = event.to_owned().into();
    let message = StoredMessage { sequence: 1, stored_at: Nanos(0), subject: "s".into(), headers: None, payload };
    Some(schema.takes(&message, &spans, &mut EventTree::default()))
}

#[test]
fn a_schema_takes_what_its_standard_says() {
    let user = json!({ "required": ["name", "age"], "properties": {
        "name": { "type": "string" }, "age": { "type": "integer" }, "kind": { "enum": ["user", "member"] } } });
    for (event, expected) in [
        (r#"{"name":"Ada","age":36}"#, true),
        (r#"{"name":"Ada","age":36.0}"#, true),
        (r#"{"name":"Ada","age":36.5}"#, false),
        (r#"{"name":"Ada"}"#, false),
        (r#"{"name":7,"age":36}"#, false),
        (r#"{"name":"Ada","age":36,"kind":"member"}"#, true),
        (r#"{"name":"Ada","age":36,"kind":"m\u0065mber"}"#, true),
        (r#"{"name":"Ada","age":36,"kind":"x"}"#, false),
        (r#"{"name":"Ada","age":36,"$schema":"x","$id":7}"#, true),
        // No float holds it, so that no library's tree does.
        (r#"{"name":"Ada","age":36,"far":1e400}"#, false),
    ] {
        assert_eq!(takes(&user, event), Some(expected), "{event}");
    }
}

#[test]
fn what_cannot_be_used_is_said_and_what_takes_anything_is_known() {
    let said = |schema: Value| fault(&spec(&schema)).unwrap_or_default();
    assert_eq!(said(json!({ "type": "object", "format": "nonsense" })), "");
    assert!(
        said(json!({ "$ref": "https://json-schema.org/none" }))
            .starts_with("the schema refers to `https://json-schema.org/none`"),
        "nothing is fetched"
    );
    assert!(said(json!({ "$ref": "#/definitions/none" })).contains("none"));
    assert!(said(json!({ "type": "text" })).contains("at /type"), "{}", said(json!({ "type": "text" })));
    let looks_back = json!({ "properties": { "a": { "pattern": "(?=x)" } } });
    assert!(said(looks_back.clone()).contains("(?=x)"), "{}", said(looks_back));
    assert!(SchemaSpec::parse("{").unwrap_err().contains("no JSON"));
    assert!(SchemaSpec::parse("true").unwrap_err().contains("no object"));
    assert!(takes_anything(&spec(&json!({ "properties": { "a": { "type": "string" } } }))));
    assert!(!takes_anything(&spec(&json!({ "required": ["a"] }))));
}

#[test]
fn a_plan_with_another_readers_schemas_is_none_of_this_builds() {
    let text = |by: &str| json!({ "by": by, "text": "{}" });
    assert!(serde_json::from_value::<SchemaSpec>(text(super::spec::BY)).is_ok());
    let error = serde_json::from_value::<SchemaSpec>(text("jsonschema 9")).unwrap_err().to_string();
    assert!(error.contains("jsonschema 9"), "{error}");
}

#[test]
fn kinds_by_schema_are_asked_in_order_and_share_one_tree() {
    let of = |schema: Value| json!({ "by": super::spec::BY, "text": schema.to_string() });
    let plan = plan(&[
        ("/kinds/user/schema", of(json!({ "required": ["name"] }))),
        ("/kinds/lesson", json!({ "schema": of(json!({ "required": ["at"] })) })),
        ("/kinds_by_condition", json!(["lesson", "user"])),
    ]);
    let kind = |text: &str| {
        let event = crate::core::decode::tests::decoded(&plan, &[], text.as_bytes());
        plan.kinds[usize::from(event.kind)].name.to_string()
    };
    assert_eq!(kind(r#"{"name":"a"}"#), "user");
    assert_eq!(kind(r#"{"name":"a","at":1}"#), "lesson", "the first in order");
    assert_eq!(kind(r#"{"title":"user"}"#), "unknown", "what a place says is no kind with a schema");
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        (-3..4i32).prop_map(|n| json!(n)),
        Just(json!(1.0)),
        Just(json!(1.5)),
        prop::sample::select(vec!["", "x", "y"]).prop_map(|text| json!(text)),
        Just(json!([1])),
        Just(json!({ "a": 1 })),
    ]
}

fn keyword() -> impl Strategy<Value = (String, Value)> {
    let types = prop::sample::select(vec!["string", "number", "integer", "boolean", "null", "array", "object"]);
    prop_oneof![
        types.clone().prop_map(|of| ("type".to_owned(), json!(of))),
        prop::collection::vec(types, 1..3).prop_map(|mut all| {
            all.sort_unstable();
            all.dedup();
            ("type".to_owned(), json!(all))
        }),
        value().prop_map(|one| ("const".to_owned(), one)),
        prop::collection::vec(value(), 1..3).prop_map(|all| ("enum".to_owned(), json!(all))),
        (0..3u8).prop_map(|least| ("minLength".to_owned(), json!(least))),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let member = prop::collection::btree_map(Just(()), keyword(), 0..2)
        .prop_map(|words| Value::Object(words.into_values().collect()));
    let properties = prop::collection::btree_map(name.clone().prop_map(str::to_owned), member, 0..3);
    let required = prop::collection::btree_set(name, 0..3);
    let draft = prop::option::of(prop::sample::select(vec![
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ]));
    (properties, required, draft, any::<bool>()).prop_map(|(properties, required, draft, not)| {
        let mut schema = json!({ "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if let Some(draft) = draft {
            schema["$schema"] = json!(draft);
        }
        if not { json!({ "anyOf": [schema, { "required": ["c"] }] }) } else { schema }
    })
}

proptest! {
    /// The look at the top never changes an answer.
    #[test]
    fn the_library_alone_says_the_same(schema in schema(), event in prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c"]), value(), 0..4)) {
        let event = json!(event);
        prop_assume!(fault(&spec(&schema)).is_none());
        let library = jsonschema::options().should_validate_formats(false).build(&schema).unwrap().is_valid(&event);
        prop_assert_eq!(takes(&schema, &event.to_string()), Some(library), "{} {}", schema, event);
    }
}
