//! The checks of the fuzz targets on a stable toolchain: every file of the corpus, and some thousand variations.
//!
//! Finds again what was found once; the long search is `scripts/fuzz`. The variations follow from a fixed seed.

#[path = "../../fuzz/checks/mod.rs"]
mod checks;

use sidestream::generate::Random;
use std::path::Path;

/// Pieces that turn one odd input into another.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "{}",
    "[]",
    "null",
    "true",
    "1",
    "-0",
    "1e9",
    "0.5",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\\u0000",
    "\u{feff}",
    "é",
    "😀",
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    ".",
    "*",
    ">",
    "$",
    "=",
    "|",
    "#",
    "'",
    "\"k\":",
    "\"p\":{",
    "\u{1e}",
    "$time",
    "$subject.1",
    "[[enrich]]\n",
];

/// Shows the input that a check fails on.
struct Shown<'a>(&'a str, &'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {}", self.0, self.1.escape_ascii());
        }
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<(String, Vec<u8>)> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// One change that makes another input of `bytes`.
fn vary(bytes: &mut Vec<u8>, others: &[(String, Vec<u8>)], random: &mut Random) {
    let at = random.index(bytes.len() + 1);
    let end = (at + random.index(20)).min(bytes.len());
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.bits() as u8,
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            let to = random.index(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        4 => {
            let other = &others[random.index(others.len())].1;
            let from = random.index(other.len() + 1);
            let to = (from + random.index(40)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        5 => bytes.truncate(at),
        _ => drop(bytes.splice(at..at, random.pick(PIECES).bytes())),
    }
}

fn smoke(target: &str, variations: u64, check: fn(&[u8])) {
    let corpus = corpus(target);
    assert!(corpus.len() >= 20, "the corpus of {target} has {} files", corpus.len());
    for (name, bytes) in &corpus {
        let _shown = Shown(name, bytes);
        check(bytes);
    }
    let mut random = Random::new(variations);
    for _ in 0..variations {
        let (name, bytes) = &corpus[random.index(corpus.len())];
        let mut bytes = bytes.clone();
        for _ in 0..1 + random.below(4) {
            vary(&mut bytes, &corpus, &mut random);
        }
        let _shown = Shown(name, &bytes);
        check(&bytes);
    }
}

#[test]
fn decoding_agrees_with_serde_json_on_hard_texts() {
    smoke("decode", 4_000, checks::decode::check);
}

#[test]
fn the_step_agrees_with_the_model_on_short_histories() {
    smoke("splice", 3_000, checks::splice::check);
}

#[test]
fn stored_records_survive_any_bytes() {
    smoke("records", 4_000, checks::records::check);
}

#[test]
fn every_configuration_is_taken_or_explained() {
    smoke("config", 1_500, checks::config::check);
}

#[test]
fn what_a_start_reads_back_prints_to_the_same_text() {
    smoke("recovery", 4_000, checks::recovery::check);
}

#[test]
fn operators_write_one_value_or_nothing() {
    smoke("derive", 8_000, checks::derive::check);
}

#[test]
fn every_operator_leads_to_the_same_in_every_way() {
    smoke("operators", 500, checks::operators::check);
}

#[test]
fn every_expression_is_taken_or_explained() {
    smoke("expression", 8_000, checks::expression::check);
}
