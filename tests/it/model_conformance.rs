//! The simulator's models against what they stand for: a real server, and the stores.
//!
//! One language of one-line operations (`line`), spoken to both (`world`): the written cases of `cases.txt` say what
//! is seen, the drawn ones only that both see the same. A power cut of the server cannot be had here: the page cache
//! outlives every process. What the model does there is what measurements on real disks said, and nothing else:
//! the tail that was not synced goes, and a stream that was never synced may vanish.

#[path = "../sim/model/mod.rs"]
pub mod model;

mod world;
mod line;
mod modelled;
mod real;
mod draw;
mod drawn;
mod power;
mod disk;

use line::Script;
use modelled::Modelled;
use real::Real;
use world::World;

const CASES: &str = include_str!("model_conformance/cases.txt");
/// Those that take more than 10 s of silence on a real server.
const SILENCE: &str = include_str!("model_conformance/silence.txt");

#[test]
fn the_real_server_does_what_the_cases_say() {
    all(&mut Real::start(), CASES);
}

#[test]
fn the_model_of_the_server_does_what_the_cases_say() {
    all(&mut Modelled::new(), CASES);
    all(&mut Modelled::new(), SILENCE);
}

#[test]
fn a_silent_batch_dies_on_the_real_server_as_the_case_says() {
    all(&mut Real::start(), SILENCE);
}

/// Runs every case of a text, and fails with those that were seen otherwise than they are written.
fn all(world: &mut dyn World, text: &str) {
    let mut faults = Vec::new();
    for case in text.split("\n\n").filter(|case| !case.trim().is_empty()) {
        let mut script = Script::default();
        let mut seen = String::new();
        for line in case.trim().lines() {
            let (operation, _) = line.split_once(" > ").unwrap_or((line, ""));
            match script.run(world, operation.trim()) {
                _ if line.starts_with('#') => seen.push_str(line),
                saw if saw.is_empty() => seen.push_str(operation.trim()),
                saw => seen.push_str(&format!("{} > {saw}", operation.trim())),
            }
            seen.push('\n');
        }
        script.end(world);
        if seen.trim() != case.trim() {
            faults.push(format!("written:\n{case}\nseen:\n{seen}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
