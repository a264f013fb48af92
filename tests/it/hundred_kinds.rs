//! A stream of a hundred kinds with derived fields on a real server, byte for byte as an oracle in another language has it.
//!
//! 20,000 events in the tests; `scripts/hundred-kinds` sets how many, and has made it a million.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::streams::api;
use crate::harness::wait::try_within;
use serde_json::{Value, json};
use std::fs::{File, write};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Events between two looks at what the server has stored.
const PIECE: usize = 5_000;
/// Without any progress for so long the test has failed, however many events there are.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the oracle prints.
fn oracle(arguments: &[&str]) -> (bool, Vec<u8>) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/hundred.py");
    let output = Command::new("python3").arg(program).args(arguments).output().expect("python3 runs the oracle");
    let told = if output.status.success() { output.stdout } else { [output.stdout, output.stderr].concat() };
    (output.status.success(), told)
}

/// Waits until a stream's last sequence is beyond `at` or satisfies `done`, and returns it.
fn progress(bed: &mut Bed, stream: &str, at: u64, done: impl Fn(u64) -> bool) -> u64 {
    let next = try_within(PATIENCE, || {
        let last = bed.last(stream);
        (last > at || done(last)).then_some(last)
    });
    next.unwrap_or_else(|| panic!("{stream} stands at {at}"))
}

/// Waits until a stream's last sequence is at least this.
fn reaches(bed: &mut Bed, stream: &str, least: u64) {
    let mut at = 0;
    while at < least {
        at = progress(bed, stream, at, |last| last >= least);
    }
}

#[test]
fn a_hundred_kinds_with_derived_fields_equal_the_oracle() {
    let count = std::env::var("SIDESTREAM_HUNDRED_KINDS").unwrap_or("20000".to_owned());
    let mut bed = Bed::new();
    let path = |name: &str| bed.dir.path().join(name);
    let (config, events, lane) = (path("hundred.toml"), path("events.ndjson"), path("lane.tsv"));
    write(&config, oracle(&["plan"]).1).unwrap();
    write(&events, oracle(&["events", &count, "17"]).1).unwrap();
    bed.config = config;
    let made = command::run(&bed, &["provision"]);
    assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
    let engine = bed.engine("state", &[]);
    let began = Instant::now();
    let mut published = 0;
    for line in BufReader::new(File::open(&events).unwrap()).lines() {
        bed.wire.publish("raw.events", &[], line.unwrap().as_bytes()).unwrap();
        published += 1;
        if published % PIECE == 0 {
            bed.wire.flush().unwrap();
            let least = published.saturating_sub(2 * PIECE) as u64;
            reaches(&mut bed, "RAW", least);
        }
    }
    // Whatever the last event became, this one has an output.
    bed.wire.publish("raw.events", &[], b"[]").unwrap();
    bed.wire.flush().unwrap();
    let all = published as u64 + 1;
    reaches(&mut bed, "RAW", all);
    // The lane is in order: where its dead letter is, everything is.
    let asked = json!({ "last_by_subj": "broken.not_object" });
    let mut at = 0;
    while api(&mut bed.wire, "STREAM.MSG.GET.WIDE", &asked).unwrap().get("message").is_none() {
        at = progress(&mut bed, "WIDE", at, |_| false);
    }
    println!("{published} events in {:.1} s", began.elapsed().as_secs_f64());
    engine.drain();
    let mut out = BufWriter::new(File::create(&lane).unwrap());
    each(&mut bed.wire, "WIDE", |_, _, message| {
        let position = message.headers.iter().find(|(name, _)| name == "Sidestream-Position").unwrap().1.clone();
        let position = position.split(':').nth(1).unwrap();
        if position == all.to_string() {
            assert_eq!(message.subject, "broken.not_object");
            return Ok(());
        }
        write!(out, "{position}\t{}\t", message.subject)?;
        out.write_all(&message.payload)?;
        out.write_all(b"\n")
    })
    .unwrap();
    out.flush().unwrap();
    let (equal, told) = oracle(&["compare", events.to_str().unwrap(), lane.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&told);
    println!("{told}");
    assert!(equal, "{told}");
    let counts: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&counts["kinds"], &counts["events"]), (&100.into(), &published.into()));
    assert!(counts["dropped"].as_u64() > Some(0) && counts["duplicates"].as_u64() > Some(0), "{told}");
}
