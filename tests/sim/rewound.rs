//! An input that lost its tail, and the person who consents to go on behind it: what is true from then on.
//!
//! What a key group on disk had of the lost events stays in its rows and ids; all else is as if they had never been.

use super::agenda::{MILLIS, SECONDS, Time};
use super::context::{Context, MARKER, Note};
use super::entry::{Entry, Inside};
use super::oracle::{Event, Oracle};
use super::plans::{OUTPUT, letter, spec};
use super::process::{Phase, Process};
use super::world::World;
use sidestream::core::ids::KeyGroup;
use sidestream::core::record::{GroupMark, MARK_KEY, Space};
use sidestream::engine::restore::read;
use sidestream::ports::store::Store;
use sidestream::protocol::facts::{Disk as Known, Rewind};
use sidestream::protocol::header::{LaneMessage, RunId};
use sidestream::protocol::marker::Marker;
use sidestream::protocol::refusal::Refusal;
use sidestream::protocol::rewind::move_mark;
use std::collections::BTreeMap;

/// What a world knows of rewinds.
#[derive(Default)]
pub struct Rewound {
    /// The last position that the input kept, and how often it was cut since the engine followed last.
    pub kept: u64,
    pub cuts: u32,
    /// How far each key group was in events that are gone, as far as it is known.
    held: BTreeMap<u16, u64>,
    /// The engine has just gone on as a person consented to: what was lost before is no reason to refuse any more.
    settled: bool,
    /// The rewind that the engine followed last.
    followed: Option<Rewind>,
}

impl Rewound {
    /// The input keeps what it has up to a position.
    pub fn cut(&mut self, keep: u64) {
        // What came between two cuts was nobody's yet.
        self.kept = if self.cuts == 0 { keep } else { self.kept.min(keep) };
        self.cuts += 1;
    }
}

impl World {
    /// A person looks at an engine that refused for want of its input, and consents.
    pub fn consent_to_a_rewind(&mut self) {
        let number = self.main;
        if std::mem::take(&mut self.context.rewound.settled) {
            self.facts.must_refuse = false;
        }
        let Phase::Refused(refusal) = &self.processes[number].phase else { return };
        let refusal = refusal.clone();
        let lost = matches!(refusal, Refusal::InputLostTail { .. } | Refusal::InputDiffers { .. });
        // What nobody can know is not asked: where a clock stepped, stored-at times do not tell old events from new ones,
        // and of two histories of one lane, only the one that the newest output names is there.
        let counts = &self.context.counts;
        let untold = ["clock stepped", "newest output deleted", "input recreated", "lane purged", "input overtaken"];
        let told = !untold.iter().any(|what| counts.contains_key(what)) && self.processes.len() == 1;
        if !lost || !told || self.context.rewound.cuts != 1 || self.context.foreign.is_some() {
            return;
        }
        let end_is_told = self.end_is_told(number);
        let process = &mut self.processes[number];
        if process.consent.accept_rewind {
            if !end_is_told {
                return;
            }
            let text = format!("refused although a person consented: {refusal}");
            return self.context.violated(text);
        }
        process.consent.accept_rewind = true;
        process.phase = Phase::Down;
        process.snapshots.clear();
        self.context.count("rewinds consented to");
        self.facts.grounds.insert("rewound");
        let wait = self.context.random.below(3_000) as Time * MILLIS;
        self.context.agenda.after(wait, Entry::Spawn(number));
        // The engine, its machine or the server may die at any moment of what follows, and the input lose its tail again.
        for _ in 0..self.context.random.below(4) {
            let kinds = ["engine killed", "engine killed with its machine", "server killed", "power cut", "lane cut"];
            let kind = kinds[self.context.random.index(kinds.len())];
            let after = wait + self.context.random.below(4_000) as Time * MILLIS;
            self.context.agenda.after(after, Entry::Strike(kind));
        }
        self.facts.heal = self.facts.heal.max(self.context.now() - self.began + 10 * SECONDS);
    }
}

impl World {
    /// Whether anything tells of what stands at the lane's end: the newest message, or a directory that knows of as many. Behind
    /// an end of which nothing tells, another engine may have followed a rewind already: nobody may go on from an older state.
    fn end_is_told(&self, number: usize) -> bool {
        let last = self.context.lane_last();
        let known = read(&self.processes[number].disk.fork()).map_or(0, |known| known.lane_known().0);
        known >= last || self.context.server.message(OUTPUT, last).is_some()
    }
}

