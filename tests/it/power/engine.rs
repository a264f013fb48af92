//! The whole engine: its state directory loses power under load, again and again, while the server goes on.
//!
//! The engine records itself and dies before a random call; the next one finds what a disk would have kept of that.

use super::disk::{Disk, Honest, SECTOR, Survival};
use super::recording::{environment, read, shim};
use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{publish, school};
use crate::harness::steady::Steady;
use crate::harness::wait::{DEADLINE, wait_until};
use sidestream::adapters::sled::SledStore;
use sidestream::core::ids::KeyGroup;
use sidestream::core::record::ROWS;
use sidestream::generate::Random;
use sidestream::ports::store::{Batch, Space, Store};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Events a second: as fast as it can, the engine would do half a million between the cuts, and a cut hits no more writes.
const RATE: u64 = 1_000;

/// What became of the starts, and what is known to be durable.
#[derive(Debug, Default)]
struct Starts {
    resumed: u32,
    rebuilt: u32,
    fresh: u32,
    /// Ended by the next cut before it had said how it starts.
    cut_at_once: u32,
    set_aside: u32,
    /// The newest S that an engine reported.
    durable: u64,
}

/// A bed whose engine keeps its state on a disk that loses power.
struct Site {
    bed: Bed,
    shim: &'static Path,
    root: PathBuf,
    random: Random,
    starts: Starts,
}

impl Site {
    fn new(shim: &'static Path, database: &'static str, seed: u64) -> Site {
        let bed = Bed { sets: vec![("state.engine", database)], ..Bed::new() };
        let root = bed.dir.path().canonicalize().unwrap().join("disk");
        fs::create_dir(&root).unwrap();
        Site { bed, shim, root, random: Random::new(seed), starts: Starts::default() }
    }

    fn sets(&self) -> Vec<(String, String)> {
        let state = self.root.join("state").display().to_string();
        self.bed.sets_of("engine", &[("state.path", &state), ("engine.checkpoint_interval_ms", "20")])
    }

    /// Runs an engine until its power goes before call `after`; the root is then what the disk kept.
    fn cut(&mut self, after: u64) {
        let records = self.root.with_extension("records");
        let mut disk = Disk::load(&self.root, Honest::All);
        let environment = environment(self.shim, &self.root, &records, after);
        let mut engine = Engine::within("engine", &self.bed.config, &self.sets(), &[], &environment);
        let mut durable = 0;
        wait_until("the power to go", || {
            durable = durable.max(checkpoint(engine.address()).unwrap_or(0));
            (!engine.runs()).then_some(())
        });
        let (status, log) = engine.ended(DEADLINE);
        assert_eq!(status.code(), None, "the engine ended by itself: {log}");
        self.judge(&log);
        self.starts.durable = self.starts.durable.max(durable);
        for call in read(&records) {
            disk.call(&call);
        }
        let kept = self.root.with_extension("kept");
        disk.cut(Survival::any(&mut self.random, disk.calls()), &mut self.random, &kept);
        fs::remove_dir_all(&self.root).unwrap();
        fs::rename(&kept, &self.root).unwrap();
    }

    /// What the log says of the first start of a process.
    fn judge(&mut self, log: &str) {
        let durable = self.starts.durable;
        if log.contains("set aside") {
            self.starts.set_aside += 1;
            self.starts.durable = 0;
        }
        let Some(line) = log.lines().find(|line| line.contains("already_out")) else {
            self.starts.cut_at_once += 1;
            return;
        };
        let after = line.split_once(" after=").unwrap().1.split(' ').next().unwrap();
        let after: u64 = after.parse().unwrap();
        assert!(after >= durable || log.contains("set aside"), "S {durable} was durable, the start is after {after}");
        let starts = &mut self.starts;
        let kind = line.split_once("kind=").unwrap().1.trim_matches('"');
        match kind.split([' ', '"']).next().unwrap() {
            "resume" => starts.resumed += 1,
            "rebuild" => starts.rebuilt += 1,
            "fresh" => starts.fresh += 1,
            other => panic!("{other}: {line}"),
        }
    }

