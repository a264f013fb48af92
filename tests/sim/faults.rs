//! What goes wrong: each fault strikes a world once.

use super::agenda::{MILLIS, SECONDS, Time};
use super::entry::{Entry, Inside};
use super::plans::{INPUT, OUTPUT};
use super::process::{Phase, Process};
use super::world::{World, create};
use sidestream::core::protocol::facts::Consent;
use sidestream::core::protocol::refusal::Refusal;
use sidestream::engine::restore::read;

impl World {
    fn happened(&mut self, what: &'static str) {
        self.facts.happened.insert(what);
    }

    /// The next fault strikes.
    pub fn fault(&mut self) {
        let Some(kind) = self.facts.kinds.get(self.facts.next).copied() else { return };
        self.facts.next += 1;
        self.context.note(|| format!("FAULT {kind}"));
        let before: u64 = self.context.struck.values().sum();
        self.strike(kind);
        if self.context.struck.values().sum::<u64>() == before {
            // There was nothing to strike; a connection is always there to be cut.
            self.strike("lane cut");
        }
        self.facts.struck += u64::from(self.context.struck.values().sum::<u64>() > before);
    }

    fn strike(&mut self, kind: &'static str) {
        let main = self.main;
        match kind {
            "engine killed" => self.kill(main, "engine killed"),
            "engine drained" => {
                if self.processes[main].lives() {
                    self.processes[main].drain(&mut self.context);
                    self.context.struck(kind);
                    // What the supervisor of an orderly stop does next.
                    self.respawn_later(main, 3 * SECONDS);
                }
            }
            "engine paused" => self.pause(main, 100 * MILLIS, 3_000),
            "engine paused long" => self.pause(main, 11 * SECONDS, 9_000),
            "server killed" => self.server_down(false),
            "power cut" => self.server_down(true),
            "input lost its tail" => {
                self.facts.happened.insert("any tail");
                self.server_down(true);
            }
            "lane cut" => self.cut(true, false),
            "source cut" => self.cut(false, true),
            "half open" => self.half_open(),
            "slow" => {
                self.context.slow = 2 + self.context.random.below(60) as Time;
                self.context.struck(kind);
            }
            "engine killed behind silence" => {
                self.context.kill_behind_silence = true;
                self.context.struck(kind);
            }
            "acks lost" => {
                self.context.swallow.0 += 1 + self.context.random.below(3);
                self.context.struck(kind);
            }
            "deliveries lost" => {
                self.context.swallow.1 += 1 + self.context.random.below(6);
                self.context.struck(kind);
            }
            "clock stepped" => {
                let step = self.context.random.below(12_000) as Time - 6_000;
                self.context.skew += step * MILLIS;
                self.context.struck(kind);
            }
            "disk refuses" => {
                let left = self.context.random.below(30) as usize;
                self.processes[main].disk.fail_after(Some(left));
                self.context.struck(kind);
                let wait = (1 + self.context.random.below(3_000) as Time) * MILLIS;
                self.context.agenda.after(wait, Entry::DiskWell(main));
            }
            "sync fails" => {
                self.processes[main].disk.fail_sync(true);
                self.context.struck(kind);
                let wait = (1 + self.context.random.below(3_000) as Time) * MILLIS;
                self.context.agenda.after(wait, Entry::DiskWell(main));
            }
            "engine killed with its machine" => {
                self.kill(main, kind);
            }
            "second engine" => self.second_engine(),
            "plan changed" => self.change_plan(),
            other => self.rare(other),
        }
    }

