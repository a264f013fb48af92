//! The engine beside a leaf node, its streams at the hub in another JetStream domain.

use super::bare_on;
use crate::harness::load::{publish, school};
use crate::harness::streams::{self, INPUT, api};
use crate::harness::wait::wait_until;
use crate::server::Server;
use serde_json::json;
use std::net::TcpListener;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A hub in the domain `hub` and a leaf node in the domain `leaf`.
fn hub_and_leaf() -> (Server, Server, tempfile::TempDir) {
    let stores = tempfile::tempdir().unwrap();
    let port = free_port();
    let domain =
        |name: &str| format!("jetstream {{ store_dir: \"{}\", domain: {name} }}", stores.path().join(name).display());
    let hub = Server::start_with(&format!("{}\nleafnodes {{ listen: \"127.0.0.1:{port}\" }}", domain("hub")));
    let remote = format!("leafnodes {{ remotes: [{{ url: \"nats://127.0.0.1:{port}\" }}] }}");
    let leaf = Server::start_with(&format!("{}\n{remote}", domain("leaf")));
    (hub, leaf, stores)
}

#[test]
fn an_engine_at_a_leaf_node_works_in_the_hubs_domain() {
    let (hub, leaf, _stores) = hub_and_leaf();
    let mut bed = bare_on(hub);
    streams::create_output(&mut bed.wire);
    // Interest retention, so that acks have to find their way, too.
    let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "retention": "interest" });
    let made = api(&mut bed.wire, &format!("STREAM.CREATE.{INPUT}"), &config).unwrap();
    assert!(made.get("error").is_none(), "{made}");
    let keeper = json!({ "stream_name": INPUT, "config": { "durable_name": "keeper", "ack_policy": "explicit" } });
    let made = api(&mut bed.wire, &format!("CONSUMER.DURABLE.CREATE.{INPUT}.keeper"), &keeper).unwrap();
    assert!(made.get("error").is_none(), "{made}");
    let url = leaf.url();
    let at_leaf = [("nats.url", &*url), ("nats.jetstream_domain", "hub")];
    let engine = bed.engine("state", &at_leaf);
    publish(&mut bed.wire, &mut school(64, 20), 2_000).unwrap();
    bed.finish();
    let acked = |bed: &mut crate::harness::bed::Bed| {
        let info = api(&mut bed.wire, &format!("CONSUMER.INFO.{INPUT}.sidestream-ENRICHED"), &json!({})).unwrap();
        info["ack_floor"]["stream_seq"].as_u64().unwrap_or(0)
    };
    wait_until("acks at the hub", || (acked(&mut bed) >= 2_000).then_some(()));
    engine.drain();
    bed.assert_clean();
}

#[test]
fn input_and_output_may_have_an_api_of_their_own() {
    let (hub, leaf, _stores) = hub_and_leaf();
    let mut bed = bare_on(hub);
    streams::create(&mut bed.wire);
    let url = leaf.url();
    let engine = bed.engine(
        "state",
        &[
            ("nats.url", &*url),
            ("nats.jetstream_domain", "nowhere"),
            ("input.domain", "hub"),
            ("output.api_prefix", "$JS.hub.API"),
        ],
    );
    publish(&mut bed.wire, &mut school(65, 20), 1_000).unwrap();
    bed.finish();
    engine.drain();
    bed.assert_clean();
}
