//! The whole way: a request, its receipt, the event in the input, its output.

use super::client::{JSON, get, post};
use super::stage::{alone, beside, header, input, started, stream, user};
use crate::harness::bed::Bed;
use crate::harness::command::run;
use crate::harness::page::page;
use crate::harness::streams::OUTPUT;
use crate::harness::wait::wait_until;
use std::time::Duration;

#[test]
fn a_receipt_names_the_position_and_the_correlation_id_follows_the_event_to_its_output() {
    let mut bed = Bed::new();
    let (engine, address) = beside(&bed, &[]);
    let answer = post(address, "/v1/events/user", &[JSON], user("ada").as_bytes());
    assert_eq!(answer.stored(), (1, false));
    let item = answer.json()["items"][0].clone();
    assert_eq!((item["stream"].as_str(), item["status"].as_u64()), (Some("EVENTS"), Some(202)));
    let correlation = item["correlation_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("correlation-id"), Some(&*correlation));
    assert_eq!(
        (answer.header("idempotent-replayed"), answer.header("idempotency-key-lifetime")),
        (Some("false"), Some("120"))
    );
    let stored = input(&mut bed);
    assert_eq!((&*stored[0].subject, &stored[0].payload[..]), ("events.user", user("ada").as_bytes()));
    assert_eq!(header(&stored[0], "Sidestream-Sender"), Some("anybody"));
    wait_until("the output", || bed.lane_has(1).then_some(()));
    let outputs = stream(&mut bed, OUTPUT);
    assert_eq!(header(&outputs[0], "Correlation-Id"), Some(&*correlation));
    assert_eq!((header(&outputs[0], "Sidestream-Sender"), header(&outputs[0], "Nats-Msg-Id")), (None, None));
    let given = post(address, "/v1/events/user", &[JSON, ("Correlation-Id", "order 7")], user("bob").as_bytes());
    assert_eq!(given.json()["items"][0]["correlation_id"], "order 7");
    engine.drain();
    bed.assert_clean();
}

#[test]
fn alone_it_stores_events_while_no_engine_runs_and_its_pages_say_how_it_is() {
    let mut bed = Bed::new();
    let (gateway, address) = alone(&bed, &[]);
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("ada").as_bytes()).stored(), (1, false));
    assert_eq!((get(address, "/readyz").status, get(address, "/healthz").status), (200, 200));
    let pages = gateway.address().parse().unwrap();
    let (_, metrics) = page(pages, "/metrics").unwrap();
    for line in [
        "sidestream_gateway_connected 1",
        "sidestream_gateway_events_total{outcome=\"stored\"} 1",
        "sidestream_gateway_requests_total{status=\"202\"} 1",
        "sidestream_gateway_seconds_count 1",
        "sidestream_gateway_in_flight_bytes",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    let list = get(address, "/problems");
    let slugs: Vec<&str> =
        list.body.lines().filter_map(|line| line.strip_prefix("/problems/")?.split(' ').next()).collect();
    assert!(slugs.len() > 30, "{}", list.body);
    for slug in slugs {
        let page = get(address, &format!("/problems/{slug}"));
        assert!(page.status == 200 && page.body.starts_with(slug), "{slug}: {page:?}");
    }
    assert_eq!(get(address, "/problems/none").problem(), "not-found");
    assert_eq!(get(address, "/v1/events").problem(), "method-not-allowed");
    assert_eq!(post(address, "/v2", &[JSON], b"{}").problem(), "not-found");
    gateway.signal("-TERM");
    let (code, log) = gateway.exited(Duration::from_secs(10));
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(input(&mut bed).len(), 1);
}

#[test]
fn without_the_section_nothing_listens_and_the_command_says_what_to_add() {
    let bed = Bed::new();
    let mut engine = bed.engine("state", &[]);
    engine.wait_for_log("ready:");
    assert!(!engine.log().contains("gateway"), "{}", engine.log());
    engine.drain();
    let ran = run(&bed, &["gateway"]);
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.err.contains("has no [gateway]") && ran.err.contains("hint: add it"), "{}", ran.err);
}

#[test]
fn a_server_that_comes_later_is_waited_for() {
    let mut bed = Bed::new();
    bed.server.kill();
    let mut gateway = started(&bed, &[]);
    let address = super::stage::address(&mut gateway);
    let ready = get(address, "/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    let answer = post(address, "/v1/events/user", &[JSON], user("ada").as_bytes());
    assert_eq!((answer.problem().as_str(), answer.status), ("not-stored", 503));
    assert!(answer.header("retry-after").is_some());
    // What is wrong with an event is said all the same.
    assert_eq!(post(address, "/v1/events/user", &[JSON], b"{").problem(), "not-json");
    bed.server.restart();
    gateway.wait_for_log("the gateway stores events");
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("ada").as_bytes()).stored(), (1, false));
}

/// Not one of ours: the API key of a system that is long gone.
const CANARY: &str = "canary-4711-api-key";

#[test]
fn the_notification_of_an_old_system_leaves_with_the_receipts_correlation_id_and_without_its_secret() {
    let mut bed = Bed::with_config("examples/notifications/config.toml");
    bed.sets = vec![
        ("input.stream", "EVENTS"),
        ("input.subjects", r#"["events.>"]"#),
        ("output.stream", OUTPUT),
        ("output.subject", "enriched.{kind}"),
    ];
    let (engine, address) = beside(&bed, &[]);
    let event = format!(
        r#"{{"Event_Type":"renewed","Policy_No":"A1","Event_Time":"2026-07-26-12.00.00.000001","Event_Eff_Date":"26.07.2026","Card":"4111111111111111","Api_Key":"{CANARY}"}}"#
    );
    let answer = post(address, "/v1/events", &[JSON], event.as_bytes());
    assert_eq!(answer.stored(), (1, false));
    // The same policy and time are the same event.
    assert_eq!(post(address, "/v1/events", &[JSON], event.as_bytes()).stored(), (1, true));
    wait_until("the output", || bed.lane_has(1).then_some(()));
    let output = stream(&mut bed, OUTPUT).remove(0);
    assert_eq!(output.subject, "enriched.renewed");
    assert_eq!(header(&output, "Correlation-Id"), answer.header("correlation-id"));
    assert!(!format!("{output:?}").contains(CANARY) && !String::from_utf8_lossy(&output.payload).contains(CANARY));
    let bad = post(address, "/v1/events", &[JSON], event.replace("26.07.2026", CANARY).as_bytes());
    assert_eq!(bad.problem(), "derive");
    let (_, metrics) = page(engine.address().parse().unwrap(), "/metrics").unwrap();
    for said in [&answer.body, &bad.body, &metrics, &engine.drain()] {
        assert!(!said.contains(CANARY), "{said}");
    }
}
