//! Streams of another account, whose API is imported under a prefix of its own.

use super::{bare_on, ready};
use crate::harness::bed::{Bed, oracle};
use crate::harness::dump::dump;
use crate::harness::engine::Engine;
use crate::harness::load::{publish, publish_last, school};
use crate::harness::streams::{self, INPUT, OUTPUT, api};
use crate::harness::wait::wait_until;
use crate::harness::wire::Wire;
use crate::server::Server;

/// The account OWNER lets all answers of its JetStream API through, or the first one alone; GUEST imports it as `owner.API`.
fn accounts(response: &str) -> String {
    format!(
        r#"accounts {{
            OWNER {{ jetstream: enabled, users: [ {{ user: owner, password: x }} ], exports: [
                {{ service: "$JS.API.>", response_type: {response} }}, {{ service: "$JS.ACK.>" }},
                {{ service: "enriched.>", response_type: {response} }}, {{ service: "dead.>", response_type: {response} }} ] }}
            GUEST {{ jetstream: enabled, users: [ {{ user: guest, password: x }} ], imports: [
                {{ service: {{ account: OWNER, subject: "$JS.API.>" }}, to: "owner.API.>" }},
                {{ service: {{ account: OWNER, subject: "$JS.ACK.>" }} }},
                {{ service: {{ account: OWNER, subject: "enriched.>" }} }},
                {{ service: {{ account: OWNER, subject: "dead.>" }} }} ] }}
        }}
        no_auth_user: owner"#
    )
}

/// An engine that logs in as the guest.
fn guest(bed: &Bed, sets: &[(&str, &str)]) -> Engine {
    let file = bed.dir.path().join("password");
    std::fs::write(&file, "x").unwrap();
    let file = file.display().to_string();
    bed.engine("state", &[&[("nats.user", "guest"), ("nats.password_file", &*file)], sets].concat())
}

#[test]
fn an_engine_works_on_the_streams_of_another_account() {
    let mut bed = Bed::on(Server::start_with(&accounts("Stream")));
    let engine = guest(&bed, &[("nats.api_prefix", "owner.API")]);
    publish(&mut bed.wire, &mut school(71, 20), 2_000).unwrap();
    bed.finish();
    engine.drain();
    bed.assert_clean();
}

#[test]
fn an_input_of_another_account_beside_an_output_of_its_own() {
    let mut bed = bare_on(Server::start_with(&accounts("Stream")));
    // Interest retention, so that acknowledgements have to find their way, too.
    let mut input = streams::input();
    input["retention"] = "interest".into();
    let mut own = Wire::connect_as(bed.server.address(), r#""user":"guest","pass":"x""#).unwrap();
    let mut output = streams::output();
    output["subjects"] = serde_json::json!(["mine.enriched.>", "mine.dead.>"]);
    for (wire, config) in [(&mut bed.wire, input), (&mut own, output)] {
        let name = config["name"].as_str().unwrap();
        let made = api(wire, &format!("STREAM.CREATE.{name}"), &config).unwrap();
        assert!(made.get("error").is_none(), "{made}");
    }
    // Somebody else keeps the events for the oracle.
    let keeper =
        serde_json::json!({ "stream_name": INPUT, "config": { "durable_name": "keeper", "ack_policy": "explicit" } });
    let made = api(&mut bed.wire, &format!("CONSUMER.DURABLE.CREATE.{INPUT}.keeper"), &keeper).unwrap();
    assert!(made.get("error").is_none(), "{made}");
    let text = std::fs::read_to_string(&bed.config).unwrap();
    let text = text
        .replace("\"enriched.{kind}\"", "\"mine.enriched.{kind}\"")
        .replace("\"dead.{reason}\"", "\"mine.dead.{reason}\"");
    bed.config = bed.dir.path().join("config.toml");
    std::fs::write(&bed.config, text).unwrap();
    let engine = guest(&bed, &[("input.api_prefix", "owner.API")]);
    publish(&mut bed.wire, &mut school(77, 20), 2_000).unwrap();
    let end = publish_last(&mut bed.wire);
    wait_until("the output to reach the input's end", || (streams::cause(&mut own).unwrap() == end).then_some(()));
    let acked = |bed: &mut Bed| {
        let info =
            api(&mut bed.wire, &format!("CONSUMER.INFO.{INPUT}.sidestream-{OUTPUT}"), &serde_json::json!({})).unwrap();
        info["ack_floor"]["stream_seq"].as_u64().unwrap_or(0)
    };
    wait_until("acknowledgements at the owner's stream", || (acked(&mut bed) >= 2_000).then_some(()));
    engine.drain();
    let (events, outputs) = (bed.dir.path().join("input.ndjson"), bed.dir.path().join("output.ndjson"));
    dump(&mut bed.wire, INPUT, &events).unwrap();
    dump(&mut own, OUTPUT, &outputs).unwrap();
    let (clean, report) = oracle(&bed.config, &events, &outputs);
    assert!(clean, "{report}");
}

#[test]
fn a_source_that_creeps_is_not_ready_and_says_why() {
    let mut bed = Bed::on(Server::start_with(&accounts("Singleton")));
    let mut engine = guest(&bed, &[("nats.api_prefix", "owner.API")]);
    publish(&mut bed.wire, &mut school(72, 20), 100).unwrap();
    wait_until("not ready, with the reason", || {
        let (is_ready, words) = ready(&engine);
        (!is_ready && words.contains("the input's consumer had to be made anew 6 times in a minute")).then_some(())
    });
    engine.wait_for_log("not ready why=");
    // It is said, and ends nothing: what comes is processed.
    let before = bed.last(OUTPUT);
    wait_until("another output", || (bed.last(OUTPUT) > before).then_some(()));
    assert!(engine.runs());
    engine.drain();
}
