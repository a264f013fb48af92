//! What people do to the streams, after which the engine may have to refuse; and what a person does about a refusal.

use super::agenda::SECONDS;
use super::entry::Entry;
use super::model::Disk;
use super::plans::{INPUT, OUTPUT, letter};
use super::process::{Phase, Process};
use super::world::{World, create};
use sidestream::engine::restore::read;
use sidestream::protocol::facts::{Consent, PlanSince};
use sidestream::protocol::refusal::Refusal;

impl World {
    /// A fault of the operator's making strikes.
    pub fn strike_hard(&mut self, kind: &'static str) {
        let main = self.main;
        match kind {
            "state deleted" | "state unreadable" | "older state" | "lane purged and state deleted" => {
                self.kill(main, "engine killed");
                self.lose_state(kind);
            }
            "head of the lane trimmed" | "state lost and head trimmed" => {
                let last = self.context.lane_last();
                let to = 1 + self.context.random.below(last.max(1));
                let to = if self.lane_alone_tells_its_plan() { to.min(last.saturating_sub(1)) } else { to };
                self.context.server.age_out(OUTPUT, to);
                self.facts.grounds.insert("head trimmed");
                self.context.count("head of the lane trimmed");
                if kind == "state lost and head trimmed" {
                    self.kill(main, "engine killed");
                    self.lose_state("state deleted");
                }
            }
            "newest output deleted" => {
                self.kill(main, "engine killed");
                if self.context.random.per_mille(300) && !self.outputs_are_lost() {
                    // A stranger's message, which somebody deletes again.
                    let sequence = self.context.server.publish("enriched.stranger", None, "{}".into());
                    self.context.foreign = sequence.ok();
                    self.facts.grounds.insert("foreign message");
                    self.context.look_at_the_lane();
                }
                let last = self.context.lane_last();
                let is_only_one = self.context.server.state(OUTPUT).is_some_and(|state| state.first == state.last);
                let untold = is_only_one && self.lane_alone_tells_its_plan();
                if !untold && self.context.server.delete_message(OUTPUT, last) {
                    self.facts.grounds.insert("newest output deleted");
                    self.context.count(kind);
                }
                if self.context.random.per_mille(500) {
                    self.lose_state("state deleted");
                }
                if self.context.random.per_mille(300) && self.facts.grounds.contains(kind) {
                    // And all others: the stream is as empty then as behind an age limit.
                    self.context.server.purge(OUTPUT);
                }
            }
            "input recreated" => self.recreate_input(),
            "output recreated" => {
                for number in 0..self.processes.len() {
                    self.kill(number, "engine killed");
                }
                self.context.server.delete(OUTPUT);
                create(&mut self.context.server, OUTPUT);
                self.context.lane.clear();
                self.context.longest = 0;
                self.facts.grounds.insert("output recreated");
                self.context.count(kind);
            }
            "foreign message" if !self.outputs_are_lost() => {
                self.facts.grounds.insert("foreign message");
                let sequence = self.context.server.publish("enriched.stranger", None, "{}".into());
                self.context.foreign = sequence.ok();
                self.context.count(kind);
            }
            "input overtaken" => self.overtake_input(),
            "plan of another state" => {
                self.kill(main, "engine killed");
                self.processes[main].plan = 'C';
                self.facts.grounds.insert("plan of another state");
                self.context.count(kind);
            }
            _ => {}
        }
    }

    /// Retention takes the input's head.
    fn overtake_input(&mut self) {
        self.kill(self.main, "engine killed");
        let last = self.context.input_last();
        let to = 1 + self.context.random.below(last + 1);
        self.context.server.purge_up_to(INPUT, to);
        // A first start takes the input's first event for its origin, whatever it is. It is one where nothing is in
        // the lane and no directory knows of a start before.
        let begun = |process: &Process| read(&process.disk.fork()).map_or(true, |known| known.checkpoint.is_some());
        if self.context.lane_last() == 0 && !self.processes.iter().any(begun) {
            self.context.oracle.begin_behind(to - 1);
        }
        self.facts.grounds.insert("input head trimmed");
        self.context.count("input overtaken");
    }

