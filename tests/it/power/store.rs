//! The store alone: a writer of checkpoints is recorded, and the power is cut at random instants of the recording.
//!
//! Each generation goes on from the last cut of the one before, so that recovery is cut as well.

use super::disk::{Disk, Honest, Survival};
use super::judge::{Found, History, last_reported};
use super::recording::{Call, environment, shim};
use super::writer::{Job, REPORTED, STATE, record, run};
use crate::store_conformance::SMALL_SEGMENTS;
use sidestream::adapters::directory::files::bytes;
use sidestream::adapters::sled::open::SEGMENT_BYTES;
use sidestream::core::record::StateEngine;
use sidestream::generate::Random;
use std::fs;
use std::path::Path;
use std::process::Command;

/// How old the database is when its power is first cut.
#[derive(Clone, Copy, Debug)]
struct Age {
    name: &'static str,
    engine: StateEngine,
    /// About so many calls make an empty store.
    creation: u64,
    /// Checkpoints before the first recording.
    before: u64,
    /// Checkpoints of a recording.
    recorded: u64,
    /// How much a checkpoint changes.
    weight: u64,
    /// Whether sled's file has segments of 512 KiB: they come round four times as often as those of 2 MiB.
    small_segments: bool,
}

impl Age {
    /// An empty root, or one with the beginning of a directory of small segments.
    fn begin(&self, root: &Path) {
        fs::create_dir(root).unwrap();
        if self.small_segments {
            fs::create_dir(root.join(STATE)).unwrap();
            fs::write(root.join(STATE).join("conf"), SMALL_SEGMENTS).unwrap();
        }
    }

    fn job(&self, count: u64) -> Job {
        Job { count, weight: self.weight, engine: self.engine }
    }
}

/// From the very first call on, creation included.
const YOUNG: Age = Age {
    name: "young",
    engine: StateEngine::Sled,
    creation: 60,
    before: 0,
    recorded: 40,
    weight: 1,
    small_segments: false,
};
const AGED: Age = Age { name: "aged", before: 2_000, recorded: 100, small_segments: true, ..YOUNG };
/// Checkpoints of a megabyte each: sled moves pages and takes segments back between two syncs.
const HEAVY: Age = Age { name: "heavy", before: 30, recorded: 8, weight: 12, ..YOUNG };
const HEAVY_IN_SMALL_SEGMENTS: Age = Age { name: "heavy, small segments", small_segments: true, ..HEAVY };
/// The same for fjall, which does more at creation; its journal is changed at 64 MB, into which a recording should fall.
fn of_fjall(age: Age) -> Age {
    let (before, recorded) = if age.weight > 1 { (40, 40) } else { (age.before, age.recorded) };
    Age { engine: StateEngine::Fjall, creation: 120, before, recorded, small_segments: false, ..age }
}

/// Cuts of one recording.
const CUTS: u32 = 10;

/// What became of the cuts.
#[derive(Debug, Default)]
struct Tally {
    cuts: u32,
    kept: u32,
    older: u32,
    wrong: u32,
    set_aside: u32,
    /// Set aside before anything was reported: nothing was lost.
    set_aside_empty: u32,
    /// Journals that fjall made and removed while it was recorded, its first one apart.
    journals: (usize, usize),
    /// The state directory at its largest.
    bytes: u64,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { cuts, kept, older, wrong, set_aside, set_aside_empty, .. } = self;
        write!(out, "{cuts} cuts, {kept} kept, {older} older, {wrong} wrong, {set_aside} set aside")?;
        write!(out, ", {set_aside_empty} set aside before the first report")
    }
}

impl Tally {
    fn count(&mut self, found: &Found) {
        self.cuts += 1;
        match found {
            Found::Kept => self.kept += 1,
            Found::Older { .. } => self.older += 1,
            Found::Wrong(_) => self.wrong += 1,
            Found::SetAside { reported: 0 } => self.set_aside_empty += 1,
            Found::SetAside { .. } => self.set_aside += 1,
        }
    }

    fn lost(&self) -> u32 {
        self.older + self.wrong + self.set_aside
    }
}

/// How many generations and from which seed: the suite's, or what `scripts/power-cuts` asks for.
fn asked(generations: u32, seed: u64) -> (u32, u64) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let cuts = number("SIDESTREAM_POWER_CUTS").map_or(generations, |cuts| (cuts as u32).div_ceil(CUTS));
    (cuts, number("SIDESTREAM_POWER_SEED").unwrap_or(seed))
}

