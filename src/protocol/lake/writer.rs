//! The writer of a lake as a state machine: it says what to do with the store, and is told what came of it.
//!
//! Entry n is decided by whoever creates the intent n first; everybody who finds an intent carries it out and publishes it
//! before an entry of his own. A writer begins with a claim: an entry of a higher epoch, behind which the next intent of
//! every earlier writer has a number that is taken. No clock, no store, no stream.

use super::entry::{EntryKind, File, FileRules, LakeEntry, VERSION};
use super::row::LakeRowId;

/// An object of the store, beside the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreObject {
    /// What decides entry n.
    Intent(u64),
    /// What publishes entry n.
    Log(u64),
}

impl StoreObject {
    /// Its path from the lake's root; twenty digits, so that names sort as numbers do.
    pub fn path(self) -> String {
        match self {
            StoreObject::Intent(n) => format!("{INTENTS}/{n:020}.json"),
            StoreObject::Log(n) => format!("{LOG}/{n:020}.json"),
        }
    }
}

/// The folder of the intents.
pub const INTENTS: &str = "_sidestream/intents";
/// The folder of the log.
pub const LOG: &str = "_sidestream/log";

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LakeAct {
    /// Create an object with this text unless one of that name exists; answer with [`LakeWriter::created`].
    Create(StoreObject, String),
    /// Read an object; answer with [`LakeWriter::read`].
    Read(StoreObject),
    /// Create the entry's files, each unless one of that name exists; answer with [`LakeWriter::filled`].
    Fill(Box<LakeEntry>),
    /// Follow the output stream behind the head; answer with [`LakeWriter::cut`]. What is spooled is void where `anew`.
    Follow {
        /// Whether rows that were spooled before are not to be published by this writer.
        anew: bool,
    },
    /// Stop.
    Stop(Stopped),
}

/// Why a writer stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A later writer has the lake.
    Superseded {
        /// Which one.
        writer: String,
        /// Its epoch.
        epoch: u64,
    },
    /// An object holds what no writer of this protocol would have written there.
    Broken(String),
}

/// What came of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreAnswer {
    /// It was created.
    Created,
    /// There is one of that name.
    Exists,
    /// Nobody knows: no answer, or one that may mean either.
    Unsure,
}

/// The end of what is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the next entry.
    pub next: u64,
    /// The epoch in force.
    pub epoch: u64,
    /// The last published row.
    pub to: Option<LakeRowId>,
    /// Its sequence in the output stream, as it was then.
    pub lane: u64,
    /// When that stream was created.
    pub lane_created: i64,
    /// The fingerprint of the last log text.
    pub after: String,
}

