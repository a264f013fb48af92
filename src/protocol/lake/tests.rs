//! Several writers over a model of the store, killed, delayed and raced as a seed says: the rows stand in the files once each.
//!
//! A create may be carried out long after its writer gave up waiting for the answer, or is dead; that is the fault that breaks
//! most protocols of this kind.

use super::entry::{EntryKind, File, FileRules, LakeEntry};
use super::row::LakeRowId;
use super::table::{FileFormat, LakeTable};
use super::writer::{EntryDraft, Head, LakeAct, LakeWriter, Stopped, StoreAnswer, StoreObject};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of the output stream.
const ROWS: u64 = 40;

/// Xorshift, which needs no seeding ceremony.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a planted mistake makes of the store or the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    /// The store overwrites.
    Overwrites,
    /// A writer publishes before the files are there.
    LogFirst,
    /// A cut leaves out its first row.
    SkipsARow,
}

/// A create on its way to the store.
struct Flight {
    owner: usize,
    object: StoreObject,
    text: String,
}

struct Life {
    writer: LakeWriter,
    act: LakeAct,
    /// Rows that it has spooled: from here to there.
    spooled: (u64, u64),
    alive: bool,
}

struct World {
    random: Random,
    mistake: Mistake,
    objects: BTreeMap<StoreObject, String>,
    /// Path to the rows of a file.
    files: BTreeMap<String, Vec<u64>>,
    flights: Vec<Flight>,
    lives: Vec<Life>,
    superseded: u64,
    /// Rows of all files.
    seen: BTreeSet<u64>,
    /// A row that stands in two.
    doubled: Option<u64>,
    /// How many entries are judged, and up to which row.
    judged: (u64, u64),
}

fn id(position: u64) -> LakeRowId {
    LakeRowId { rewinds: 0, position, n: 0 }
}

