//! One simulated world from its seed to its verdict.

use super::agenda::{MILLIS, SECONDS, Time};
use super::api::travel;
use super::context::Context;
use super::entry::{Entry, Inside, Wire};
use super::facts::Facts;
use super::link::Ticket;
use super::model::{Server, Settings};
use super::plans::{INPUT, OUTPUT};
use super::process::{Phase, Process};
use sidestream::generate::Random;
use std::collections::BTreeMap;

/// After the faults have stopped, a world comes to rest within this time.
const BOUND: Time = 240 * SECONDS;
/// Entries of the agenda after which something runs in circles.
const STEPS: u64 = 400_000;

/// A world.
pub struct World {
    pub context: Context,
    pub processes: Vec<Process>,
    /// The process that the supervisor keeps running.
    pub main: usize,
    pub facts: Facts,
    /// Events still to be published.
    pub left: u64,
    pub published: u64,
    pub healed: bool,
    pub draining: bool,
    pub began: Time,
}

/// How a world ended.
pub struct Verdict {
    /// What must not be; `None`: all is well.
    pub violation: Option<String>,
    /// The refusal that ended it, as the start rules prescribe.
    pub refused: Option<String>,
    pub counts: BTreeMap<&'static str, u64>,
    /// How many of the planned faults struck.
    pub faults: u64,
    pub events: u64,
    pub steps: u64,
    pub text: Option<String>,
}

/// Runs the world of a seed.
pub fn run(seed: u64, traced: bool) -> Verdict {
    let mut world = World::new(seed, traced);
    world.live();
    let Context { violation, counts, trace, .. } = world.context;
    let refused = world.processes.get(world.main).and_then(|process| match &process.phase {
        Phase::Refused(refusal) => Some(super::facts::name(refusal)),
        _ => None,
    });
    let faults = world.facts.faults;
    Verdict { violation, refused, counts, faults, events: world.published, steps: trace.steps, text: trace.text }
}

/// Creates both streams.
pub fn create(server: &mut Server, name: &str) {
    let subjects: &[&str] =
        if name == INPUT { &["events.>"] } else { &["enriched.>", "far.>", "twin.>", "twice.>", "dead.>"] };
    let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    server.create(name, Settings { subjects, allow_batched: name == OUTPUT, ..Settings::default() });
    // A stream that was never synced vanishes in a power cut; that it is gone is another story.
    server.synced(name);
}

impl World {
    fn new(seed: u64, traced: bool) -> World {
        let began = 1_800_000_000 * SECONDS;
        let mut context = Context::new(seed, began, traced);
        create(&mut context.server, INPUT);
        create(&mut context.server, OUTPUT);
        let mut facts = Facts::plan(&mut context.random);
        // Drawn from nothing, so that the other seeds stay the worlds that they were.
        if seed % 8 == 4 {
            facts.end_with_a_rewind();
        }
        match seed % 16 {
            14 => facts.keep(match seed % 48 {
                14 => 'V',
                46 => 'L',
                _ => 'W',
            }),
            15 => facts.keep(if seed % 32 == 15 { 'G' } else { 'H' }),
            _ => {}
        }
        if matches!(seed % 8, 3 | 5) || matches!(seed % 16, 14 | 15) {
            context.crashes = Some(Random::new(!seed));
        }
        let mut main = Process::new(0, facts.first);
        main.interval = (100 + context.random.below(1_400) as Time) * MILLIS;
        main.cache_rows = if context.random.per_mille(400) { 4 } else { 1_000 };
        main.shards = 1 + context.random.below(4) as usize;
        let ways = [3 * MILLIS, 30 * MILLIS, 120 * MILLIS];
        let turns = [2 * MILLIS, 5 * MILLIS, 15 * MILLIS];
        context.pace = (ways[context.random.index(3)], turns[context.random.index(3)]);
        context.agenda.after(0, Entry::Publish);
        context.agenda.after(MILLIS, Entry::Spawn(0));
        context.agenda.after(3 * SECONDS, Entry::Sync);
        for at in &facts.times {
            context.agenda.after(*at, Entry::Fault);
        }
        context.agenda.after(facts.heal, Entry::Heal);
        if context.random.per_mille(250) {
            let at = 500 * MILLIS + context.random.below(12_000) as Time * MILLIS;
            context.agenda.after(at.min(facts.heal - MILLIS), Entry::StaleNotes);
        }
        let left = 200 + context.random.below(60);
        World {
            context,
            processes: vec![main],
            main: 0,
            facts,
            left,
            published: 0,
            healed: false,
            draining: false,
            began,
        }
    }

    fn live(&mut self) {
        while self.context.violation.is_none() {
            let Some(entry) = self.context.agenda.next() else {
                return self.context.violated("nothing happens any more");
            };
            self.context.trace.steps += 1;
            if self.context.trace.steps > STEPS || self.context.now() - self.began > self.facts.heal + BOUND {
                return self.stuck();
            }
            self.context.server.set_time(sidestream::core::ids::Nanos(self.context.server_time()));
            self.context.note(|| short(&entry));
            self.happen(entry);
            self.context.look_at_the_lane();
            self.consent_to_a_rewind();
            if self.healed && self.is_over() {
                return;
            }
        }
    }

