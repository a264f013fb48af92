//! What everything in a simulated world shares: the agenda, chance, the server, what is true, and what went wrong.

use super::agenda::{Agenda, MICROS, MILLIS, Time};
use super::entry::Entry;
use super::model::Server;
use super::oracle::Oracle;
use super::plans::{INPUT, OUTPUT, letter};
use super::rewound::Rewound;
use super::stale::Stale;
use sidestream::core::ids::Nanos;
use sidestream::generate::Random;
use sidestream::protocol::header::{LaneMessage, RunId};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The index of a rewind's marker, which is no output.
pub const MARKER: u32 = u32::MAX;

/// What stands at one place of the lane.
#[derive(Clone, Debug)]
pub struct Note {
    pub cause: u64,
    pub n: u32,
    /// The plan that it names, and since when.
    pub plan: (char, u64),
    pub by: (RunId, u64),
}

/// Whether lines are kept.
#[derive(Default)]
pub struct Trace {
    /// The lines, when somebody wants to read them.
    pub text: Option<String>,
    /// How many entries of the agenda there were.
    pub steps: u64,
}

/// The shared part of a world.
pub struct Context {
    pub agenda: Agenda<Entry>,
    pub random: Random,
    pub server: Server,
    /// The server answers.
    pub up: bool,
    /// Nobody leads the lane: whether messages to it are at least answered 503.
    pub leaderless: Option<bool>,
    /// The lane is to lose its leader once the members disagree about the end of a batch.
    pub change_leader_behind_end: bool,
    /// How often it has died.
    pub deaths: u32,
    pub oracle: Oracle,
    /// The lane as it was stored, message by message.
    pub lane: Vec<Note>,
    /// How long the lane ever was.
    pub longest: u64,
    /// Replies, and deliveries, that are still to be swallowed.
    pub swallow: (u64, u64),
    /// Everything takes so many times longer.
    pub slow: Time,
    /// The longest way of a message, and the longest turn of an actor, usually.
    pub pace: (Time, Time),
    /// How far the server's clock is off.
    pub skew: Time,
    /// A server that lags, or is deposed, answers questions in the leader's place.
    pub stale: Option<Stale>,
    /// How often what struck, and what it led to.
    pub counts: BTreeMap<&'static str, u64>,
    /// The engine is to be killed once its state is as of an event without outputs, the lane's newest being older.
    pub kill_behind_silence: bool,
    /// Whether a process dies at the crash point that it comes to; in some worlds none ever does.
    pub crashes: Option<Random>,
    /// The input is not what it was: what is on disk may be about events that are gone.
    pub input_before: Option<Oracle>,
    /// Some of what is gone had been processed: to go on with anything else is wrong.
    pub input_taken: bool,
    pub rewound: Rewound,
    /// Stored by somebody else.
    pub foreign: Option<u64>,
    pub trace: Trace,
    /// The first thing that must not be.
    pub violation: Option<String>,
}

impl Context {
    /// A context at the beginning of time.
    pub fn new(seed: u64, now: Time, traced: bool) -> Context {
        Context {
            agenda: Agenda::new(now),
            random: Random::new(seed),
            server: Server::new(Nanos(now)),
            up: true,
            leaderless: None,
            change_leader_behind_end: false,
            deaths: 0,
            oracle: Oracle::default(),
            lane: Vec::new(),
            longest: 0,
            swallow: (0, 0),
            slow: 1,
            pace: (3 * MILLIS, 2 * MILLIS),
            skew: 0,
            stale: None,
            counts: BTreeMap::new(),
            kill_behind_silence: false,
            crashes: None,
            input_before: None,
            input_taken: false,
            rewound: Rewound::default(),
            foreign: None,
            trace: Trace { text: traced.then(String::new), steps: 0 },
            violation: None,
        }
    }

    pub fn now(&self) -> Time {
        self.agenda.now()
    }

    /// The server's clock.
    pub fn server_time(&self) -> Time {
        self.now() + self.skew
    }

    /// A message's way to the other end.
    pub fn latency(&mut self) -> Time {
        (100 * MICROS + self.random.below(self.pace.0 as u64) as Time) * self.slow
    }

    /// An actor's turn.
    pub fn turn(&mut self) -> Time {
        let long = self.random.per_mille(50);
        let most = if long { 60 * MILLIS } else { self.pace.1 };
        self.random.below(most as u64) as Time
    }

