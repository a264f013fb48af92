//! A server with both streams, and a gateway over it: beside an engine, or alone.

use crate::harness::bed::Bed;
use crate::harness::dump::each;
use crate::harness::engine::Engine;
use crate::harness::streams::INPUT;
use crate::harness::wait::wait_until;
use crate::harness::wire::Message;
use std::net::SocketAddr;
use std::process::Command;

/// An event of the school that every plan of these tests takes.
pub fn user(id: &str) -> String {
    format!(r#"{{"title":"user","event_uuid":"{id}","properties":{{"uuid":"{id}","country":"NL"}}}}"#)
}

/// A gateway inside an engine, once events can be stored.
pub fn beside(bed: &Bed, sets: &[(&str, &str)]) -> (Engine, SocketAddr) {
    let sets: Vec<(&str, &str)> = [("gateway.listen", "127.0.0.1:0")].into_iter().chain(sets.iter().copied()).collect();
    let engine = bed.engine("state", &sets);
    open(engine)
}

/// A gateway without an engine, once events can be stored.
pub fn alone(bed: &Bed, sets: &[(&str, &str)]) -> (Engine, SocketAddr) {
    open(started(bed, sets))
}

/// A gateway without an engine, whether events can be stored or not.
pub fn started(bed: &Bed, sets: &[(&str, &str)]) -> Engine {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.arg("gateway").arg("--config").arg(&bed.config);
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("NO_COLOR", "1").env("FAILPOINTS", "");
    let sets: Vec<(&str, &str)> = [("gateway.listen", "127.0.0.1:0")].into_iter().chain(sets.iter().copied()).collect();
    for (key, value) in bed.sets_of("gateway", &sets) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    Engine::of("gateway", command)
}

fn open(mut engine: Engine) -> (Engine, SocketAddr) {
    engine.wait_for_log("the gateway stores events");
    let address = address(&mut engine);
    (engine, address)
}

/// Where a gateway listens.
pub fn address(engine: &mut Engine) -> SocketAddr {
    wait_until("the gateway's address", || {
        let log = engine.log();
        let line = log.lines().find(|line| line.contains("the gateway listens"))?;
        line.split_once("address=")?.1.trim().parse().ok()
    })
}

/// All messages of the input, by position from 1.
pub fn input(bed: &mut Bed) -> Vec<Message> {
    stream(bed, INPUT)
}

/// All messages of a stream that has no gap.
pub fn stream(bed: &mut Bed, name: &str) -> Vec<Message> {
    let mut all = Vec::new();
    each(&mut bed.wire, name, |_, _, message| {
        all.push(message);
        Ok(())
    })
    .unwrap();
    all
}

/// A header of a stored message.
pub fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