    fn happen(&mut self, entry: Entry) {
        match entry {
            Entry::Publish => self.publish(),
            Entry::Fault => self.fault(),
            Entry::Strike(kind) => self.strike(kind),
            Entry::Sync => {
                self.context.server.synced(INPUT);
                self.context.server.synced(OUTPUT);
                let wait = (2 + self.context.random.below(20) as Time) * SECONDS;
                self.context.agenda.after(wait, Entry::Sync);
            }
            Entry::StaleNotes => self.stale_notes(),
            Entry::StaleAnswers => self.stale_answers(),
            Entry::StaleEnds => self.context.stale = None,
            Entry::ServerUp => self.context.up = true,
            Entry::LaneLeads => self.leader_found(),
            Entry::DiskWell(process) => {
                self.processes[process].disk.fail_after(None);
                self.processes[process].disk.fail_sync(false);
            }
            Entry::Heal => self.heal(),
            Entry::Spawn(process) => {
                if !self.processes[process].lives() {
                    self.processes[process].spawn(&mut self.context);
                }
            }
            Entry::Kill(process) => self.kill(process, "engine killed"),
            Entry::Continue(process) => {
                let now = self.context.now();
                let process = &mut self.processes[process];
                if process.paused_until.is_some_and(|until| until <= now) {
                    process.paused_until = None;
                }
            }
            Entry::ToServer(process, generation, ticket, deaths, wire) => {
                self.reaches_server(process, generation, ticket, deaths, &wire)
            }
            Entry::Asked(process, generation, question) => {
                if self.processes[process].generation == generation {
                    let led = self.context.leaderless.is_none() || !question.is_about(OUTPUT);
                    let reachable = self.context.up && led && !self.context.random.per_mille(5);
                    let wait = travel(&mut self.context, reachable);
                    let inside = Inside::Answered(question, reachable);
                    self.context.agenda.after(wait, Entry::Inside(process, generation, inside));
                }
            }
            Entry::Inside(process, generation, inside) => self.inside(process, generation, inside),
        }
    }

    fn reaches_server(&mut self, process: usize, generation: u64, ticket: Ticket, deaths: u32, wire: &Wire) {
        if !self.context.up {
            return;
        }
        // What was sent by a start that is over still arrives, and only the replies find nobody; but no connection outlives
        // the server, and who is gone opens no other.
        let alive = self.processes[process].generation == generation;
        if !alive && deaths != self.context.deaths {
            return self.context.count("message to the lane lost");
        }
        if alive
            && let Some(life) = self.processes[process].life()
            && !life.writing.to_server.arrives(ticket)
        {
            return self.context.count("message to the lane lost");
        }
        // An open batch begins, and the other members still take a short one before it for open.
        let begins = self.context.change_leader_behind_end && wire.reply.ends_with(".1.0.$FI");
        if begins && self.context.server.has_lost_end(OUTPUT, super::writing::WINDOW) {
            self.leader_gone(true);
        }
        let Wire { subject, reply, headers, payload } = wire;
        let replies = match self.context.leaderless {
            Some(true) => self.context.server.leaderless(reply),
            Some(false) => Vec::new(),
            None => self.context.server.fast(subject, reply, headers.clone(), payload.clone()),
        };
        if alive {
            for reply in replies {
                self.reply(process, reply);
            }
        }
    }

    fn inside(&mut self, number: usize, generation: u64, inside: Inside) {
        let process = &mut self.processes[number];
        if process.generation != generation {
            return;
        }
        if let Some(until) = process.paused_until {
            // A stopped process does nothing; what reached it waits.
            return self.context.agenda.at(until + 1, Entry::Inside(number, generation, inside));
        }
        let context = &mut self.context;
        match inside {
            Inside::Begin => process.begin(context),
            Inside::Answered(question, reachable) => process.answered(context, &question, reachable),
            Inside::Claimed(run) => process.claimed(&run),
            Inside::Drain => process.drain(context),
            Inside::Marker(subject, headers, body) => process.marked(context, &subject, headers, body),
            inside => {
                let interval = process.interval;
                let mut durable = 0;
                if let Some(life) = process.life() {
                    match inside {
                        Inside::Turn(actor) => {
                            life.turn(context, actor);
                            durable = life.acknowledged.0;
                        }
                        Inside::Interval => {
                            life.interval(context);
                            context.agenda.after(interval, Entry::Inside(number, generation, Inside::Interval));
                        }
                        Inside::Patience => life.patience(context),
                        Inside::Silence(sent) => life.end_batch(context, sent),
                        Inside::Pump => life.pump(context),
                        Inside::Delivery(ticket, of, delivery) => life.delivery(context, ticket, of, delivery),
                        Inside::Reply(ticket, reply) => life.reply(context, ticket, &reply),
                        Inside::LookAgain => life.look_again(context),
                        Inside::LaneTrouble => life.lane_trouble(context),
                        Inside::SourceTrouble => life.source_trouble(context),
                        Inside::MakeConsumer(attempt) => life.make_consumer(context, attempt),
                        Inside::ReadOld => life.read_old(context),
                        _ => {}
                    }
                }
                process.durable = process.durable.max(durable);
            }
        }
        if let Some(end) = process.life().and_then(|life| life.end.take()) {
            process.over(context, end);
        }
        self.announce(number);
    }

    /// A start that runs tells the others, if the message arrives.
    fn announce(&mut self, number: usize) {
        let process = &mut self.processes[number];
        let new = process.generation;
        if process.life().is_none() || self.facts.announced.get(&number) == Some(&new) {
            return;
        }
        self.facts.announced.insert(number, new);
        let Some((run, _)) = process.current().cloned() else { return };
        for other in (0..self.processes.len()).filter(|other| *other != number) {
            if self.context.random.per_mille(700) || self.healed {
                let wait = (50 + self.context.random.below(2_000) as Time) * MILLIS;
                let generation = self.processes[other].generation;
                let claimed = Inside::Claimed(run.clone());
                self.context.agenda.after(wait, Entry::Inside(other, generation, claimed));
            }
        }
    }
}

/// An entry in a few words.
fn short(entry: &Entry) -> String {
    let text = format!("{entry:?}");
    match text.char_indices().nth(150) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
