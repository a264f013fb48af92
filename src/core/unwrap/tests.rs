//! Events in envelopes: what is taken out, what becomes of the rest, and what is refused.

#![allow(clippy::unwrap_used)]

use crate::core::dead_letter;
use crate::core::decode::tests::{decoded, key, plan};
use crate::core::event::Event;
use crate::core::plan::compiled::Plan;
use crate::core::rejection::Reason;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Write;

const EVENT: &str = r#"{"title":"user","properties":{"uuid":"u1"}, "n":1.0}"#;

fn unwrapping(steps: Value) -> Plan {
    plan(&[("/event/unwrap", steps)])
}

fn text(event: &Event) -> String {
    String::from_utf8(event.message.payload.to_vec()).unwrap()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// The sentence that an event of this body is refused with.
fn refused(steps: &Value, payload: &[u8]) -> (Reason, String) {
    let event = decoded(&unwrapping(steps.clone()), &[], payload);
    let rejection = event.reading.as_ref().unwrap_err().rejection().unwrap().clone();
    assert_eq!(dead_letter::encode(&unwrapping(steps.clone()), &event, &rejection).payload, payload, "its own bytes");
    (rejection.reason, rejection.sentence.into_owned())
}

#[test]
fn what_is_inside_becomes_the_event_byte_for_byte() {
    let quoted = serde_json::to_string(EVENT).unwrap();
    let packed = STANDARD.encode(EVENT);
    let gzipped = STANDARD.encode(gzip(EVENT.as_bytes()));
    for (steps, payload) in [
        (json!([{ "at": "payload" }]), format!(r#"{{"schema":{{}}, "payload" : {EVENT} }}"#).into_bytes()),
        (json!([{ "at": "a.b" }]), format!(r#"{{"a":{{"b":{EVENT}}},"title":"lesson"}}"#).into_bytes()),
        (json!([{ "at": "Message", "encoding": "text" }]), format!(r#"{{"Message":{quoted}}}"#).into_bytes()),
        (json!([{ "at": "data", "encoding": "base64" }]), format!(r#"{{"data":"{packed}"}}"#).into_bytes()),
        (
            json!([{ "at": "data", "encoding": "base64" }]),
            format!(r#"{{"data":"{}"}}"#, packed.trim_end_matches('=')).into_bytes(),
        ),
        (json!([{ "encoding": "base64" }]), packed.clone().into_bytes()),
        (json!([{ "compression": "gzip", "max_bytes": 100 }]), gzip(EVENT.as_bytes())),
        (
            json!([{ "at": "data", "encoding": "base64", "compression": "gzip", "max_bytes": 100 }]),
            format!(r#"{{"data":"{gzipped}"}}"#).into_bytes(),
        ),
        (
            json!([{ "compression": "gzip", "max_bytes": 100 }, { "at": "payload" }]),
            gzip(format!(r#"{{"payload":{EVENT}}}"#).as_bytes()),
        ),
    ] {
        let event = decoded(&unwrapping(steps.clone()), &[], &payload);
        assert_eq!(text(&event), EVENT, "{steps}");
        assert_eq!(key(&event), Ok(Some("u1".to_owned())), "{steps}");
        assert_eq!(event.stored_length(), payload.len());
    }
}

#[test]
fn what_cannot_be_taken_out_is_a_dead_letter_with_its_own_bytes() {
    let (at, base64) = (json!([{ "at": "data" }]), json!([{ "at": "data", "encoding": "base64" }]));
    let gzipped = json!([{ "compression": "gzip", "max_bytes": 100 }]);
    let whole = gzip(EVENT.as_bytes());
    let mut damaged = whole.clone();
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    let text = json!([{ "at": "data", "encoding": "text" }]);
    for (steps, payload, reason, told) in [
        (&at, b"{}".as_slice(), Reason::Unwrap, "absent or null"),
        (&at, br#"{"data":null}"#, Reason::Unwrap, "absent or null"),
        (&at, br#"{"data":[{}]}"#, Reason::Unwrap, "is no object"),
        (&at, br#"{"data":"{}"}"#, Reason::Unwrap, "is no object"),
        (&at, br#"{"data":{}"#, Reason::NotJson, "the payload is not JSON"),
        (&at, br#"{"data":{},"data":{}}"#, Reason::DuplicateKey, "occurs twice"),
        (&at, b"", Reason::NotJson, "the payload is not JSON"),
        (&text, br#"{"data":7}"#, Reason::Unwrap, "is no text"),
        (&text, br#"{"data":"\ud800"}"#, Reason::Unwrap, "is no text"),
        (&text, br#"{"data":"not json"}"#, Reason::NotJson, "the payload is not JSON"),
        (&base64, br#"{"data":"a"}"#, Reason::Unwrap, "is no base64"),
        (&base64, br#"{"data":"e30_"}"#, Reason::Unwrap, "is no base64"),
        (&base64, br#"{"data":"e30= "}"#, Reason::Unwrap, "is no base64"),
        (&base64, br#"{"data":"e3"}"#, Reason::Unwrap, "is no base64"),
        (&base64, br#"{"data":"W10="}"#, Reason::NotObject, "no object"),
        (&gzipped, EVENT.as_bytes(), Reason::Unwrap, "no gzip data"),
        (&gzipped, b"", Reason::Unwrap, "cut short"),
        (&gzipped, &whole[..whole.len() - 9], Reason::Unwrap, "cut short"),
        (&gzipped, &damaged, Reason::Unwrap, "damaged"),
    ] {
        let (found, sentence) = refused(steps, payload);
        assert_eq!(found, reason, "{steps} {}: {sentence}", String::from_utf8_lossy(payload));
        assert!(sentence.contains(told), "{steps} {}: {sentence}", String::from_utf8_lossy(payload));
    }
}

#[test]
fn no_more_is_unpacked_than_allowed() {
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 100_000);
    let (reason, sentence) = refused(&json!([{ "compression": "gzip", "max_bytes": 100 }]), &bomb);
    assert_eq!((reason, sentence.contains("more than the 100 bytes")), (Reason::Unwrap, true), "{sentence}");
    // Each member of a file of several members is within the bound, and all together are not.
    let two = [gzip(EVENT.as_bytes()), gzip(&[b' '; 60])].concat();
    let steps = |most: u64| json!([{ "compression": "gzip", "max_bytes": most }]);
    assert_eq!(refused(&steps(60), &two).0, Reason::Unwrap);
    assert_eq!(key(&decoded(&unwrapping(steps(200)), &[], &two)), Ok(Some("u1".to_owned())));
}

/// The headers and the body that a CloudEvent has in the end.
fn cloud(headers: &[(&str, &str)], payload: &str) -> (Vec<(String, String)>, String) {
    let event = decoded(&unwrapping(json!([{ "envelope": "cloudevents" }])), headers, payload.as_bytes());
    let headers = event.message.headers.as_deref().cloned().unwrap_or_default();
    (headers, text(&event))
}

#[test]
fn a_structured_cloud_event_becomes_a_binary_one() {
    let headers =
        [("content-type", "application/cloudevents+json; charset=utf-8"), ("Trace", "t"), ("CE-type", "spoof")];
    let structured = format!(
        r#"{{"specversion":"1.0","type":"user","source":"/a b","id":"%\"\u00e9","sequence":7,"flag":true,"none":null,
            "datacontenttype":"application/json","data":{EVENT}}}"#
    );
    let (found, body) = cloud(&headers, &structured);
    let expected = [
        ("Trace", "t"),
        ("ce-specversion", "1.0"),
        ("ce-type", "user"),
        ("ce-source", "/a%20b"),
        ("ce-id", "%25%22%C3%A9"),
        ("ce-sequence", "7"),
        ("ce-flag", "true"),
        ("content-type", "application/json"),
    ];
    let expected: Vec<(String, String)> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!((found, body.as_str()), (expected.clone(), EVENT));
    let again: Vec<(&str, &str)> = expected.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(cloud(&again, EVENT), (expected, EVENT.to_owned()), "one in binary mode stays as it is");
    let packed = format!(r#"{{"specversion":"1.0","data_base64":"{}"}}"#, STANDARD.encode(EVENT));
    assert_eq!(cloud(&[], &packed).1, EVENT);
}

#[test]
fn what_is_no_cloud_event_keeps_its_headers_in_its_dead_letter() {
    let plan = unwrapping(json!([{ "envelope": "cloudevents" }]));
    for (payload, reason, told) in [
        (r#"{"title":"user"}"#, Reason::Unwrap, "neither a header `ce-specversion` nor a member"),
        ("[]", Reason::NotObject, "no object"),
        (r#"{"specversion":"1.0","data":{},"data_base64":"e30="}"#, Reason::Unwrap, "both `data` and `data_base64`"),
        (r#"{"specversion":"1.0","data_base64":7}"#, Reason::Unwrap, "is no text"),
        (r#"{"specversion":"1.0","data_base64":"?"}"#, Reason::Unwrap, "is no base64"),
        (r#"{"specversion":"1.0","type":"a","type":"b"}"#, Reason::DuplicateKey, "occurs twice"),
        (r#"{"specversion":"1.0","type":{}}"#, Reason::Unwrap, "is no text, no whole number"),
        (r#"{"specversion":"1.0","my-type":"x"}"#, Reason::Unwrap, "the name of an attribute"),
        (r#"{"specversion":"1.0","a":"\ud800"}"#, Reason::Unwrap, "is no text, no whole number"),
        (r#"{"specversion":"1.0","data":"text"}"#, Reason::NotObject, "no object"),
        (r#"{"specversion":"1.0"}"#, Reason::NotJson, "not JSON"),
    ] {
        let headers = [("Trace", "t"), ("Content-Type", "x")];
        let event = decoded(&plan, &headers, payload.as_bytes());
        let rejection = event.reading.as_ref().unwrap_err().rejection().unwrap().clone();
        assert_eq!(rejection.reason, reason, "{payload}: {}", rejection.sentence);
        assert!(rejection.sentence.contains(told), "{payload}: {}", rejection.sentence);
        let letter = dead_letter::encode(&plan, &event, &rejection);
        assert_eq!(letter.payload, payload.as_bytes());
        let kept: Vec<(&str, &str)> =
            letter.copied.iter().flat_map(|l| l.iter()).map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(kept, headers, "{payload}");
    }
}

#[test]
fn an_attribute_more_than_sixty_four_is_refused_and_so_is_a_hundred_thousand() {
    let of = |many: usize| {
        let members: Vec<String> = (0..many).map(|n| format!(r#""a{n}":"x""#)).collect();
        format!(r#"{{"specversion":"1.0",{},"data":{EVENT}}}"#, members.join(","))
    };
    let plan = unwrapping(json!([{ "envelope": "cloudevents" }]));
    assert_eq!(key(&decoded(&plan, &[], of(63).as_bytes())), Ok(Some("u1".to_owned())));
    for many in [64, 100_000] {
        assert_eq!(key(&decoded(&plan, &[], of(many).as_bytes())), Err("unwrap"));
    }
}

#[test]
fn an_event_without_a_body_removes_a_row_where_that_is_wanted() {
    let event = json!({ "kind": ["title", "$subject.2"], "id": null, "time": null, "unwrap": [{ "at": "payload" }] });
    let first = json!({ "first": ["properties.uuid", "$header.Key"] });
    let with = plan(&[
        ("/event", event.clone()),
        ("/kinds/user/key", first.clone()),
        ("/tables/user/delete_empty", json!(true)),
    ]);
    let gone = decoded(&with, &[("Key", "u1")], b"");
    assert_eq!(key(&gone), Ok(Some("u1".to_owned())));
    assert_eq!(gone.kind_text.as_ref().map(|kind| kind.get(b"")), Some("user"));
    assert_eq!(key(&decoded(&with, &[], b"")), Err("no_key"));
    assert_eq!(key(&decoded(&with, &[("Key", "u1")], b" ")), Err("not_json"));
    let without = plan(&[("/event", event), ("/kinds/user/key", first)]);
    assert_eq!(key(&decoded(&without, &[("Key", "u1")], b"")), Err("not_json"));
}

#[test]
fn what_a_plan_hides_is_in_no_dead_letter_of_an_envelope() {
    let plan = plan(&[
        ("/event/unwrap", json!([{ "envelope": "cloudevents" }])),
        ("/derive", json!([{ "remove": ["secret"] }])),
    ]);
    let payload = r#"{"specversion":"1.0","data":{"title":"user","secret":"canary"}}"#;
    let event = decoded(&plan, &[("Trace", "t")], payload.as_bytes());
    let rejection = event.reading.as_ref().unwrap_err().rejection().unwrap().clone();
    assert_eq!(rejection.reason, Reason::NoKey);
    let letter = dead_letter::encode(&plan, &event, &rejection);
    assert_eq!(letter.payload, r#"{"title":"user"}"#);
    assert_eq!(letter.copied.unwrap().len(), 1, "the headers are those that were stored");
    let broken = decoded(&plan, &[], br#"{"specversion":"1.0","data":["canary"]}"#);
    assert_eq!(broken.reading.as_ref().map(|_| ()).unwrap_err().rejection().unwrap().reason, Reason::NotObject);
    let rejection = broken.reading.as_ref().unwrap_err().rejection().unwrap().clone();
    assert!(dead_letter::encode(&plan, &broken, &rejection).payload.is_empty());
}

proptest! {
    #[test]
    fn nothing_that_comes_in_an_envelope_ends_the_engine(payload in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..80_usize) {
        let packed = gzip(EVENT.as_bytes());
        let spoiled: Vec<u8> = packed.iter().zip(payload.iter().chain(std::iter::repeat(&0))).enumerate()
            .map(|(at, (byte, other))| if at == cut { byte ^ other } else { *byte }).collect();
        for steps in [
            json!([{ "compression": "gzip", "max_bytes": 1000 }]),
            json!([{ "encoding": "base64", "compression": "gzip", "max_bytes": 1000 }]),
            json!([{ "envelope": "cloudevents" }, { "at": "data" }]),
        ] {
            let plan = unwrapping(steps);
            for body in [&payload, &spoiled] {
                let event = decoded(&plan, &[], body);
                if let Err(stop) = &event.reading {
                    prop_assert_ne!(stop.rejection().unwrap().reason, Reason::Internal);
                }
            }
        }
    }
}
