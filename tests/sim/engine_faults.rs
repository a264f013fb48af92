//! What strikes the engine: killed, stopped for a while, doubled, with another plan, or with another directory.

use super::agenda::{MILLIS, SECONDS, Time};
use super::entry::Entry;
use super::plans::APART;
use super::plans::OUTPUT;
use super::process::{Phase, Process};
use super::world::World;
use sidestream::core::record::{CHECKPOINT_KEY, encode_plan};
use sidestream::engine::restore::read;
use sidestream::ports::store::{Batch, Space, Store};
use sidestream::protocol::facts::{Consent, Disk as Known};

impl World {
    /// Kills a process; the supervisor brings it back, perhaps with another number of shards.
    pub fn kill(&mut self, number: usize, kind: &'static str) {
        let process = &mut self.processes[number];
        if matches!(process.phase, Phase::Refused(_)) {
            return;
        }
        if process.lives() {
            self.context.count(kind);
        }
        process.crash(&mut self.context, kind == "engine killed with its machine");
        if process.snapshots.len() < 4 && process.later.is_none() {
            let snapshot = process.disk.snapshot();
            process.snapshots.push(snapshot);
        }
        if self.context.random.per_mille(400) {
            process.shards = 1 + self.context.random.below(5) as usize;
            self.context.count("shards changed");
        }
        let wait = (10 + self.context.random.below(2_000) as Time) * MILLIS;
        self.context.agenda.after(wait, Entry::Spawn(number));
    }

    /// The supervisor brings a process back later.
    pub fn respawn_later(&mut self, number: usize, wait: Time) {
        self.context.agenda.after(wait, Entry::Spawn(number));
    }

    /// A process stands still for a time.
    pub fn pause(&mut self, number: usize, at_least: Time, more_ms: u64) {
        let process = &mut self.processes[number];
        if process.lives() {
            let until = self.context.now() + at_least + self.context.random.below(more_ms) as Time * MILLIS;
            (process.paused_until, process.deaf_until) = (Some(until), until);
            self.context.count(if at_least > SECONDS { "engine paused long" } else { "engine paused" });
            self.context.agenda.at(until, Entry::Continue(number));
        }
    }

    /// Starts a second engine over the same streams, with a directory of its own. Whichever stops, the later one goes
    /// on.
    pub fn second_engine(&mut self) {
        if self.processes.len() > 2 {
            return;
        }
        let number = self.processes.len();
        let first = &self.processes[self.main];
        let mut second = Process::new(number, first.plan);
        if !self.facts.rebuilds && !APART.contains(&first.plan) && self.context.random.per_mille(250) {
            // Somebody tries another configuration beside the engine that runs.
            second.plan = if first.plan == 'A' { 'B' } else { 'A' };
            self.facts.grounds.insert("plan changed");
            self.context.count("second engine of another plan");
        }
        second.consent = first.consent;
        second.interval = first.interval;
        second.shards = 1 + self.context.random.below(4) as usize;
        if self.context.random.per_mille(500) {
            // A copy of the first one's directory, as somebody may have made it once.
            if let Some(snapshot) = first.snapshots.last() {
                second.disk.restore(snapshot);
            }
        }
        self.processes.push(second);
        self.facts.grounds.insert("second engine");
        self.context.count("second engine");
        self.context.agenda.after(MILLIS, Entry::Spawn(number));
        if self.context.random.per_mille(500) {
            // A sleeper: the first stops moving, and wakes up beside its successor.
            let main = self.main;
            self.pause(main, 2 * SECONDS, 20_000);
        }
        self.main = number;
    }

    /// The engine comes back with another plan.
    pub fn change_plan(&mut self) {
        let main = self.main;
        self.kill(main, "engine killed");
        self.facts.grounds.insert("plan changed");
        self.context.count("plan changed");
        let rebuilds = self.facts.rebuilds;
        let process = &mut self.processes[main];
        process.plan = match process.plan {
            'A' | 'D' if rebuilds => 'C',
            'A' => 'B',
            'B' => 'A',
            other => other,
        };
        if process.plan == 'C' {
            process.consent = Consent { rebuild_state: true, ..Consent::default() };
            self.facts.grounds.insert("rebuilt");
        }
    }

    /// A later build went on for a moment, with a plan that has a word of its own, and was rolled back.
    pub fn roll_back(&mut self) {
        self.kill(self.main, "engine killed");
        let process = &mut self.processes[self.main];
        let Ok(Known { checkpoint: Some(mut record), plans, .. }) = read(&process.disk.fork()) else { return };
        let Some(last) = record.plans.last_mut().filter(|_| process.later.is_none()) else { return };
        let Some(plan) = plans.get(&last.plan) else { return };
        let mut later = serde_json::to_value(plan).expect("a plan");
        later["of_a_later_build"] = serde_json::json!(true);
        let text = later.to_string();
        last.plan = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
        let mut changes = Vec::new();
        encode_plan(&last.plan, &text, &mut changes).expect("a plan's text is small");
        changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
        let before = process.disk.snapshot();
        let written = process.disk.apply(Space::Meta, &Batch { changes }).and_then(|()| process.disk.sync());
        if written.is_err() {
            return process.disk.restore(&before);
        }
        process.later = Some(before);
        self.context.count("rolled back");
    }

    /// The engine's directory is not what it was.
    pub fn lose_state(&mut self, kind: &'static str) {
        let process = &mut self.processes[self.main];
        if kind == "older state" && process.snapshots.is_empty() {
            return;
        }
        process.later = None;
        match kind {
            "state unreadable" => process.unreadable = true,
            "older state" => {
                let at = self.context.random.index(process.snapshots.len());
                process.disk.restore(&process.snapshots[at]);
                process.durable = 0;
            }
            _ => {
                process.disk.wipe();
                process.durable = 0;
            }
        }
        self.facts.grounds.insert(if kind == "lane purged and state deleted" { "state deleted" } else { kind });
        self.context.count(if kind == "lane purged and state deleted" { "state deleted" } else { kind });
        if kind == "lane purged and state deleted" && !self.lane_alone_tells_its_plan() {
            self.context.server.purge(OUTPUT);
            self.facts.grounds.insert("lane purged");
            self.context.count("lane purged");
        }
    }
}