/// Cuts the power `CUTS` times in each of so many recordings.
fn cut(shim: &Path, age: Age, honest: Honest, generations: u32, seed: u64) -> Tally {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let (root, base) = (place.join("root"), place.join("base"));
    age.begin(&root);
    if age.before > 0 {
        let nowhere = environment(shim, &root, Path::new("/dev/null"), 0);
        run(&root, age.job(age.before), &nowhere);
    }
    copy(&root, &base);
    let mut random = Random::new(seed);
    let mut history = History::new(age.weight, age.engine);
    let mut tally = Tally::default();
    for generation in 0..generations {
        let mut disk = Disk::load(&root, honest);
        let calls = record(shim, &root, age.job(age.recorded));
        tally.bytes = tally.bytes.max(bytes(&root.join(STATE)));
        let journal = |name: &str| name.ends_with(".jnl") && !name.ends_with("/0.jnl");
        let made = |call: &&Call| matches!(call, Call::Made { name, .. } if journal(name));
        let removed = |call: &&Call| matches!(call, Call::Unlinked { name } if name.ends_with(".jnl"));
        tally.journals.0 += calls.iter().filter(made).count();
        tally.journals.1 += calls.iter().filter(removed).count();
        let mut cuts: Vec<u64> = (0..CUTS).map(|_| 1 + random.below(calls.len() as u64)).collect();
        if age.before == 0 && generation % 2 == 0 {
            // Most calls come after creation; half of these cuts fall into it.
            cuts.iter_mut().skip(1).step_by(2).for_each(|cut| *cut = 1 + *cut % age.creation);
        }
        cuts.sort_unstable();
        let next = random.index(cuts.len());
        let mut follows = None;
        for (n, at) in cuts.into_iter().enumerate() {
            advance(&mut disk, &calls, at);
            let survival = Survival::any(&mut random, at);
            let (hurt, again) = (place.join("hurt"), place.join("again"));
            disk.cut(survival, &mut random, &hurt);
            if n == next {
                copy(&hurt, &again);
            }
            let reported = last_reported(&disk.seen(REPORTED));
            let found = history.judge(&hurt, reported);
            tally.count(&found);
            if found != Found::Kept {
                println!(
                    "{} {} seed {seed} generation {generation}, call {at}, {survival:?}: {found:?}",
                    age.engine, age.name
                );
            }
            if n == next {
                follows = (!found.lost()).then(|| (again, disk.seen(REPORTED)));
            }
            fs::remove_dir_all(&hurt).unwrap();
        }
        fs::remove_dir_all(&root).unwrap();
        match follows {
            // The young are new again every other time.
            Some((again, notes)) if age.before > 0 || generation % 2 == 0 => {
                fs::rename(&again, &root).unwrap();
                // What was reported before the cut is durable, whatever became of the notes of it.
                fs::write(root.join(REPORTED), notes).unwrap();
            }
            _ => copy(&base, &root),
        }
        let _ = fs::remove_dir_all(place.join("again"));
    }
    let syncs = if honest == Honest::All { "with its syncs" } else { "without fdatasync" };
    println!("power cuts: {} {} store {syncs}, {} MB: {tally}", age.engine, age.name, tally.bytes >> 20);
    tally
}

fn advance(disk: &mut Disk, calls: &[Call], until: u64) {
    let seen = disk.calls();
    calls.iter().take(until as usize).skip(seen as usize).for_each(|call| disk.call(call));
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").args(["-r", "--sparse=always"]).arg(from).arg(to).status().unwrap().success());
}

#[test]
fn a_young_store_keeps_what_it_reported_durable() {
    let Some(shim) = shim("power cuts of a young store") else { return };
    let (generations, seed) = asked(6, 1);
    let tally = cut(shim, YOUNG, Honest::All, generations, seed);
    assert_eq!(tally.lost(), 0, "{tally:?}");
}

#[test]
fn a_young_fjall_store_keeps_what_it_reported_durable() {
    let Some(shim) = shim("power cuts of a young fjall store") else { return };
    let (generations, seed) = asked(6, 11);
    let tally = cut(shim, of_fjall(YOUNG), Honest::All, generations, seed);
    assert_eq!(tally.lost(), 0, "{tally:?}");
}

#[test]
fn an_aged_fjall_store_keeps_what_it_reported_durable() {
    let Some(shim) = shim("power cuts of an aged fjall store") else { return };
    let (generations, seed) = asked(4, 12);
    let tally = cut(shim, of_fjall(AGED), Honest::All, generations, seed);
    assert_eq!(tally.lost(), 0, "{tally:?}");
}

