//! The proof that the simulator sees: each known mistake is planted in the product's code, and seeds are run until one
//! shows it.

use super::Asked;
use super::world;
use sidestream::core::mutants::{Mutant, plant};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Mistakes that few worlds show, and where a hunt for each begins: at a world that showed it once.
const RARE: &[(Mutant, u64)] = &[
    (Mutant::EmptyIsAgedOut, 951),
    (Mutant::StaleAckTaken, 2_537),
    (Mutant::ReleasedByAnOldRow, 13_727),
    (Mutant::StreamTimeForgotten, 4_232),
    (Mutant::LaterMessagesUntold, 4_241),
    (Mutant::OtherHistoryKept, 61_906),
    (Mutant::EarlierSwitchKept, 67_430),
    (Mutant::DifferenceAtOnce, 76_204),
];

/// What became of a hunt.
struct Found {
    seeds: u64,
    seconds: f64,
    how: Option<String>,
}

/// Hunts for the mistakes that are asked for; `None` when none is.
pub fn hunt(asked: &Asked) -> Option<bool> {
    let wanted = |name: &str| asked.mutants || asked.mutant.as_deref() == Some(name);
    let all: Vec<_> = Mutant::ALL.iter().filter(|(_, name, _)| wanted(name)).collect();
    if all.is_empty() {
        return asked.mutant.as_ref().map(|name| {
            println!("there is no mistake called {name}");
            false
        });
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((mutant, ..)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = of(*mutant, asked);
                    found.lock().unwrap().push((*mutant as usize, one));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(number, _)| *number);
    println!("\n| planted mistake | what it does | seeds | seconds | how it showed |\n|---|---|---|---|---|");
    for ((_, name, words), (_, Found { seeds, seconds, how })) in all.iter().zip(&found) {
        let how = how.as_deref().unwrap_or("NOT FOUND");
        println!("| `{name}` |{words} | {seeds} | {seconds:.1} | {} |", how.replace('|', "/"));
    }
    let missed = found.iter().filter(|(_, found)| found.how.is_none()).count();
    println!("\n{} of {} planted mistakes found", found.len() - missed, found.len());
    Some(missed == 0)
}

fn of(mutant: Mutant, asked: &Asked) -> Found {
    let began = Instant::now();
    let mut how = None;
    let mut seeds = 0;
    let rare = RARE.iter().find(|(rare, _)| *rare == mutant);
    let first = rare.map_or(asked.seed, |(_, seed)| asked.seed.max(*seed));
    while seeds < asked.most && how.is_none() {
        plant(Some(mutant));
        let seed = first + seeds;
        let found = std::panic::catch_unwind(|| world::run(seed, false).violation);
        plant(None);
        let found = found.unwrap_or_else(|_| Some("the product's own assertion".to_owned()));
        // What the right code shows, too, says nothing about the mistake.
        if found.is_some() && world::run(seed, false).violation.is_none() {
            how = found.map(|text| text.chars().take(110).collect());
        }
        seeds += 1;
    }
    Found { seeds, seconds: began.elapsed().as_secs_f64(), how }
}