impl Process {
    /// The marker is on its way to the server.
    pub fn send_marker(&mut self, context: &mut Context, marker: &Marker, run: &RunId, start: u64) {
        let mut headers = marker.headers(super::plans::INPUT, run, start);
        headers.push(("Nats-Expected-Last-Sequence".to_owned(), (marker.at.0 - 1).to_string()));
        let (subject, body) = (marker.subject(&spec(self.plan)), marker.body());
        let latency = context.latency();
        let marked = Inside::Marker(subject, headers, body);
        context.agenda.after(latency, Entry::Inside(self.number, self.generation, marked));
    }

    /// It arrives; whatever comes of it, the next start reads the lane again.
    pub fn marked(&mut self, context: &mut Context, subject: &str, headers: Vec<(String, String)>, body: String) {
        if context.up && context.leaderless.is_none() {
            let stored = context.server.publish(subject, Some(headers), body.into()).is_ok();
            context.count(if stored { "markers stored" } else { "markers refused" });
        }
        self.again(context, true);
    }
}

impl Context {
    /// Checks the marker of a rewind, and takes note of it.
    pub fn look_at_the_marker(&mut self, ours: &LaneMessage, rewind: Rewind) {
        let (sequence, kept) = (ours.sequence.0, self.rewound.kept);
        let plan = (letter(&ours.run.plan).unwrap_or('?'), ours.run.since.0);
        let by = (ours.run.run.clone(), ours.run.start);
        let markers = self.markers() as u32;
        if rewind.lane.0 != sequence || rewind.number != markers + 1 || ours.cause != rewind.floor {
            return self.violated(format!("lane message {sequence} marks {rewind:?} behind {markers} others"));
        }
        if ours.cause.0 != kept {
            let floor = ours.cause;
            return self.violated(format!("the input is what it was up to {kept}, and the marker says {floor}"));
        }
        if self.lane.last().is_some_and(|before| before.by > by) {
            return self.violated(format!("lane message {sequence}: the marker is of an earlier engine"));
        }
        self.lane.push(Note { cause: ours.cause.0, n: MARKER, plan, by });
    }

    /// How many markers the lane has.
    pub fn markers(&self) -> usize {
        self.lane.iter().filter(|note| note.n == MARKER).count()
    }

    /// Takes note of how far each key group is, before a start moves any: those that are moved already stay as noted.
    pub fn note_what_is_held(&mut self, disk: &super::model::Disk, known: &Known, news: &[Rewind]) {
        let recorded = known.checkpoint.as_ref().map_or(0, |record| record.position.0);
        for group in KeyGroup::all() {
            let mark = disk.get(Space::Group(group), &MARK_KEY).ok().flatten();
            let mark = mark.and_then(|value| GroupMark::decode(&value).ok());
            let is_moved = mark.is_some_and(|mark| {
                news.iter().any(|rewind| (mark.position, mark.lane) == (rewind.floor, rewind.lane))
                    && move_mark(mark, news) == Some(mark)
            });
            if !is_moved {
                let held = mark.map_or(0, |mark| mark.position.0).max(recorded);
                self.rewound.held.insert(group.0, held);
            }
        }
    }

    /// A start goes on behind these rewinds, `pure` over a state that it builds from what the input holds now.
    /// `consented`: the lane may have lost so much itself that it needs no rewind.
    pub fn follow(&mut self, rewinds: &[Rewind], pure: bool, consented: bool) {
        let newest = rewinds.last().copied();
        let anew = pure && (newest.is_some() || consented || self.rewound.followed.is_some());
        let changed = newest != self.rewound.followed;
        if !changed && !anew {
            return;
        }
        let floor = newest.map_or(0, |rewind| rewind.floor.0);
        let before = self.input_before.take();
        if pure {
            self.oracle = self.oracle.without_the_lost();
        } else if let Some(before) = before {
            let held = std::mem::take(&mut self.rewound.held);
            let holds = |event: &Event, position: u64| {
                event.group().is_some_and(|group| held.get(&group.0).is_some_and(|held| *held >= position))
            };
            self.oracle = Oracle::rewound(&before, &self.oracle, floor, holds);
        }
        (self.rewound.followed, self.rewound.cuts, self.input_taken) = (newest, 0, false);
        self.rewound.settled |= consented || changed;
        self.count(if pure { "rewinds followed by a new state" } else { "rewinds followed" });
        let last = self.server.state(OUTPUT).map_or(0, |state| state.last);
        self.note(|| format!("the state follows {newest:?}, lane at {last}"));
    }
}