    /// Whether the lane lost outputs that are not there again.
    ///
    /// No stranger writes then. Its message would stand in a lost output's place: one that was sent behind that output finds
    /// the sequence that it expects, and a stranger's message that is deleted again cannot be told from that output
    /// deleted. That the lane has one writer is the product's condition, and no number can replace it.
    fn outputs_are_lost(&self) -> bool {
        self.context.longest > self.context.lane_last()
    }

    /// Whether somewhere a directory, or a copy of one, does not know the plan that the lane is under.
    ///
    /// Nobody takes the lane's newest message then. It alone says under which plan the outputs behind that directory's R are:
    /// without it they are counted by the plan that the directory knows, and nothing is left to compare them with.
    pub fn lane_alone_tells_its_plan(&self) -> bool {
        let Some(newest) = self.context.newest_of_ours() else { return false };
        let knows = |disk: &Disk| {
            let record = read(disk).ok().and_then(|known| known.checkpoint);
            let named = |plan: &PlanSince| letter(&plan.plan) == Some(newest.plan.0) && plan.since.0 == newest.plan.1;
            record.is_none_or(|record| record.plans.iter().any(named))
        };
        let restored = |snapshot| {
            let disk = Disk::new();
            disk.restore(snapshot);
            disk
        };
        self.processes.iter().any(|process| {
            let held = process.later.as_ref().map_or_else(|| process.disk.fork(), restored);
            !knows(&held) || !process.snapshots.iter().map(restored).all(|disk| knows(&disk))
        })
    }

    /// The input is not what it was; `taken`: and some of what it was had been processed.
    fn lose_input(&mut self, taken: bool) {
        self.facts.must_refuse |= taken;
        self.context.input_taken |= taken;
        let before = self.context.oracle.clone();
        self.context.input_before.get_or_insert(before);
    }

    /// Another input under the same name, often longer than the old one before anybody looks.
    fn recreate_input(&mut self) {
        if self.context.random.per_mille(500) {
            for number in 0..self.processes.len() {
                self.kill(number, "engine killed");
            }
        }
        let before = self.context.input_last();
        let taken = !self.context.lane.is_empty();
        self.lose_input(taken);
        self.context.server.delete(INPUT);
        create(&mut self.context.server, INPUT);
        self.context.oracle.truncate(0);
        self.facts.grounds.insert("input recreated");
        self.context.count("input recreated");
        if self.context.random.per_mille(700) {
            for _ in 0..before + 5 {
                self.publish_one();
            }
        }
    }

    /// What a person does about a refusal, where there is something to do: the process to go on with.
    pub fn operator(&mut self, refusal: &Refusal) -> Option<usize> {
        let stepped = self.context.counts.contains_key("clock stepped");
        let process = &mut self.processes[self.main];
        match refusal {
            // It was not this one's turn, and the other one is gone by now; or it could not know that it was.
            Refusal::NewerRun { .. }
                if self.facts.grounds.contains("second engine") || stepped && process.is_misled() =>
            {
                process.phase = Phase::Down;
                let number = self.main;
                self.context.agenda.after(SECONDS, Entry::Spawn(number));
                self.context.count("newer run respected");
                Some(number)
            }
            Refusal::Unfinished { .. } if self.facts.rebuilds => {
                (process.plan, process.consent) = (self.facts.first, Consent::default());
                process.phase = Phase::Down;
                let number = self.main;
                self.context.agenda.after(SECONDS, Entry::Spawn(number));
                self.context.count("rebuild put off");
                Some(number)
            }
            Refusal::StateChanges { .. } if self.facts.grounds.contains("plan of another state") => {
                process.plan = self.facts.first;
                process.phase = Phase::Down;
                let number = self.main;
                self.context.agenda.after(SECONDS, Entry::Spawn(number));
                self.context.count("change of state refused");
                Some(number)
            }
            _ => None,
        }
    }
}