    /// The last engine, which is left in peace, and the verdict of the oracle and of the audit.
    fn finish(mut self) -> Starts {
        let engine = Engine::start("last", &self.bed.config, &self.sets());
        self.bed.finish();
        let log = engine.drain();
        self.judge(&log);
        let (events, outputs) = self.bed.assert_clean();
        let mut audit = Command::new(env!("CARGO_BIN_EXE_sidestream"));
        audit.args(["audit", "--complete", "--config"]).arg(&self.bed.config).env_remove("SIDESTREAM_NATS_URL");
        let audit = audit.args(["--set", &format!("nats.url={}", self.bed.server.url())]).output().unwrap();
        assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
        println!(
            "power cuts: the whole engine, {:?}, {events} events, {outputs} outputs: {:?}",
            self.bed.sets, self.starts
        );
        self.starts
    }

    /// Damages one file of the state directory as no power cut does; `surely` so that it cannot be read any more.
    fn damage(&mut self, surely: bool) -> String {
        // Damage may take what was durable; what is left must still be right.
        self.starts.durable = 0;
        let random = &mut self.random;
        let entries = fs::read_dir(self.root.join("state")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
        files.sort();
        let database = self.root.join("state").join("db");
        let any = files[random.index(files.len())].clone();
        let file = if surely || random.per_mille(700) && database.exists() { database } else { any };
        let mut bytes = fs::read(&file).unwrap();
        let length = bytes.len();
        let (at, what) = (random.index(length), random.below(4));
        let mut zero = |piece: usize| {
            let from = at / piece * piece;
            bytes[from..length.min(from.saturating_add(piece))].fill(0);
        };
        match what {
            _ if surely => zero(usize::MAX),
            0 => zero(SECTOR),
            1 => zero(4096),
            2 => bytes.truncate(at),
            _ if length > 0 => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
        fs::write(&file, bytes).unwrap();
        format!("{}: damage {what} at {at} of {length}", file.display())
    }
}

/// S as an engine reports it; nothing when it does not answer any more.
fn checkpoint(address: &str) -> Option<u64> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    let line = page.lines().find(|line| line.contains("checkpoint_position ") && !line.starts_with('#'))?;
    line.rsplit(' ').next()?.parse::<f64>().ok().map(|position| position as u64)
}

#[test]
fn the_power_of_the_state_directory_goes_fifteen_times_under_load() {
    goes_fifteen_times("sled", 31);
}

#[test]
fn the_power_of_a_fjall_directory_goes_fifteen_times_under_load() {
    goes_fifteen_times("fjall", 34);
}

fn goes_fifteen_times(database: &'static str, seed: u64) {
    let Some(shim) = shim("power cuts of the whole engine") else { return };
    let mut site = Site::new(shim, database, seed);
    let load = Steady::start(vec![site.bed.server.address()], seed, RATE);
    for cut in 0..15 {
        // Every third one while the directory is made, or while it is opened after the cut before.
        let most = if cut % 3 == 0 { 60 } else { 700 };
        let after = 1 + site.random.below(most);
        site.cut(after);
    }
    load.stop();
    let starts = site.finish();
    assert_eq!(starts.set_aside, 0, "{starts:?}");
    assert!(starts.durable > 0 && starts.resumed > 5, "{starts:?}");
}

#[test]
fn a_damaged_state_directory_ends_in_a_right_resume_or_a_clean_rebuild() {
    let Some(shim) = shim("damage beyond power cuts") else { return };
    let mut site = Site::new(shim, "sled", 32);
    let load = Steady::start(vec![site.bed.server.address()], 32, RATE);
    for cut in 0..12 {
        let after = 200 + site.random.below(400);
        site.cut(after);
        println!("{}", site.damage(cut % 4 == 3));
    }
    load.stop();
    let starts = site.finish();
    // Three were damaged beyond reading; a rebuild that is cut before its first checkpoint is another fresh start.
    assert!(starts.set_aside >= 3 && starts.rebuilt > 0, "{starts:?}");
}

/// Opening reads marks and the record of S; a row is read later, and its damage must not end in a refusal.
#[test]
fn damage_that_only_loading_sees_is_set_aside_and_rebuilt() {
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(33, 40), 3_000).unwrap();
    let engine = bed.engine("state", &[]);
    bed.finish();
    engine.drain();
    let store = SledStore::open(&bed.state("state")).unwrap();
    let key = [&ROWS[..], b"no row's name"].concat();
    store.apply(Space::Group(KeyGroup(7)), &Batch { changes: vec![(key, Some(vec![0xff]))] }).unwrap();
    store.sync().unwrap();
    drop(store);
    let engine = bed.engine("state", &[]);
    bed.finish();
    let log = engine.drain();
    assert!(log.contains("is damaged and was set aside") && log.contains("rebuild"), "{log}");
    bed.assert_clean();
}