    /// Counts something that struck or came of it.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Notes a line of the trace.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now();
        if let Some(text) = &mut self.trace.text {
            let _ = writeln!(text, "{:>12} {}", now / 1_000, line());
        }
    }

    /// Something is that must not be.
    pub fn violated(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.note(|| format!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    /// The last sequence of the output, 0 when it is gone.
    pub fn lane_last(&self) -> u64 {
        self.server.state(OUTPUT).map_or(0, |state| state.last)
    }

    /// The last sequence of the input.
    pub fn input_last(&self) -> u64 {
        self.server.state(INPUT).map_or(0, |state| state.last)
    }

    /// Checks what was stored in the lane since the last look: each is the next one that the input gives, with the
    /// value that the oracle gives, from no earlier writer than the one before.
    pub fn look_at_the_lane(&mut self) {
        let last = self.lane_last();
        self.longest = self.longest.max(last);
        while (self.lane.len() as u64) < last && self.violation.is_none() {
            let sequence = self.lane.len() as u64 + 1;
            let Some(message) = self.server.message(OUTPUT, sequence) else {
                return self.violated(format!("lane message {sequence} is gone at once"));
            };
            let Some(ours) = LaneMessage::read(&message) else {
                if self.foreign == Some(sequence) {
                    let by = self.lane.last().map_or((RunId::new(Nanos(0), 0), 0), |note| note.by.clone());
                    self.lane.push(Note { cause: 0, n: 0, plan: ('A', 0), by });
                    continue;
                }
                return self.violated(format!("lane message {sequence} is not readable"));
            };
            if let Some(rewind) = ours.marks().copied() {
                self.look_at_the_marker(&ours, rewind);
                continue;
            }
            if ours.epoch() as usize != self.markers() {
                let (epoch, markers) = (ours.epoch(), self.markers());
                return self
                    .violated(format!("lane message {sequence} names {epoch} rewinds behind {markers} markers"));
            }
            let plan = (letter(&ours.run.plan).unwrap_or('?'), ours.run.since.0);
            let note = Note { cause: ours.cause.0, n: ours.n, plan, by: (ours.run.run.clone(), ours.run.start) };
            if let Some(before) = &self.input_before {
                // What is under way may be about events that are gone; about others only if none of those was taken.
                let found = (&*message.subject, &*message.payload);
                let fits = |oracle: &Oracle| {
                    let of = letter(&ours.run.plan).and_then(|l| oracle.expected(l, note.cause).get(note.n as usize));
                    of.is_some_and(|e| (e.subject.as_str(), e.payload.as_bytes()) == found)
                };
                if !fits(before) && (self.input_taken || !fits(&self.oracle)) {
                    return self.violated(format!("lane message {sequence} is about another input"));
                }
                self.lane.push(note);
                continue;
            }
            let Some(letter) = letter(&ours.run.plan) else {
                return self.violated(format!("lane message {sequence} names an unknown plan"));
            };
            let expected = self.oracle.expected(letter, note.cause).get(note.n as usize);
            let found = (&*message.subject, &*message.payload);
            let fits = expected.is_some_and(|e| (e.subject.as_str(), e.payload.as_bytes()) == found);
            if !fits {
                let found = String::from_utf8_lossy(&message.payload).into_owned();
                let text = format!(
                    "lane message {sequence} (position {} n {}) is {found}, not {expected:?}",
                    note.cause, note.n
                );
                return self.violated(text);
            }
            if let Err(why) = self.follows(&note, sequence) {
                return self.violated(format!("lane message {sequence}: {why}"));
            }
            self.lane.push(note);
        }
    }

    /// Whether a note at a sequence is the successor of the lane's last one.
    fn follows(&self, note: &Note, sequence: u64) -> Result<(), String> {
        // Who wrote last stands in the lane's newest message alone. Where that one was purged or deleted, no engine can know
        // that a later one was here; a start that finds it gone goes on by the lane's length.
        let told = self.server.message(OUTPUT, sequence - 1).is_some();
        if let Some(before) = self.lane.last().filter(|before| told && before.by > note.by) {
            return Err(format!("run {} start {} wrote after run {}", note.by.0, note.by.1, before.by.0));
        }
        // A plan that goes on began where it always did, and another one begins behind what is stored; only a state that was
        // built anew under C has been under C from the origin on.
        if let Some(before) = self.newest_of_ours() {
            let goes_on = before.plan == note.plan;
            let begins = before.plan.0 != note.plan.0 && (note.plan.1 > before.cause || note.plan.0 == 'C');
            if !goes_on && !begins {
                return Err(format!("plan {:?} came after plan {:?} at {}", note.plan, before.plan, before.cause));
            }
        }
        // A plan is in force from where its outputs say on, and the one before up to there.
        let before = self.newest_of_ours().map_or(note.plan.0, |before| before.plan.0);
        let letter = |position: u64| if position < note.plan.1 { before } else { note.plan.0 };
        let next = self.due(letter);
        if next == Some((note.cause, note.n)) {
            return Ok(());
        }
        let before = self.newest_of_ours().map(|before| (before.cause, before.n));
        Err(format!("position {} n {} came after {before:?}, due was {next:?}", note.cause, note.n))
    }

    /// The newest output; a stranger's message is none.
    pub fn newest_of_ours(&self) -> Option<&Note> {
        self.lane.iter().rev().find(|note| note.cause > 0)
    }

    /// How often the plan changes in the lane.
    pub fn plan_changes(&self) -> usize {
        let ours: Vec<_> = self.lane.iter().filter(|note| note.cause > 0).collect();
        ours.windows(2).filter(|notes| notes[0].plan != notes[1].plan).count()
    }

    /// How many outputs of positions up to this one the lane has.
    pub fn stored(&self, position: u64) -> u64 {
        // Up to a marker that is not beyond the position, everything counts: what stands before it, and itself.
        let marker = self.lane.iter().rposition(|note| note.n == MARKER && note.cause <= position);
        let (all, rest) = self.lane.split_at(marker.map_or(0, |at| at + 1));
        all.len() as u64 + rest.iter().filter(|note| note.cause > 0 && note.cause <= position).count() as u64
    }

    /// The position and index of the output that follows the lane's newest one, where `letter` tells the plan of a position.
    pub fn due(&self, letter: impl Fn(u64) -> char) -> Option<(u64, u32)> {
        let count = |letter: char, position: u64| self.oracle.expected(letter, position).len() as u32;
        let cause = match self.newest_of_ours() {
            Some(Note { cause, n: MARKER, .. }) => *cause,
            Some(Note { cause, n, plan, .. }) if count(plan.0, *cause) > n + 1 => return Some((*cause, n + 1)),
            Some(note) => note.cause,
            None => 0,
        };
        (cause + 1..=self.oracle.last()).find(|position| count(letter(*position), *position) > 0).map(|at| (at, 0))
    }
}
