//! Drawn operations on the real server and the model at once: both must be seen to do the same, line by line.
//!
//! Nothing is written down here that the server ought to do.

use super::draw::Draw;
use super::line::Script;
use super::modelled::Modelled;
use super::real::Real;
use super::world::World;
use std::collections::BTreeMap;
use std::time::Instant;

const SEQUENCES: u64 = 60;
const SEQUENCES_WITH_KILLS: u64 = 10;

/// How often each word was seen.
type Seen = BTreeMap<String, usize>;

#[test]
fn drawn_operations_are_seen_alike() {
    let (mut real, mut seen) = (Real::start(), Seen::new());
    for seed in 0..SEQUENCES {
        run(&mut real, seed, false, &mut seen);
    }
    // What is never drawn is never compared.
    let rare =
        ["stored", "ack", "over", "gap", "err", "refused", "10071", "10077", "10205", "10206", "10208", "pending"];
    for word in rare.into_iter().chain(["none", "end"]) {
        let times = seen.get(word).copied().unwrap_or(0);
        assert!(times >= 30, "{word} was seen {times} times only: {seen:?}");
    }
}

#[test]
fn drawn_operations_with_kills_are_seen_alike() {
    let (mut real, mut seen) = (Real::start(), Seen::new());
    for seed in 1_000..1_000 + SEQUENCES_WITH_KILLS {
        run(&mut real, seed, true, &mut seen);
    }
    assert!(seen.get("unknown").is_some_and(|times| *times >= 5), "{seen:?}");
}

/// Runs one sequence of 60 to 200 lines on both.
fn run(real: &mut Real, seed: u64, kills: bool, seen: &mut Seen) {
    let mut model = Modelled::new();
    let mut draw = Draw::new(seed, kills);
    let mut scripts = [Script::default(), Script::default()];
    let mut history = String::new();
    let mut check = |real: &mut Real, model: &mut Modelled, line: &str| {
        let begin = Instant::now();
        let saw = scripts[0].run(real, line);
        // What was silent too long for the one was so for the other.
        model.wait(begin.elapsed());
        let expected = scripts[1].run(model, line);
        history.push_str(&format!("{line} > {saw}\n"));
        assert_eq!(saw, expected, "seed {seed}, {line}\nleft: the server, right: the model, after\n{history}");
        for word in saw.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            *seen.entry(word.to_owned()).or_default() += 1;
        }
        saw
    };
    for line in Draw::first() {
        check(real, &mut model, &line);
    }
    for _ in 0..60 + draw.below(141) {
        let line = draw.next(&mut model);
        let saw = check(real, &mut model, &line);
        draw.saw(&line, &saw);
        if let Some(name) = line.split(' ').nth(1).filter(|name| name.len() == 1) {
            check(real, &mut model, &format!("state {name}"));
        }
    }
    for line in draw.last() {
        check(real, &mut model, &line);
    }
    scripts.into_iter().next().unwrap().end(real);
}
