//! Answers that are not the leader's, or not about what was asked: the engine must take none of them for the truth.

use super::stage::Stage;
use crate::harness::cluster::Cluster;
use crate::harness::load::school;
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::{try_within, wait_until};
use std::process::Command;
use std::time::{Duration, Instant};

/// A checkpoint soon after each confirmation, so that a false one does harm at once.
const SETS: &[(&str, &str)] = &[("engine.checkpoint_interval_ms", "20"), ("engine.shards", "2")];

/// Events that each have one output.
fn users(stage: &Stage, from: u64, count: u64) {
    let mut wire = stage.cluster.wire();
    for n in from..from + count {
        let event = format!(r#"{{"title":"user","event_uuid":"{n}","properties":{{"uuid":"{n}"}}}}"#);
        wire.publish("events.user", &[], event.as_bytes()).unwrap();
    }
    wire.flush().unwrap();
}

/// The end of a batch is not replicated: a new leader answers the batch before, on the reply subject that it knows.
#[test]
fn a_new_leaders_answer_to_the_batch_before_confirms_nothing() {
    const BEFORE: u64 = 1_601;
    const NEXT: u64 = 7_000;
    let mut stage = Stage::new(3);
    stage.cluster.let_lead(OUTPUT, 0);
    stage.cluster.let_lead(INPUT, 1);
    // The reader's consumer lives on one of the servers that go on.
    let mut engine = stage.engine_at(&stage.cluster.url(2), SETS);
    while wait_until("the consumer", || stage.cluster.consumer_server(INPUT)) == 0 {
        engine.kill();
        engine = stage.engine_at(&stage.cluster.url(2), SETS);
        engine.wait_for_log("ready");
    }
    // All at once, so that they leave in one large batch.
    users(&stage, 0, BEFORE);
    stage.grown(BEFORE);
    // The next batch goes to a leader that is stopped before any of it has come to the others.
    stage.cluster.freeze(0);
    users(&stage, BEFORE, NEXT);
    stage.grown(BEFORE + NEXT);
    stage.cluster.thaw(0);
    stage.finish();
    let log = engine.drain();
    assert!(!log.contains("fewer sent"), "an answer to one batch was taken for an answer to the next: {log}");
    stage.assert_undisturbed(&log);
}

/// A leader that is cut off calls itself the leader for many seconds, and knows nothing of what came later.
#[test]
fn an_engine_that_starts_at_a_leader_which_is_cut_off_waits() {
    let mut stage = Stage::on(Cluster::start_proxied(), 3);
    let mut school = school(32, 0);
    stage.cluster.let_lead(INPUT, 0);
    stage.cluster.let_lead(OUTPUT, 0);
    stage.publish(&mut school, 2_000);
    let engine = stage.engine_at(&stage.cluster.url(1), SETS);
    stage.finish();
    stage.cluster.cut_off(0);
    let cut = Instant::now();
    for stream in [INPUT, OUTPUT] {
        stage.cluster.leader(stream);
    }
    stage.publish(&mut school, 2_000);
    stage.finish();
    engine.drain();
    // The old leader changes its answers as it loses its faith: meet each of them.
    while cut.elapsed() < Duration::from_secs(20) {
        let mut engine = stage.engine_at(&stage.cluster.url(0), SETS);
        let ended = try_within(Duration::from_secs(4), || (!engine.runs()).then_some(()));
        assert!(ended.is_none(), "ended {:?} after the cut: {:?}", cut.elapsed(), engine.exited(Duration::ZERO));
        let log = engine.log();
        assert!(!log.contains("rebuild") && !log.contains("set aside"), "{log}");
        engine.kill();
    }
    stage.cluster.heal(0);
    let engine = stage.engine_at(&stage.cluster.url(0), SETS);
    stage.finish();
    let log = engine.drain();
    stage.assert_undisturbed(&log);
}

/// While a stream has no leader, any member answers for it, even one that slept through the last events.
#[test]
fn an_engine_that_starts_while_a_stream_has_no_leader_waits() {
    let mut stage = Stage::new(3);
    let mut school = school(33, 0);
    stage.cluster.let_lead(INPUT, 0);
    stage.cluster.let_lead(OUTPUT, 0);
    stage.publish(&mut school, 2_000);
    let engine = stage.engine_at(&stage.cluster.url(1), SETS);
    stage.finish();
    stage.cluster.freeze(2);
    stage.publish(&mut school, 500);
    stage.finish();
    engine.drain();
    stage.cluster.kill(0);
    stage.cluster.thaw(2);
    let mut engine = stage.engine_at(&stage.cluster.url(2), SETS);
    wait_until("the engine at work", || {
        assert!(engine.runs(), "{}", engine.log());
        engine.log().contains("already_out").then_some(())
    });
    stage.finish();
    stage.cluster.restart(0);
    let log = engine.drain();
    stage.assert_undisturbed(&log);
}

/// Commands ask while the cluster elects its own leader, which makes their consumers.
#[test]
fn an_audit_that_is_begun_while_the_cluster_has_no_leader_waits_for_one() {
    let mut stage = Stage::new(3);
    stage.publish(&mut school(34, 0), 2_000);
    let engine = stage.engine(SETS);
    stage.finish();
    engine.drain();
    let meta = wait_until("a leader of the cluster", || stage.cluster.meta_leader());
    stage.cluster.kill(meta);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(["audit", "--complete", "--config"]).arg(&stage.config).args(["--nats-url", &stage.cluster.urls()]);
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG");
    let run = command.output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    stage.cluster.restart(meta);
}
