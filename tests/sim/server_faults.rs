//! What strikes the server and the connections to it.

use super::agenda::{MILLIS, SECONDS, Time};
use super::entry::{Entry, Inside};
use super::model::Reply;
use super::plans::{INPUT, OUTPUT};
use super::process::Phase;
use super::world::World;

impl World {
    /// The server dies, with `power` also what it had not synced, in part.
    pub fn server_down(&mut self, power: bool) {
        let context = &mut self.context;
        if !context.up {
            return;
        }
        if power {
            let any_tail = self.facts.grounds.contains("any tail");
            let (rewinds, deaths) = (self.facts.rewinds, context.deaths);
            let random = &mut context.random;
            // Best between the two outputs of one event, where the lane has such a place.
            let split = context.lane.windows(2).rposition(|notes| notes[0].cause == notes[1].cause);
            let split = split.filter(|_| random.per_mille(400)).map(|at| at as u64 + 1);
            let mut lost = Vec::new();
            context.server.power_cut(|name, synced, last| {
                // An input that lost its tail is refused at the next start: most worlds are to go on.
                let keep = match split {
                    _ if name == INPUT && !any_tail => last,
                    // Else a state ahead of the lane would hide most of what follows a rewind.
                    _ if name == OUTPUT && rewinds && deaths.is_multiple_of(2) => last,
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
                    context.rewound.cut(keep);
                    // An engine that is just being drained need not notice: its next start does.
                    self.draining = false;
                    context.count("input tail lost");
                    self.facts.grounds.insert("input tail lost");
                } else {
                    context.lane.truncate(keep as usize);
                    context.count("lane tail lost");
                    self.facts.grounds.insert("lane tail lost");
                }
            }
            context.count("power cut");
        } else {
            context.server.kill();
            context.count("server killed");
        }
        context.up = false;
        context.leaderless = None;
        context.deaths += 1;
        let wait = (50 + context.random.below(4_000) as Time) * MILLIS;
        context.agenda.after(wait, Entry::ServerUp);
        self.cut(true, true);
    }

    /// Cuts connections; the client notices a little later, and what it sends meanwhile takes the next one.
    pub fn cut(&mut self, lane: bool, source: bool) {
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
        self.context.count(match (lane, source) {
            (true, true) => "all connections cut",
            (true, false) => "lane cut",
            _ => "source cut",
        });
    }

    /// The lane loses its leader: a piece of what is under way is lost, and until there is another leader, nobody takes what
    /// comes and nobody tells of the stream. A leader that is stopped `silently` is not missed at once.
    pub fn leader_gone(&mut self, silently: bool) {
        let context = &mut self.context;
        if !context.up || context.leaderless.is_some() {
            return;
        }
        // A planned change is quick, an election takes its time, and may have begun before this member was sent anything.
        let (least, more) = match (silently, context.random.per_mille(600)) {
            (true, _) => (300, 2_200),
            (false, true) => (60, 200),
            (false, false) => (4_000, 5_000),
        };
        let wait = least + context.random.below(more);
        let answers = !silently && context.random.per_mille(500);
        context.leaderless = Some(answers);
        context.change_leader_behind_end = false;
        context.agenda.after(wait as Time * MILLIS, Entry::LaneLeads);
        for process in &mut self.processes {
            if let Some(life) = process.life() {
                life.writing.to_server.lose(&mut context.random);
                life.writing.to_client.lose(&mut context.random);
            }
        }
        context.count("leader of the lane gone");
    }

    /// Another member leads the lane: it tells of the batches that it takes for open.
    pub fn leader_found(&mut self) {
        if self.context.leaderless.take().is_none() || !self.context.up {
            return;
        }
        for reply in self.context.server.change_leader(OUTPUT) {
            let to = (0..self.processes.len())
                .find(|number| reply.subject.starts_with(&format!("{}.", self.processes[*number].inbox())));
            self.context.count("batch told of by a new leader");
            if let Some(number) = to {
                self.reply(number, reply);
            }
        }
    }

    /// The server's reply is on its way to a process.
    pub fn reply(&mut self, number: usize, reply: Reply) {
        let context = &mut self.context;
        if context.swallow.0 > 0 {
            context.swallow.0 -= 1;
            return context.count("ack lost");
        }
        let (now, latency) = (context.now(), context.latency());
        let generation = self.processes[number].generation;
        let Some(life) = self.processes[number].life() else { return };
        let (ticket, arrival) = life.writing.to_client.send(now, latency);
        context.agenda.at(arrival, Entry::Inside(number, generation, Inside::Reply(ticket, reply)));
    }

    /// Nothing of the lane's connection arrives for a time, and nobody is told.
    pub fn half_open(&mut self) {
        let until = self.context.now() + (1 + self.context.random.below(14) as Time) * SECONDS;
        let main = self.main;
        if let Some(life) = self.processes[main].life() {
            life.writing.to_server.silence(until);
            life.writing.to_client.silence(until);
            self.context.count("half open");
        }
    }
}