impl Head {
    /// Behind a published entry.
    pub fn behind(entry: &LakeEntry, text: &str) -> Head {
        Head {
            next: entry.n + 1,
            epoch: entry.epoch,
            to: entry.to,
            lane: entry.lane,
            lane_created: entry.lane_created,
            after: LakeEntry::fingerprint(text),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WriterState {
    /// Looks whether an intent stands at the head.
    Looking,
    /// Creates its own intent.
    Deciding(LakeEntry),
    /// Reads what stands where its own intent was to be.
    Doubting(LakeEntry),
    /// Makes the files of an intent.
    Filling(LakeEntry),
    /// Creates the log of an entry.
    Publishing(LakeEntry),
    /// Reads the log back.
    Confirming(LakeEntry),
    /// Nothing is under way.
    Idle,
    Stopped,
}

/// One writer, from its start to its end.
#[derive(Clone, Debug)]
pub struct LakeWriter {
    id: String,
    made: FileRules,
    head: Head,
    now_ms: i64,
    /// The epoch of its own claim, once that is published.
    mine: Option<u64>,
    state: WriterState,
}

/// An entry of a writer's own, before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDraft {
    /// What it does.
    pub kind: EntryKind,
    /// Its last row.
    pub to: LakeRowId,
    /// That row's sequence in the output stream.
    pub lane: u64,
    /// When that stream was created.
    pub lane_created: i64,
    /// Its rows.
    pub rows: u64,
    /// Those without a time of their own.
    pub fallbacks: u64,
    /// Its files, their names made for [`Head::next`].
    pub files: Vec<File>,
}

impl LakeWriter {
    /// A writer behind what the log's newest entry says; the first act is among the results.
    pub fn new(id: &str, made: FileRules, head: Head) -> (LakeWriter, LakeAct) {
        let state = WriterState::Looking;
        let first = LakeAct::Read(StoreObject::Intent(head.next));
        (LakeWriter { id: id.to_owned(), made, head, now_ms: 0, mine: None, state }, first)
    }

    /// The end of what is published.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The time by the caller's clock, in milliseconds since 1970, for the entries that are decided from now on.
    pub fn clock(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }

    /// What was read of the object that an act named; `None` where there is none.
    pub fn read(&mut self, text: Option<&str>) -> LakeAct {
        match (std::mem::replace(&mut self.state, WriterState::Stopped), text) {
            (WriterState::Looking, None) => {
                let claim = self.claim();
                self.decide(claim)
            }
            (WriterState::Looking, Some(text)) => self.adopt(text),
            (WriterState::Doubting(own), None) => self.decide(own),
            (WriterState::Doubting(own), Some(text)) if own.text() == text => self.fill(own),
            (WriterState::Doubting(_), Some(text)) => self.adopt(text),
            (WriterState::Confirming(entry), None) => self.publish(entry),
            (WriterState::Confirming(entry), Some(text)) if entry.text() == text => self.published(&entry),
            (WriterState::Confirming(entry), Some(_)) => self.broken(format!(
                "{} is published with another text than its intent's",
                StoreObject::Log(entry.n).path()
            )),
            (state, _) => self.out_of_turn("read", &state),
        }
    }

    /// What came of a create.
    pub fn created(&mut self, answer: StoreAnswer) -> LakeAct {
        match (std::mem::replace(&mut self.state, WriterState::Stopped), answer) {
            (WriterState::Deciding(own), StoreAnswer::Created) => self.fill(own),
            (WriterState::Deciding(own), _) => {
                let object = StoreObject::Intent(own.n);
                self.state = WriterState::Doubting(own);
                LakeAct::Read(object)
            }
            (WriterState::Publishing(entry), StoreAnswer::Created) => self.published(&entry),
            (WriterState::Publishing(entry), _) => {
                let object = StoreObject::Log(entry.n);
                self.state = WriterState::Confirming(entry);
                LakeAct::Read(object)
            }
            (state, _) => self.out_of_turn("created", &state),
        }
    }

    /// All files of the entry are in the store; their lengths there, in order.
    pub fn filled(&mut self, bytes: &[u64]) -> LakeAct {
        match std::mem::replace(&mut self.state, WriterState::Stopped) {
            WriterState::Filling(mut entry) if bytes.len() == entry.files.len() => {
                for (file, bytes) in entry.files.iter_mut().zip(bytes) {
                    file.bytes = Some(*bytes);
                }
                self.publish(entry)
            }
            state => self.out_of_turn("filled", &state),
        }
    }

    /// An interval ends: its entry is decided, carried out and published.
    pub fn cut(&mut self, draft: EntryDraft) -> LakeAct {
        match (std::mem::replace(&mut self.state, WriterState::Stopped), self.mine) {
            (WriterState::Idle, Some(epoch)) => {
                let entry = self.entry(draft, epoch);
                self.decide(entry)
            }
            (state, _) => self.out_of_turn("cut", &state),
        }
    }

    fn entry(&self, draft: EntryDraft, epoch: u64) -> LakeEntry {
        LakeEntry {
            version: VERSION,
            n: self.head.next,
            kind: draft.kind,
            epoch,
            writer: self.id.clone(),
            at_ms: self.now_ms,
            from: self.head.to,
            to: Some(draft.to),
            lane: draft.lane,
            lane_created: draft.lane_created,
            rows: draft.rows,
            fallbacks: draft.fallbacks,
            made: self.made.clone(),
            files: draft.files,
            after: self.head.after.clone(),
        }
    }

    fn claim(&self) -> LakeEntry {
        LakeEntry {
            version: VERSION,
            n: self.head.next,
            kind: EntryKind::Claim,
            epoch: self.head.epoch + 1,
            writer: self.id.clone(),
            at_ms: self.now_ms,
            from: self.head.to,
            to: self.head.to,
            lane: self.head.lane,
            lane_created: self.head.lane_created,
            rows: 0,
            fallbacks: 0,
            made: self.made.clone(),
            files: Vec::new(),
            after: self.head.after.clone(),
        }
    }

    fn decide(&mut self, own: LakeEntry) -> LakeAct {
        let act = LakeAct::Create(StoreObject::Intent(own.n), own.text());
        self.state = WriterState::Deciding(own);
        act
    }

    /// Somebody else's intent stands at the head: a later writer's ends this one, any other is carried out first.
    fn adopt(&mut self, text: &str) -> LakeAct {
        let entry = match LakeEntry::parse(text) {
            Ok(entry) => entry,
            Err(why) => return self.broken(format!("{}: {why}", StoreObject::Intent(self.head.next).path())),
        };
        if entry.n != self.head.next || entry.from != self.head.to || entry.after != self.head.after {
            return self.broken(format!("{} does not follow the log", StoreObject::Intent(self.head.next).path()));
        }
        match self.mine {
            Some(mine) if entry.epoch > mine => {
                LakeAct::Stop(Stopped::Superseded { writer: entry.writer, epoch: entry.epoch })
            }
            _ => self.fill(entry),
        }
    }

    fn fill(&mut self, entry: LakeEntry) -> LakeAct {
        if entry.files.is_empty() {
            return self.publish(entry);
        }
        self.state = WriterState::Filling(entry.clone());
        LakeAct::Fill(Box::new(entry))
    }

    fn publish(&mut self, entry: LakeEntry) -> LakeAct {
        let act = LakeAct::Create(StoreObject::Log(entry.n), entry.text());
        self.state = WriterState::Publishing(entry);
        act
    }

    fn published(&mut self, entry: &LakeEntry) -> LakeAct {
        let before = self.head.to;
        self.head = Head::behind(entry, &entry.text());
        let own = entry.writer == self.id;
        if own && entry.kind == EntryKind::Claim {
            self.mine = Some(entry.epoch);
        }
        if self.mine.is_none() {
            // Until nothing stands at the head, and then a claim.
            self.state = WriterState::Looking;
            return LakeAct::Read(StoreObject::Intent(self.head.next));
        }
        self.state = WriterState::Idle;
        // Rows that another writer published meanwhile are among those that were spooled.
        LakeAct::Follow { anew: !own && before != self.head.to }
    }

    fn broken(&mut self, why: String) -> LakeAct {
        LakeAct::Stop(Stopped::Broken(why))
    }

    fn out_of_turn(&mut self, what: &str, state: &WriterState) -> LakeAct {
        LakeAct::Stop(Stopped::Broken(format!("the lake's writer was told `{what}` in the state {state:?}")))
    }
}