    fn rare(&mut self, kind: &'static str) {
        let main = self.main;
        match kind {
            "state deleted" | "state unreadable" | "older state" | "lane purged and state deleted" => {
                self.kill(main, "engine killed");
                self.lose_state(kind);
            }
            "head of the lane trimmed" | "state lost and head trimmed" => {
                let last = self.context.lane_last();
                let to = 1 + self.context.random.below(last.max(1));
                self.context.server.purge_up_to(OUTPUT, to);
                self.happened("head trimmed");
                self.context.struck("head of the lane trimmed");
                if kind == "state lost and head trimmed" {
                    self.kill(main, "engine killed");
                    self.lose_state("state deleted");
                }
            }
            "newest output deleted" => {
                self.kill(main, "engine killed");
                if self.context.random.per_mille(300) && !self.an_output_is_lost() {
                    // A stranger's message, which somebody deletes again.
                    let sequence = self.context.server.publish("enriched.stranger", None, "{}".into());
                    self.context.foreign = sequence.ok();
                    self.happened("foreign message");
                    self.context.look_at_the_lane();
                }
                let last = self.context.lane_last();
                if self.context.server.delete_message(OUTPUT, last) {
                    self.happened("newest output deleted");
                    self.context.struck(kind);
                }
                if self.context.random.per_mille(500) {
                    self.lose_state("state deleted");
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
                self.happened("output recreated");
                self.context.struck(kind);
            }
            "foreign message" => {
                self.happened("foreign message");
                let sequence = self.context.server.publish("enriched.stranger", None, "{}".into());
                self.context.foreign = sequence.ok();
                self.context.struck(kind);
            }
            "input overtaken" => {
                self.kill(main, "engine killed");
                let last = self.context.input_last();
                let to = 1 + self.context.random.below(last + 1);
                self.context.server.purge_up_to(INPUT, to);
                self.happened("input head trimmed");
                self.context.struck(kind);
            }
            "plan of another state" => {
                self.kill(main, "engine killed");
                self.processes[main].plan = 'C';
                self.happened("plan of another state");
                self.context.struck(kind);
            }
            _ => {}
        }
    }

    /// Whether the lane ends before what a directory knows to be stored. A stranger's message in the place of a lost output
    /// that is deleted again cannot be told from that output deleted: such a lane is as long as it was.
    fn an_output_is_lost(&self) -> bool {
        let last = self.context.lane_last();
        let knows = |process: &Process| read(&process.disk.fork()).map_or(0, |known| known.lane_known().0);
        self.processes.iter().any(|process| knows(process) > last)
    }

    /// Kills a process; the supervisor brings it back, perhaps with another number of shards.
    pub fn kill(&mut self, number: usize, kind: &'static str) {
        let process = &mut self.processes[number];
        if matches!(process.phase, Phase::Refused(_)) {
            return;
        }
        if process.lives() {
            self.context.struck(kind);
        }
        process.crash(&mut self.context, kind == "engine killed with its machine");
        if process.snapshots.len() < 4 {
            let snapshot = process.disk.snapshot();
            process.snapshots.push(snapshot);
        }
        if self.context.random.per_mille(400) {
            process.shards = 1 + self.context.random.below(5) as usize;
            self.context.struck("shards changed");
        }
        let wait = (10 + self.context.random.below(2_000) as Time) * MILLIS;
        self.context.agenda.after(wait, Entry::Spawn(number));
    }

    fn respawn_later(&mut self, number: usize, wait: Time) {
        self.context.agenda.after(wait, Entry::Spawn(number));
    }

    fn pause(&mut self, number: usize, at_least: Time, more_ms: u64) {
        let process = &mut self.processes[number];
        if process.lives() {
            let until = self.context.now() + at_least + self.context.random.below(more_ms) as Time * MILLIS;
            process.paused_until = Some(until);
            self.context.struck(if at_least > SECONDS { "engine paused long" } else { "engine paused" });
            self.context.agenda.at(until, Entry::Continue(number));
        }
    }

    fn server_down(&mut self, power: bool) {
        let context = &mut self.context;
        if !context.up {
            return;
        }
        if power {
            let any_tail = self.facts.happened.contains("any tail");
            let random = &mut context.random;
            // Best between the two outputs of one event, where the lane has such a place.
            let split = context.lane.windows(2).rposition(|notes| notes[0].cause == notes[1].cause);
            let split = split.filter(|_| random.per_mille(400)).map(|at| at as u64 + 1);
            let mut lost = Vec::new();
            context.server.power_cut(|name, synced, last| {
                // An input that lost its tail is refused at the next start: most worlds are to go on.
                let keep = match split {
                    _ if name == INPUT && !any_tail => last,
                    Some(split) if name == OUTPUT && split >= synced => split,
                    _ => synced + random.below(last - synced + 1),
                };
                // A stream that vanished is a deleted one, which is a fault of its own.
                let keep = keep.max(1);
                if keep < last {
                    lost.push((name.to_owned(), keep));
                }
                keep
            });
            for (name, keep) in lost {
                if name == INPUT {
                    // The lane's newest message proves that what is gone was processed. Where that one is gone too, nothing
                    // does: the outputs up to the lane's end are counted, and other events may stand for them.
                    let end = context.lane_last();
                    let cause = context.lane.last().filter(|_| context.server.message(OUTPUT, end).is_some());
                    let taken = cause.is_some_and(|note| note.cause > keep);
                    self.facts.must_refuse |= taken;
                    context.input_taken |= taken;
                    let before = context.oracle.clone();
                    context.input_before.get_or_insert(before);
                    context.oracle.truncate(keep);
                    context.struck("input tail lost");
                    self.facts.happened.insert("input tail lost");
                } else {
                    context.lane.truncate(keep as usize);
                    context.struck("lane tail lost");
                    self.facts.happened.insert("lane tail lost");
                }
            }
            context.struck("power cut");
        } else {
            context.server.kill();
            context.struck("server killed");
        }
        context.up = false;
        let wait = (50 + context.random.below(4_000) as Time) * MILLIS;
        context.agenda.after(wait, Entry::ServerUp);
        self.cut(true, true);
    }

    /// Cuts connections; the client notices a little later, and what it sends meanwhile takes the next one.
    fn cut(&mut self, lane: bool, source: bool) {
        for number in 0..self.processes.len() {
            let process = &mut self.processes[number];
            let generation = process.generation;
            if matches!(process.phase, Phase::Gathering(..)) {
                process.cut = true;
            }
            let Some(life) = process.life() else { continue };
            let random = &mut self.context.random;
            let mut troubles = Vec::new();
            if lane {
                life.writing.to_server.cut(random);
                life.writing.to_client.cut(random);
                troubles.push(Inside::LaneTrouble);
            }
            if source {
                life.reading.to_client.cut(random);
                troubles.push(Inside::SourceTrouble);
            }
            for trouble in troubles {
                let wait = self.context.random.below(1_500) as Time * MILLIS;
                self.context.agenda.after(wait, Entry::Inside(number, generation, trouble));
            }
        }
        self.context.struck(match (lane, source) {
            (true, true) => "all connections cut",
            (true, false) => "lane cut",
            _ => "source cut",
        });
    }

    fn half_open(&mut self) {
        let until = self.context.now() + (1 + self.context.random.below(14) as Time) * SECONDS;
        let main = self.main;
        if let Some(life) = self.processes[main].life() {
            life.writing.to_server.silence(until);
            life.writing.to_client.silence(until);
            self.context.struck("half open");
        }
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
        self.happened("input recreated");
        self.context.struck("input recreated");
        if self.context.random.per_mille(700) {
            for _ in 0..before + 5 {
                self.publish_one();
            }
        }
    }

    fn lose_state(&mut self, kind: &'static str) {
        let process = &mut self.processes[self.main];
        match kind {
            "state unreadable" => process.unreadable = true,
            "older state" => {
                if process.snapshots.is_empty() {
                    return;
                }
                let at = self.context.random.index(process.snapshots.len());
                process.disk.restore(&process.snapshots[at]);
                process.durable = 0;
            }
            _ => {
                process.disk.wipe();
                process.durable = 0;
            }
        }
        self.facts.happened.insert(if kind == "lane purged and state deleted" { "state deleted" } else { kind });
        self.context.struck(if kind == "lane purged and state deleted" { "state deleted" } else { kind });
        if kind == "lane purged and state deleted" {
            self.context.server.purge(OUTPUT);
            self.facts.happened.insert("lane purged");
            self.context.struck("lane purged");
        }
    }

    /// Starts a second engine over the same streams, with a directory of its own. Whichever stops, the later one goes
    /// on.
    fn second_engine(&mut self) {
        if self.processes.len() > 2 {
            return;
        }
        let number = self.processes.len();
        let first = &self.processes[self.main];
        let mut second = Process::new(number, first.plan);
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
        self.happened("second engine");
        self.context.struck("second engine");
        self.context.agenda.after(MILLIS, Entry::Spawn(number));
        if self.context.random.per_mille(500) {
            // A sleeper: the first stops moving, and wakes up beside its successor.
            let main = self.main;
            self.pause(main, 2 * SECONDS, 20_000);
        }
        self.main = number;
    }

    fn change_plan(&mut self) {
        let main = self.main;
        self.kill(main, "engine killed");
        self.happened("plan changed");
        self.context.struck("plan changed");
        let rebuilds = self.facts.rebuilds;
        let process = &mut self.processes[main];
        process.plan = match process.plan {
            'A' if rebuilds => 'C',
            'A' => 'B',
            'B' => 'A',
            other => other,
        };
        if process.plan == 'C' {
            process.consent = Consent { rebuild_state: true, ..Consent::default() };
            self.happened("rebuilt");
        }
    }

    /// What a person does about a refusal, where there is something to do: the process to go on with.
    pub fn operator(&mut self, refusal: &Refusal) -> Option<usize> {
        let process = &mut self.processes[self.main];
        match refusal {
            // It was not this one's turn; the other one is gone by now.
            Refusal::NewerRun { .. } if self.facts.happened.contains("second engine") => {
                process.phase = Phase::Down;
                let number = self.main;
                self.context.agenda.after(SECONDS, Entry::Spawn(number));
                self.context.struck("newer run respected");
                Some(number)
            }
            Refusal::StateChanges { .. } if self.facts.happened.contains("plan of another state") => {
                process.plan = 'A';
                process.phase = Phase::Down;
                let number = self.main;
                self.context.agenda.after(SECONDS, Entry::Spawn(number));
                self.context.struck("change of state refused");
                Some(number)
            }
            _ => None,
        }
    }
}