impl World {
    fn new(seed: u64, mistake: Mistake) -> World {
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (objects, files) = (BTreeMap::new(), BTreeMap::new());
        let (flights, lives, seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        World { random, mistake, objects, files, flights, lives, superseded: 0, seen, doubled: None, judged: (0, 0) }
    }

    fn head(&self) -> Head {
        let newest = self.objects.iter().rfind(|(object, _)| matches!(object, StoreObject::Log(_)));
        newest.map_or_else(Head::default, |(_, text)| Head::behind(&LakeEntry::parse(text).unwrap(), text))
    }

    fn start(&mut self) {
        let made = FileRules {
            partition: "t={type}".to_owned(),
            format: FileFormat::Ndjson,
            time: None,
            target_bytes: 1,
            columns: Vec::new(),
        };
        let name = format!("w{}", self.lives.len());
        let (writer, act) = LakeWriter::new(&name, made, self.head());
        self.lives.push(Life { writer, act, spooled: (0, 0), alive: true });
    }

    /// Lets one writer go one step on; what it wants may be lost, late or done.
    fn step(&mut self, at: usize) -> Result<(), String> {
        let act = self.lives[at].act.clone();
        let next = match act {
            LakeAct::Create(object, text) => {
                self.flights.push(Flight { owner: at, object, text });
                if self.random.below(4) == 0 {
                    // The answer is not waited for; the create may still come about.
                    self.lives[at].writer.created(StoreAnswer::Unsure)
                } else {
                    let flight = self.flights.pop().unwrap();
                    let answer = self.create(&flight);
                    self.lives[at].writer.created(answer)
                }
            }
            LakeAct::Read(object) => {
                let text = self.objects.get(&object).cloned();
                self.lives[at].writer.read(text.as_deref())
            }
            LakeAct::Fill(entry) => match self.fill(&entry)? {
                Some(bytes) => self.lives[at].writer.filled(&bytes),
                None => return Ok(()),
            },
            LakeAct::Follow { anew } => self.follow(at, anew),
            LakeAct::Stop(Stopped::Superseded { .. }) => {
                self.superseded += 1;
                self.lives[at].alive = false;
                return Ok(());
            }
            LakeAct::Stop(Stopped::Broken(why)) => return Err(why),
        };
        self.lives[at].act = next;
        Ok(())
    }

    fn create(&mut self, flight: &Flight) -> StoreAnswer {
        if self.objects.contains_key(&flight.object) && self.mistake != Mistake::Overwrites {
            return StoreAnswer::Exists;
        }
        self.objects.insert(flight.object, flight.text.clone());
        StoreAnswer::Created
    }

    /// One file after the other; a kill may come between any two.
    fn fill(&mut self, entry: &LakeEntry) -> Result<Option<Vec<u64>>, String> {
        if self.mistake == Mistake::LogFirst {
            let mut early = entry.clone();
            early.files.iter_mut().for_each(|file| file.bytes = Some(file.rows));
            self.objects.entry(StoreObject::Log(entry.n)).or_insert(early.text());
        }
        let missing = entry.files.iter().find(|file| !self.files.contains_key(&file.path));
        if let Some(file) = missing {
            let rows: Vec<u64> = (file.first.position..=file.last.position).collect();
            for row in &rows {
                if !self.seen.insert(*row) {
                    self.doubled = Some(*row);
                }
            }
            self.files.insert(file.path.clone(), rows);
            return Ok(None);
        }
        Ok(Some(entry.files.iter().map(|file| file.rows).collect()))
    }

    fn follow(&mut self, at: usize, anew: bool) -> LakeAct {
        let published = self.lives[at].writer.head().to.map_or(0, |to| to.position);
        let life = &mut self.lives[at];
        if life.spooled.1 <= published || anew {
            life.spooled = (published, published);
        }
        let more = 1 + self.random.below(6);
        let (from, to) = (life.spooled.0, (life.spooled.1 + more).min(ROWS));
        life.spooled = (from, to);
        if to == from || self.random.below(3) > 0 {
            return LakeAct::Follow { anew: false };
        }
        let begin = if self.mistake == Mistake::SkipsARow { from + 2 } else { from + 1 };
        let middle = begin + (to + 1).saturating_sub(begin) / 2;
        let n = life.writer.head().next;
        let parts = [(begin, middle), (middle, to + 1)].into_iter().zip(0..).filter(|((a, b), _)| a < b);
        let files: Vec<File> = parts.map(|((a, b), part)| file(n, part, (a, b - 1), to)).collect();
        let rows = files.iter().map(|file| file.rows).sum();
        let draft =
            EntryDraft { kind: EntryKind::Commit, to: id(to), lane: to, lane_created: 0, rows, fallbacks: 0, files };
        life.writer.cut(draft)
    }

    /// Holds at every moment, for a reader of the log and for one that looks at files alone. What was right once stays so:
    /// nothing is changed that was created.
    fn judge(&mut self) -> Result<(), String> {
        if let Some(row) = self.doubled {
            return Err(format!("row {row} stands in two files"));
        }
        while let Some(text) = self.objects.get(&StoreObject::Log(self.judged.0)) {
            let (n, to) = self.judged;
            let entry = LakeEntry::parse(text)?;
            if entry.n != n || entry.from.map_or(0, |from| from.position) != to {
                return Err(format!("entry {n} does not follow row {to}"));
            }
            if let Some(file) = entry.files.iter().find(|file| !self.files.contains_key(&file.path)) {
                return Err(format!("entry {n} names {}, which is not there", file.path));
            }
            let last = entry.to.map_or(0, |to| to.position);
            if let Some(row) = (to + 1..=last).find(|row| !self.seen.contains(row)) {
                return Err(format!("row {row} is published and stands nowhere"));
            }
            self.judged = (n + 1, last);
        }
        Ok(())
    }
}

fn file(n: u64, part: u32, (first, last): (u64, u64), to: u64) -> File {
    File {
        table: LakeTable::Events,
        path: format!("{n}-{to}-{part}-{first}"),
        partition: BTreeMap::new(),
        rows: last - first + 1,
        first: id(first),
        last: id(last),
        digest: String::new(),
        ids: String::new(),
        bytes: None,
    }
}

/// A seed's history: faults for a while, then one new writer alone until all rows are stored.
fn run(seed: u64, mistake: Mistake) -> Result<u64, String> {
    let mut world = World::new(seed, mistake);
    world.start();
    for _ in 0..400 {
        match world.random.below(40) {
            0 => world.start(),
            1 => {
                let dead = world.random.below(world.lives.len() as u64) as usize;
                world.lives[dead].alive = false;
            }
            2..5 if !world.flights.is_empty() => {
                let flight = world.random.below(world.flights.len() as u64) as usize;
                let flight = world.flights.remove(flight);
                // Whoever sent it does not wait for it any more.
                let _ = (flight.owner, world.create(&flight));
            }
            _ => {
                let at = world.random.below(world.lives.len() as u64) as usize;
                if world.lives[at].alive {
                    world.step(at)?;
                }
            }
        }
        world.judge()?;
    }
    world.start();
    let last = world.lives.len() - 1;
    for _ in 0..2_000 {
        world.step(last)?;
        world.judge()?;
        if world.head().to == Some(id(ROWS)) {
            return Ok(world.superseded);
        }
    }
    Err(format!("the last writer stands at {:?}", world.head()))
}

#[test]
fn every_row_stands_in_one_file_whoever_writes_and_dies() {
    let mut superseded = 0;
    for seed in 1..=1_000 {
        superseded += run(seed, Mistake::None).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
    assert!(superseded > 300, "only {superseded} writers were overtaken");
}

#[test]
fn planted_mistakes_are_seen() {
    for mistake in [Mistake::Overwrites, Mistake::LogFirst, Mistake::SkipsARow] {
        let seen = (1..=500).filter(|seed| run(*seed, mistake).is_err()).count();
        assert!(seen > 0, "{mistake:?} passes");
    }
}
