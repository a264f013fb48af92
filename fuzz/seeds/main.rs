//! Writes the seeds of the corpora: `cargo run --example seeds` in `fuzz/`. They are committed; this says where they
//! come from.
//!
//! JSON's hard cases stand in `json.rs`, the other targets' in `others.rs`. Only files named `seed-…` are touched.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod json;
mod others;
mod expressions;

use sidestream::generate::{School, SchoolOptions};
use std::fs;
use std::path::Path;

/// A file's name, without `seed-`, and its bytes.
type Seed = (String, Vec<u8>);

fn main() {
    write("decode", json::decode().into_iter().chain(school(7, 60, 1)).collect());
    write("splice", others::splice().into_iter().chain(school(8, 40, 4)).collect());
    write("records", others::records());
    write("config", others::config());
    write("recovery", others::recovery());
    write("derive", others::derive());
    write("expression", expressions::expressions());
    write("operators", operators());
}

/// Bytes of chance, from which plans and events are drawn: of a linear congruential generator (Knuth's MMIX), its top byte.
fn operators() -> Vec<Seed> {
    let seeds = (1..=40_u64).map(|seed| {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (format!("{seed:02}"), (0..400).map(next).collect())
    });
    seeds.collect()
}

fn write(target: &str, seeds: Vec<Seed>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).unwrap();
    for file in fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
        if file.file_name().unwrap().to_string_lossy().starts_with("seed-") {
            fs::remove_file(file).unwrap();
        }
    }
    println!("{target}: {} seeds", seeds.len());
    for (name, bytes) in seeds {
        fs::write(folder.join(format!("seed-{name}")), bytes).unwrap();
    }
}

/// Odd events of the generator, `together` in a file.
fn school(seed: u64, files: usize, together: usize) -> Vec<Seed> {
    let options =
        SchoolOptions { users: 3, hard: true, hard_per_mille: 900, largest_bytes: 700, ..SchoolOptions::default() };
    let mut school = School::new(seed, options);
    let mut seeds = Vec::new();
    while seeds.len() < files {
        let mut bytes = vec![b"0345"[seeds.len() % 4]];
        for n in 0..together {
            let event = school.next();
            if n > 0 {
                bytes.push(0x1e);
            }
            bytes.extend_from_slice(event.subject.as_bytes());
            for (name, value) in &event.headers {
                bytes.extend_from_slice(format!("|{name}={value}").as_bytes());
            }
            bytes.push(b'\n');
            bytes.extend_from_slice(&event.payload);
        }
        if bytes.len() <= 4_000 {
            seeds.push((format!("school-{:02}", seeds.len()), bytes));
        }
    }
    seeds
}