/// Write buffers become tables between the cuts.
#[test]
fn a_fjall_store_of_heavy_checkpoints_keeps_what_it_reported_durable() {
    let Some(shim) = shim("power cuts of heavy checkpoints of a fjall store") else { return };
    let (generations, seed) = asked(1, 14);
    let tally = cut(shim, of_fjall(HEAVY), Honest::All, generations, seed);
    assert_eq!(tally.lost(), 0, "{tally:?}");
    println!("{} journals made, {} removed", tally.journals.0, tally.journals.1);
}

#[test]
fn an_aged_store_keeps_what_it_reported_durable() {
    let Some(shim) = shim("power cuts of an aged store") else { return };
    let (generations, seed) = asked(4, 2);
    let tally = cut(shim, AGED, Honest::All, generations, seed);
    assert_eq!(tally.lost(), 0, "{tally:?}");
}

#[test]
fn a_store_of_heavy_checkpoints_keeps_what_it_reported_durable() {
    let Some(shim) = shim("power cuts of heavy checkpoints") else { return };
    let (generations, seed) = asked(1, 4);
    for age in [HEAVY, HEAVY_IN_SMALL_SEGMENTS] {
        let tally = cut(shim, age, Honest::All, generations, seed);
        assert_eq!(tally.lost(), 0, "{tally:?}");
    }
}

/// sled takes a segment back when its pages were flushed elsewhere; a segment of log later they must be on the disk.
#[test]
fn no_segment_of_log_is_written_without_a_sync() {
    let Some(shim) = shim("syncs within a heavy checkpoint") else { return };
    for (age, segment) in [(HEAVY, SEGMENT_BYTES), (HEAVY_IN_SMALL_SEGMENTS, 512 << 10)] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("root");
        age.begin(&root);
        let (mut database, mut since, mut most, mut all) = (0, 0, 0, 0);
        for call in record(shim, &root, age.job(6)) {
            match call {
                Call::Made { name, inode, .. } if name == format!("{STATE}/db") => database = inode,
                Call::Wrote { inode, data, .. } if inode == database => {
                    (since, all) = (since + data.len(), all + data.len());
                    most = most.max(since);
                }
                Call::SyncedData { inode } if inode == database => since = 0,
                _ => {}
            }
        }
        // Not what the adapter asked for, but what sled works with.
        let conf = fs::read(root.join(STATE).join("conf")).unwrap();
        assert!(conf.starts_with(format!("segment_size: {segment}\n").as_bytes()), "{conf:?}");
        println!("{}: {all} bytes of log, at most {most} between two syncs", age.name);
        assert!(all > 10 * segment, "the checkpoints are not heavy: {all}");
        assert!(most < segment, "{most} of {all} bytes without a sync");
    }
}

/// The proof that the tests above can fail: the adapter's own sync is what keeps the checkpoints.
#[test]
fn without_the_adapters_own_sync_checkpoints_are_lost() {
    let Some(shim) = shim("power cuts without the adapter's sync") else { return };
    let (generations, seed) = asked(2, 3);
    // The aged only where somebody asks for figures: making one takes as long as all the rest.
    let ages = if std::env::var_os("SIDESTREAM_POWER_CUTS").is_some() { &[YOUNG, AGED][..] } else { &[YOUNG] };
    for age in ages {
        for age in [*age, of_fjall(*age)] {
            let tally = cut(shim, age, Honest::WithoutDataSync, generations, seed);
            assert!(tally.lost() * 10 > tally.cuts, "{} {}: {tally:?}", age.engine, age.name);
        }
    }
}

/// The model is the directory, byte for byte, when everything survives: no call escapes the shim.
#[test]
fn the_model_sees_every_change() {
    let Some(shim) = shim("the model against the real directory") else { return };
    compare(shim, YOUNG.job(60));
    compare(shim, of_fjall(YOUNG).job(60));
    // With tables that are written, merged and removed in the background.
    compare(shim, of_fjall(HEAVY).job(40));
}

fn compare(shim: &Path, job: Job) {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let (root, all) = (place.join("root"), place.join("all"));
    fs::create_dir(&root).unwrap();
    for _ in 0..3 {
        let mut disk = Disk::load(&root, Honest::All);
        record(shim, &root, job).iter().for_each(|call| disk.call(call));
        disk.cut(Survival::Everything, &mut Random::new(1), &all);
        let difference = Command::new("diff").arg("-r").args([&root, &all]).output().unwrap();
        assert!(difference.status.success(), "{}", String::from_utf8_lossy(&difference.stdout));
        fs::remove_dir_all(&all).unwrap();
    }
}
