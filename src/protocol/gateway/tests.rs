//! Requests at the door of a small plan, and what is published and answered.

use super::answer::{AnswerShared, GatewayAnswer, answer};
use super::cut::{RequestBounds, cut};
use super::door::{Context, Door};
use super::judge::{Judge, Validate};
use super::problem::{RequestFault, RequestPart};
use super::request::{Admitted, AnsweredEvent, EventVerdict, PublishRequest};
use super::tokens::Sender;
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::template::Template;
use serde_json::{Value, json};
use std::sync::Arc;

fn door(validate: Validate) -> Door {
    let spec: PlanSpec = serde_json::from_value(json!({
        "input_stream": "EVENTS", "event": { "kind": "title", "id": "id" }, "unknown_kinds": "forward",
        "kinds": { "user": { "key": "by.uuid" }, "com.example.user": {} },
        "tables": { "user": { "from": "user", "row": "language", "columns": { "name": "name" } } },
        "enrich": [], "output_subject": "out.{kind}", "max_bytes": 2000, "dead_subject": "dead.{reason}",
        "dedup_window_s": 60,
    }))
    .unwrap();
    let plan = Arc::new(Plan::compile(spec, &Layout::default()));
    Door::new(Template::parse("events.{kind}").unwrap(), validate, 2_000, Judge::new(plan))
}

fn request(kind: Option<&str>, headers: &[(&str, &str)], body: &str) -> PublishRequest {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    PublishRequest { kind: kind.map(str::to_owned), headers, body: body.to_owned().into() }
}

fn context(fresh: &str) -> Context {
    let correlation = "c-1".to_owned();
    Context { sender: Sender::anybody(), now: Nanos(5), correlation, fresh: fresh.to_owned() }
}

/// The message of each event, and whether it has an identity of its own.
type Each = Vec<Result<(Admitted, bool), RequestFault>>;

fn admit(request: &PublishRequest, validate: Validate, fresh: &str) -> Result<Each, RequestFault> {
    let mut door = door(validate);
    let bounds = RequestBounds { max_batch: 3, headers: vec!["X-Tenant".to_owned()] };
    let cut = cut(request, &bounds)?;
    let admit = |(place, event): (usize, &Result<_, RequestFault>)| match event {
        Ok(candidate) => door.admit(candidate, place, &context(fresh)),
        Err(fault) => Err(fault.clone()),
    };
    Ok(cut.events.iter().enumerate().map(admit).collect())
}

fn one(request: &PublishRequest) -> Result<Admitted, RequestFault> {
    admit(request, Validate::Plan, "f-1")?.remove(0).map(|(admitted, _)| admitted)
}

fn id(admitted: &Admitted) -> &str {
    header(admitted, "Nats-Msg-Id").unwrap()
}

fn header<'a>(admitted: &'a Admitted, name: &str) -> Option<&'a str> {
    admitted.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

const PLAIN: (&str, &str) = ("content-type", "application/json");
const USER: &str = r#"{"title":"user","id":"i1","by":{"uuid":7},"language":"nl"}"#;

#[test]
fn a_plain_event_keeps_its_bytes_and_only_listed_headers_pass() {
    let headers = [
        PLAIN,
        ("nats-rollup", "all"),
        ("Nats-Trace-Dest", "mine"),
        ("sidestream-position", "EVENTS:1:0"),
        ("authorization", "Bearer secret"),
        ("x-tenant", "t1"),
        ("traceparent", "00-a-b-01"),
        ("user-agent", "x"),
    ];
    let admitted = one(&request(Some("user"), &headers, USER)).unwrap();
    assert_eq!((&*admitted.subject, &admitted.body[..]), ("events.user", USER.as_bytes()));
    let names: Vec<&str> = admitted.headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["Correlation-Id", "Nats-Msg-Id", "Sidestream-Received", "Sidestream-Sender", "X-Tenant", "traceparent"];
    assert_eq!(names, expected);
    let found = one(&request(None, &[PLAIN], USER)).unwrap();
    assert_eq!(found.subject, "events.user", "the plan finds the kind in the event");
}

#[test]
fn what_an_event_is_known_by_is_the_key_then_source_and_id_then_its_own_id() {
    let own = one(&request(Some("user"), &[PLAIN], USER)).unwrap();
    let again = admit(&request(Some("user"), &[PLAIN], USER), Validate::Plan, "f-2").unwrap().remove(0).unwrap();
    assert_eq!((id(&own), true), (id(&again.0), again.1));
    let keyed = |key| one(&request(Some("user"), &[PLAIN, ("idempotency-key", key)], USER)).unwrap();
    assert_eq!(id(&keyed("k")), id(&keyed("k")));
    assert_ne!(id(&keyed("k")), id(&own));
    let nameless = r#"{"title":"user","by":{"uuid":7},"language":"nl"}"#;
    let fresh =
        |name| admit(&request(Some("user"), &[PLAIN], nameless), Validate::Plan, name).unwrap().remove(0).unwrap();
    assert_ne!(id(&fresh("f-1").0), id(&fresh("f-2").0));
    assert!(!fresh("f-1").1);
    let told = one(&request(Some("user"), &[PLAIN, ("idempotency-key", "f-1")], nameless)).unwrap();
    assert_eq!(id(&told), id(&fresh("f-1").0), "the name that the answer gives says the same again");
}

