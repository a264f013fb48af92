//! Retention overtakes an engine that is down: it must refuse, name the positions, and go on where that is accepted.
//!
//! The promise is void for the gap, so this is a round of its own with a verdict in two parts: the lane as it was
//! before, against the input as it was; and the lane without the gap's outputs, against the input without the gap.

use crate::harness::bed::oracle;
use crate::harness::dump::dump_after;
use crate::harness::load::{publish, school};
use crate::harness::streams::{INPUT, OUTPUT, api};
use crate::harness::wait::wait_within;
use crate::load::Load;
use crate::plan::Step;
use crate::record::Struck;
use crate::round;
use crate::world::{RECOVERY, World};
use serde_json::json;
use sidestream::app::disk;
use sidestream::config::StateSection;
use sidestream::core::record::StateEngine;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const CONFIG: i32 = 78;
/// Events that nobody has seen when retention strikes, and how many of them it leaves.
const UNSEEN: u64 = 2_000;
const LEFT: u64 = 500;

/// Both streams as they were before retention struck.
struct Before {
    input: PathBuf,
    output: PathBuf,
    /// The position of the lane's newest output, and its sequence.
    cause: u64,
    lane: u64,
    /// The first position that will be left.
    first: u64,
}

/// The whole round.
pub fn round(world: &mut World, step: &Step) {
    let (killed, limited) = (step.seed.is_multiple_of(2), step.seed % 4 < 2);
    world.under_load();
    if killed {
        world.kill_engine()
    } else {
        world.drain()
    }
    if killed && is_ahead(&world.engine().state.clone()) {
        // Some key groups know events of the gap, others do not: right, but not for this verdict to tell.
        world.start(&step.starts[0]);
        world.recovered("a kill between two key groups", Instant::now());
        world.drain();
    }
    if let Some(load) = world.load.take() {
        load.stop();
    }
    world.ask(|wire| publish(wire, &mut school(step.seed, 40), UNSEEN));
    let before = before(world);
    overtake(world, limited, before.first);
    world.start(&step.starts[0]);
    let code = world.exit_of_the_engine();
    assert_eq!(code, CONFIG, "{}", world.engine().tail());
    let named = refusal(&world.engine().log());
    assert_eq!(named.map(|(_, to)| to), Some(before.first - 1), "{}", world.engine().tail());
    if limited {
        limit(world, -1);
    }
    let (state, healed) = (world.engine().state.clone(), Instant::now());
    let engine = world.launch(&step.starts[1], &state, &["--accept-gap"]);
    world.put_to_work(engine);
    world.load = Some(Load::start(world.server.address(), step.seed + 1));
    let recovered = world.recovered("an accepted gap", healed);
    world.surge();
    if step.force.is_multiple_of(2) {
        wait_within(RECOVERY, "a checkpoint behind the gap", || {
            world.engine().metric("sidestream_checkpoint_position").filter(|position| *position >= before.first)
        });
        world.under_load();
    }
    // What was accepted once stays accepted, with or without a checkpoint since.
    world.kill_engine();
    world.start(&step.starts[0]);
    world.recovered("a start after an accepted gap", Instant::now());
    let (from, to) = named.unwrap_or_default();
    let how = if limited { "max_msgs" } else { "a purge" };
    let proof = format!("{how} took {from} to {to}: exit code 78 with these numbers, then --accept-gap");
    world.note(&proof);
    world.record.struck.push(Struck { fault: step.fault, proof, recovered });
    round::finish(world);
    judge(world, &before, from);
}

/// Whether the kill fell between two key groups' writes, so that some of them are ahead of the checkpoint.
fn is_ahead(state: &Path) -> bool {
    let section = StateSection { path: state.to_owned(), engine: StateEngine::default(), cache_rows: 1 };
    disk::open(&section).unwrap().disk.ahead().is_some()
}

/// Dumps what is there before retention strikes.
fn before(world: &mut World) -> Before {
    let (cause, last) = (world.cause(), world.input());
    let (input, output) = (world.dir.join("input-before.ndjson"), world.dir.join("output-before.ndjson"));
    world.ask(|wire| dump_after(wire, INPUT, 0, &input));
    let lane = world.ask(|wire| dump_after(wire, OUTPUT, 0, &output));
    assert!(last >= cause + UNSEEN, "{last} is the input's end, {cause} the lane's");
    Before { input, output, cause, lane, first: last + 1 - LEFT }
}

/// Takes everything before `first`, by a purge or by a limit.
fn overtake(world: &mut World, limited: bool, first: u64) {
    if limited {
        limit(world, LEFT as i64);
    } else {
        let body = json!({ "seq": first });
        let reply = world.ask(|wire| api(wire, &format!("STREAM.PURGE.{INPUT}"), &body));
        assert!(reply.get("error").is_none(), "{reply}");
    }
    let info = world.ask(|wire| api(wire, &format!("STREAM.INFO.{INPUT}"), &json!({})));
    assert_eq!(info["state"]["first_seq"].as_u64(), Some(first), "{info}");
}

fn limit(world: &mut World, messages: i64) {
    let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "max_msgs": messages });
    let reply = world.ask(|wire| api(wire, &format!("STREAM.UPDATE.{INPUT}"), &config));
    assert!(reply.get("error").is_none(), "{reply}");
}

/// The positions that a refusal names.
fn refusal(log: &str) -> Option<(u64, u64)> {
    let rest = log.split_once("the input stream no longer holds positions ")?.1;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Both parts must be right. The engine's state was as of the position before `from`, and stays.
fn judge(world: &mut World, before: &Before, from: u64) {
    let (input, output) = (world.dir.join("input.ndjson"), world.dir.join("output.ndjson"));
    let events = world.ask(|wire| dump_after(wire, INPUT, before.first - 1, &input));
    let outputs = world.ask(|wire| dump_after(wire, OUTPUT, before.lane, &output));
    (world.record.events, world.record.outputs) = (events, outputs);
    let whole = world.dir.join("input-until-then.ndjson");
    write(&whole, lines(&before.input).take(before.cause as usize));
    verdict(world, "before the gap", &whole, &before.output);
    let (left, kept) = (world.dir.join("input-without-gap.ndjson"), world.dir.join("output-without-gap.ndjson"));
    write(&left, lines(&before.input).take(from as usize - 1).chain(lines(&input)));
    let outside = |line: &String| cause(line).is_none_or(|cause| cause < from);
    write(&kept, lines(&before.output).filter(outside).chain(lines(&output)));
    verdict(world, "around the gap", &left, &kept);
}

fn verdict(world: &mut World, what: &str, input: &Path, output: &Path) {
    let (clean, report) = oracle(&world.tools.config, input, output);
    world.note(&format!("oracle, {what}: {report}"));
    assert!(clean, "{what}: {report}");
}

/// The position that a line of a dump names as its cause.
fn cause(line: &str) -> Option<u64> {
    line.split_once(r#""Sidestream-Position","EVENTS:"#)?.1.split(':').next()?.parse().ok()
}

fn lines(path: &Path) -> impl Iterator<Item = String> + use<> {
    BufReader::new(File::open(path).unwrap()).lines().map(Result::unwrap)
}

fn write(path: &Path, lines: impl Iterator<Item = String>) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    lines.for_each(|line| writeln!(out, "{line}").unwrap());
    out.flush().unwrap();
}