#[test]
fn a_structured_event_and_a_binary_one_are_stored_alike() {
    let text = r#"{"specversion":"1.0","id":"1","source":"/é","type":"com.example.user","n":1,"data": {"a":1.0} }"#;
    let structured =
        one(&request(None, &[("content-type", "application/cloudevents+json; charset=UTF-8")], text)).unwrap();
    let binary = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/%C3%A9"),
        ("ce-type", "com.example.user"),
        ("ce-n", "1"),
    ];
    let binary = one(&request(None, &binary, r#"{"a":1.0}"#)).unwrap();
    assert_eq!((&structured.subject, &structured.body), (&binary.subject, &binary.body));
    assert_eq!((&*structured.subject, &structured.body[..]), ("events.com_example_user", &br#"{"a":1.0}"#[..]));
    let attributes = |admitted: &Admitted| {
        admitted.headers.iter().filter(|(name, _)| name.starts_with("ce-")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(attributes(&structured), attributes(&binary));
    assert_eq!(id(&structured), id(&binary));
}

#[test]
fn an_event_that_would_be_a_dead_letter_is_refused_with_its_member() {
    let member = |text: &str| RequestPart::Member(text.to_owned());
    for (body, slug, at) in [
        (r#"{"title":"user"#, "not-json", vec![]),
        ("[1]", "not-object", vec![]),
        (r#"{"title":"user","title":"x"}"#, "duplicate-key", vec![]),
        (r#"{"title":"user","language":"nl"}"#, "no-key", vec![member("/by/uuid")]),
        (r#"{"title":"user","by":{"uuid":1.5},"language":"nl"}"#, "bad-key", vec![member("/by/uuid")]),
        (r#"{"title":"user","by":{"uuid":7}}"#, "no-key", vec![member("/language")]),
        (
            &format!(r#"{{"title":"user","by":{{"uuid":7}},"language":"nl","x":"{}"}}"#, "x".repeat(2_000)),
            "too-large",
            vec![],
        ),
    ] {
        let fault = one(&request(Some("user"), &[PLAIN], body)).unwrap_err();
        assert_eq!((fault.problem.slug, fault.at), (slug, at), "{body}");
        assert!(!fault.detail.contains("user"), "{}", fault.detail);
        let off = admit(&request(Some("user"), &[PLAIN], body), Validate::Off, "f").unwrap().remove(0);
        assert_eq!(off.map(|(admitted, _)| admitted.body), Ok(body.to_owned().into()));
    }
    assert_eq!(one(&request(None, &[PLAIN], r#"{"x":1}"#)).unwrap_err().problem.slug, "no-kind");
    assert_eq!(one(&request(None, &[PLAIN], "{")).unwrap_err().problem.slug, "not-json");
    let syntax = |body| admit(&request(Some("user"), &[PLAIN], body), Validate::Syntax, "f").unwrap().remove(0).is_ok();
    assert!(syntax(r#"{"title":"user"}"#) && !syntax("[]") && !syntax("{"));
}

#[test]
fn what_is_no_cloud_event_is_refused_in_every_mode() {
    let whole = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "com.example.user")];
    for missing in whole.map(|(name, _)| name) {
        for value in [None, Some("")] {
            let kept = whole.iter().filter_map(|(name, text)| {
                let text = if *name == missing { value? } else { text };
                Some(((*name).to_owned(), text.to_owned()))
            });
            let kept: Vec<(String, String)> = kept.collect();
            let object: Value = Value::Object(kept.iter().map(|(name, text)| (name.clone(), json!(text))).collect());
            let structured = request(None, &[("content-type", "application/cloudevents+json")], &object.to_string());
            let fault = one(&structured).unwrap_err();
            assert_eq!(fault.problem.slug, "bad-cloudevent", "{object}");
            let batch =
                request(None, &[("content-type", "application/cloudevents-batch+json")], &format!("[{object}]"));
            assert_eq!(one(&batch).unwrap_err(), fault);
            if missing != "specversion" || value.is_some() {
                let mut binary = request(None, &[PLAIN], "{}");
                binary.headers.extend(kept.iter().map(|(name, text)| (format!("ce-{name}"), text.clone())));
                let fault = one(&binary).unwrap_err();
                assert_eq!(
                    (fault.problem.slug, fault.at),
                    ("bad-cloudevent", vec![RequestPart::Header(format!("ce-{missing}"))])
                );
            }
        }
    }
    for (body, slug) in [
        (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{},"data_base64":""}"#, "bad-cloudevent"),
        (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","Big":1,"data":{}}"#, "bad-cloudevent"),
        (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","x":{},"data":{}}"#, "bad-cloudevent"),
        (r#"{"specversion":"1.0","id":"1","id":"2","source":"/s","type":"t","data":{}}"#, "duplicate-key"),
        (r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#, "not-json"),
        ("{", "not-json"),
    ] {
        let fault = one(&request(None, &[("content-type", "application/cloudevents+json")], body)).unwrap_err();
        assert_eq!(fault.problem.slug, slug, "{body}");
    }
}

#[test]
fn a_request_that_cannot_be_taken_apart_is_refused_as_a_whole() {
    let lines = |count: usize| "{}\n".repeat(count);
    let batch = ("content-type", "application/cloudevents-batch+json");
    for (headers, body, slug) in [
        (vec![], "{}".to_owned(), "unsupported-media-type"),
        (vec![("content-type", "text/plain")], "{}".to_owned(), "unsupported-media-type"),
        (vec![("content-type", "application/cloudevents+avro")], "{}".to_owned(), "unsupported-media-type"),
        (vec![("content-type", "application/json; charset=latin1")], "{}".to_owned(), "unsupported-media-type"),
        (vec![("content-type", "application/x-ndjson")], lines(4), "batch-too-large"),
        (vec![("content-type", "application/x-ndjson")], "\n\r\n".to_owned(), "bad-batch"),
        (vec![batch], "[]".to_owned(), "bad-batch"),
        (vec![batch], "{}".to_owned(), "bad-batch"),
        (vec![batch], "[{},".to_owned(), "bad-batch"),
        (vec![batch], "[{}]x".to_owned(), "bad-batch"),
        (vec![batch], "[{},{},{},{}]".to_owned(), "batch-too-large"),
        (vec![PLAIN, ("idempotency-key", "")], "{}".to_owned(), "bad-header"),
        (vec![PLAIN, ("idempotency-key", "a"), ("idempotency-key", "b")], "{}".to_owned(), "bad-header"),
        (vec![PLAIN, ("idempotency-key", "a\u{fffd}")], "{}".to_owned(), "bad-header"),
        (vec![PLAIN, ("x-tenant", "Zo\u{fffd}")], "{}".to_owned(), "bad-header"),
        (vec![PLAIN, ("x-tenant", "a\r\nNats-Rollup: all")], "{}".to_owned(), "bad-header"),
    ] {
        let refused = admit(&request(Some("user"), &headers, &body), Validate::Plan, "f").unwrap_err();
        assert_eq!(refused.problem.slug, slug, "{headers:?} {body:?}");
    }
}

fn fate(items: &[(u64, Option<&RequestFault>)], batch: bool) -> GatewayAnswer {
    let item = |(position, fault): &(u64, Option<&RequestFault>)| AnsweredEvent {
        id: None,
        verdict: match fault {
            None => EventVerdict::Stored { position: *position, duplicate: *position == 1 },
            Some(fault) => EventVerdict::Failed((*fault).clone()),
        },
    };
    let shared = AnswerShared { stream: "EVENTS".into(), remembers_s: 120, correlation: "c".into() };
    answer(&items.iter().map(item).collect::<Vec<_>>(), batch, &shared)
}

#[test]
fn two_hundred_means_that_everything_is_stored() {
    let refused = one(&request(Some("user"), &[PLAIN], "{")).unwrap_err();
    let reused = RequestFault::new(super::problem::REUSED, "x");
    let unknown = RequestFault::later(super::problem::UNCONFIRMED, "x", 3);
    for (items, batch, status) in [
        (vec![(1, None)], false, 202),
        (vec![(4, None), (5, None)], true, 202),
        (vec![(4, None), (0, Some(&refused))], true, 400),
        (vec![(0, Some(&refused)), (0, Some(&reused))], true, 400),
        (vec![(4, None), (0, Some(&reused))], true, 422),
        (vec![(4, None), (0, Some(&refused)), (0, Some(&unknown))], true, 503),
        (vec![(0, Some(&unknown))], false, 503),
        (vec![(0, Some(&refused))], false, 400),
    ] {
        let answer = fate(&items, batch);
        assert_eq!(answer.status, status, "{items:?}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let retry = answer.headers.iter().any(|(name, value)| *name == "Retry-After" && value == "3");
        assert_eq!(retry, status == 503);
        if batch {
            for (told, (position, fault)) in body["items"].as_array().unwrap().iter().zip(&items) {
                let own = fault.map_or(202, |fault| fault.problem.status);
                assert_eq!(told["status"], own);
                assert_eq!(told["position"].as_u64(), fault.is_none().then_some(*position));
            }
        }
    }
    let replayed = fate(&[(1, None)], false);
    assert!(replayed.headers.contains(&("Idempotent-Replayed", "true".to_owned())));
}
