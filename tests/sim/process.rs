//! A process: start after start until it is told to stop, and what outlives it, its directory.
//!
//! The order of a start is the session's; what its steps say is the product's business.

mod ending;

use super::agenda::{MILLIS, Time};
use super::api::{Question, Task, answer};
use super::context::Context;
use super::directory::Directory;
use super::entry::{Entry, Inside};
use super::life::{Birth, Life};
use super::model::{Disk, Snapshot};
use super::plans::{INPUT, OUTPUT, spec};
use super::reading::Reading;
use super::stale;
use super::writing::{TICK, Writing};
use sidestream::app::broker::{BrokerFacts, gather};
use sidestream::core::ids::{KEY_GROUPS, LaneSequence, Nanos};
use sidestream::core::record::PlanSince;
use sidestream::core::state::changes::State;
use sidestream::engine::ending::End;
use sidestream::engine::restore::{load_shard, read};
use sidestream::ports::store::StoreError;
use sidestream::ports::stream::{BrokerError, StoredMessage};
use sidestream::protocol::facts::{Broker, Consent, Disk as Known, StartRequest};
use sidestream::protocol::header::RunId;
use sidestream::protocol::looks::{Look, suspicion};
use sidestream::protocol::marker::marker;
use sidestream::protocol::memory::Memory;
use sidestream::protocol::prepare::{IdsOf, header, prepare};
use sidestream::protocol::refusal::Refusal;
use sidestream::protocol::reopen::Own;
use sidestream::protocol::rewind::{self, Adopted};
use sidestream::protocol::start::{Start, StartKind, decide};
use sidestream::protocol::verdict::{RefusalVerdict, refused};

type Answered = Result<BrokerFacts, BrokerError>;

/// What a process is at.
pub enum Phase {
    /// It does not run.
    Down,
    /// It waits before its next start.
    Waiting,
    /// It asks what the start rules need to know.
    Gathering(Task<Answered>, Box<Known>),
    /// It runs.
    Running(Box<Life>),
    /// It asks who stands in a refused output's place.
    Judging(LaneSequence),
    /// It stopped for good, and why.
    Refused(Refusal),
    /// It was asked to stop and did.
    Drained,
}

/// A process and its directory.
pub struct Process {
    pub number: usize,
    /// Counts everything that makes old messages meaningless: starts and crashes.
    pub generation: u64,
    pub phase: Phase,
    pub disk: Disk,
    pub snapshots: Vec<Snapshot>,
    /// What a later build, which wrote into the directory last, goes on with once somebody brings it back.
    pub later: Option<Snapshot>,
    /// The configuration of its next starts.
    pub plan: char,
    pub consent: Consent,
    pub shards: usize,
    pub cache_rows: usize,
    pub interval: Time,
    pub memory: Memory,
    starts: u64,
    pause: Time,
    pub paused_until: Option<Time>,
    /// Until then it may not have heard of all that reached it while it stood still.
    pub deaf_until: Time,
    /// The directory cannot be opened.
    pub unreadable: bool,
    /// The last position that was said to be durable.
    pub durable: u64,
    /// A connection was lost since the start began.
    pub cut: bool,
    /// Whether its run id goes by what a server told that did not lead the lane.
    misled: Option<bool>,
    /// The run and start that are running.
    current: Option<(RunId, u64)>,
    /// The plans of the last start that ran.
    pub plans: Vec<PlanSince>,
}

impl Process {
    /// A process that does not run yet.
    pub fn new(number: usize, plan: char) -> Process {
        Process {
            number,
            generation: 0,
            phase: Phase::Down,
            disk: Disk::new(),
            snapshots: Vec::new(),
            later: None,
            plan,
            consent: Consent::default(),
            shards: 2,
            cache_rows: 1_000,
            interval: 700 * MILLIS,
            memory: Memory::default(),
            starts: 0,
            pause: 100 * MILLIS,
            paused_until: None,
            deaf_until: 0,
            unreadable: false,
            cut: false,
            durable: 0,
            misled: None,
            current: None,
            plans: Vec::new(),
        }
    }

    /// The inbox of its lane's writer.
    pub fn inbox(&self) -> String {
        format!("_INBOX.p{}g{}", self.number, self.generation)
    }

    pub fn life(&mut self) -> Option<&mut Life> {
        if let Phase::Running(life) = &mut self.phase { Some(life) } else { None }
    }

    /// Whether it is a process at all.
    pub fn lives(&self) -> bool {
        !matches!(self.phase, Phase::Down | Phase::Refused(_) | Phase::Drained)
    }

    fn plan(&self, context: &mut Context, wait: Time, what: Inside) {
        context.agenda.after(wait, Entry::Inside(self.number, self.generation, what));
    }

    /// The process begins.
    pub fn spawn(&mut self, context: &mut Context) {
        self.generation += 1;
        (self.memory, self.misled) = (Memory::default(), None);
        (self.starts, self.pause, self.paused_until, self.deaf_until) = (0, 100 * MILLIS, None, 0);
        self.phase = Phase::Waiting;
        self.plan(context, 5 * MILLIS, Inside::Begin);
    }

    /// The process is gone from one moment to the next, and with the machine also what it had not synced, in part.
    pub fn crash(&mut self, context: &mut Context, machine: bool) {
        self.generation += 1;
        self.phase = Phase::Down;
        let random = &mut context.random;
        self.disk.power_cut(&mut |_| !machine || random.per_mille(500));
        self.disk.fail_after(None);
    }

    /// The next start: opens the directory and asks the broker.
    pub fn begin(&mut self, context: &mut Context) {
        self.generation += 1;
        self.starts += 1;
        self.cut = false;
        if std::mem::take(&mut self.unreadable) {
            self.disk.wipe();
            self.durable = 0;
            context.count("unreadable state set aside");
        }
        super::truth::check_disk(context, &self.disk);
        let known = match read(&self.disk) {
            Ok(known) => known,
            Err(error) => return self.over(context, End::Store(error)),
        };
        let recorded = known.checkpoint.as_ref().map_or(0, |record| record.position.0);
        if recorded < self.durable {
            let durable = self.durable;
            context.violated(format!("the checkpoint at {durable} was durable, and the directory is as of {recorded}"));
        }
        let facts = known.clone();
        let Consent { accept_rewind, .. } = self.consent;
        let task = Task::new(|api| async move { gather(&api, (INPUT, OUTPUT), &facts, accept_rewind).await });
        self.phase = Phase::Gathering(task, Box::new(known));
        self.gather_on(context);
    }

    fn ask(&self, context: &mut Context, question: Question) {
        let latency = context.latency();
        context.agenda.after(latency, Entry::Asked(self.number, self.generation, question));
    }

    fn gather_on(&mut self, context: &mut Context) {
        let Phase::Gathering(task, _) = &mut self.phase else { return };
        match task.go_on() {
            Err(question) => self.ask(context, question),
            Ok(gathered) => {
                let Phase::Gathering(_, known) = std::mem::replace(&mut self.phase, Phase::Waiting) else { return };
                if let Err(end) = self.launch(context, *known, gathered) {
                    self.over(context, end);
                }
            }
        }
    }

    /// An answer is there.
    pub fn answered(&mut self, context: &mut Context, question: &Question, reachable: bool) {
        match &mut self.phase {
            Phase::Gathering(task, _) => {
                let answer = answer(context, question, reachable);
                task.answer(answer);
                self.gather_on(context);
            }
            Phase::Running(life) if question.is_about(OUTPUT) && life.looks() => {
                life.answered_of_lane(context, question, reachable);
            }
            // The look is over, and the feed asks of the input alone.
            Phase::Running(_) if question.is_about(OUTPUT) => {}
            Phase::Running(life) => life.answered(context, question, reachable, self.consent.accept_gap),
            Phase::Judging(at) => {
                let at = *at;
                let super::api::Answer::Message(found) = answer(context, question, reachable) else { return };
                match found {
                    Err(error) => self.over(context, End::Broker(error)),
                    Ok(found) => self.judged(context, at, found.as_ref()),
                }
            }
            _ => {}
        }
    }

    fn judged(&mut self, context: &mut Context, at: LaneSequence, found: Option<&StoredMessage>) {
        let Some((run, start)) = self.current.clone() else { return };
        match refused(at, found, &run, start) {
            RefusalVerdict::Stop(refusal) => self.stop(context, refusal),
            RefusalVerdict::Again { pause, .. } => self.again(context, pause),
        }
    }

    /// Decides, prepares, loads and launches, as the session does.
    fn launch(&mut self, context: &mut Context, known: Known, gathered: Answered) -> Result<(), End> {
        let BrokerFacts { broker, server_time, leaders } = gathered.map_err(End::Broker)?;
        if self.cut {
            return Err(End::Broker(BrokerError::Transient("the connection was lost".to_owned())));
        }
        let broker = self.memory.complete(broker);
        let random = context.random.bits() as u32;
        let run = self.memory.run(&broker, server_time, random);
        let asked = StartRequest { run: run.clone(), plan: spec(self.plan), consent: self.consent };
        let raw = known;
        let Adopted { disk: known, news } = rewind::adopt(&raw, &broker, self.consent.accept_rewind);
        let decided = decide(&known, &broker, &asked);
        let look = Look { at: Nanos(context.now()), input: leaders.0, output: leaders.1 };
        if let Err(again) = self.memory.suspected.confirm(suspicion(&known, &broker, &decided), look) {
            context.count("looked again");
            return Err(End::Broker(BrokerError::Transient(again.seen.to_owned())));
        }
        self.memory.keep_run();
        self.misled.get_or_insert(!stale::is_right(leaders.1));
        if let Err(refusal) = &decided
            && let Some(marker) = marker(&raw, &known, &broker, &asked, refusal)
        {
            self.send_marker(context, &marker, &run, self.starts);
            return Ok(());
        }
        let start = decided.map_err(End::Refused)?;
        let prepared = prepare(&start, &broker, &asked.plan, &known).map_err(End::Refused)?;
        self.tell_of(context, &start);
        self.count_kind(context, &start, &known, &broker, &asked);
        let directory = Directory { raw: &raw, known: &known, news: &news };
        let states = self.write_first(context, &start, &prepared, directory)?;
        let header = header(&start, &run, self.starts);
        let own = Own { header, created: broker.output.created, began_after: start.lane_last };
        self.current = Some((run.clone(), self.starts));
        self.plans.clone_from(&start.plans);
        let inbox = self.inbox();
        let birth = Birth {
            process: self.number,
            generation: self.generation,
            reading: Reading::new(start.after, broker.input.created),
            writing: Writing::new(inbox, own, &start.rewinds),
            plan: prepared.plan,
            record: prepared.record,
            next_plan: prepared.next_plan,
            states,
            disk: self.disk.clone(),
            start,
        };
        let life = Life::new(birth, context);
        let old = life.old.is_some();
        self.phase = Phase::Running(Box::new(life));
        self.plan(context, MILLIS, Inside::MakeConsumer(1));
        self.plan(context, self.interval, Inside::Interval);
        self.plan(context, TICK, Inside::Patience);
        if old {
            self.plan(context, MILLIS, Inside::ReadOld);
        }
        Ok(())
    }

    /// Counts how a start begins; no state is built anew without need.
    fn count_kind(&self, context: &mut Context, start: &Start, known: &Known, broker: &Broker, asked: &StartRequest) {
        match start.kind {
            StartKind::Fresh => {}
            StartKind::Resume => context.count("resumes"),
            StartKind::Rebuild(_) => {
                context.count("rebuilds");
                let known_to = known.lane_known().0;
                let last = known.checkpoint.as_ref().and_then(|record| record.plans.last());
                let configured = asked.plan.fingerprint();
                // Another engine may have published under another plan than the one that the record has by now.
                let published = broker.newest.ours().is_some_and(|newest| newest.run.plan != configured);
                let other = published || last.is_none_or(|last| last.plan != configured);
                let asked_for = self.consent.rebuild_state && other;
                let lost = known.checkpoint.is_none() || known.lost || broker.output.last < known_to || asked_for;
                if !lost && super::truth::is_of_another_history(context, known) {
                    context.count("states of another history");
                } else if !lost {
                    context.violated("a state is thrown away without need");
                }
            }
        }
    }

    fn tell_of(&self, context: &mut Context, start: &Start) {
        context.note(|| {
            let kind = match start.kind {
                StartKind::Fresh => "fresh",
                StartKind::Resume => "resume",
                StartKind::Rebuild(why) => why,
            };
            let (after, base, lane) = (start.after, start.base, start.base_lane);
            let plan = super::plans::letter(&start.plan.plan).unwrap_or('?');
            let (until, last, shards) = (&start.until, start.lane_last, self.shards);
            format!("p{} start: {kind} after {after}, B {base} R {lane}, lane to {last}, plan {plan} until {until:?}, {shards} shards", self.number)
        });
    }

    pub fn load(&self, start: &Start, ids: IdsOf) -> Result<Vec<State>, StoreError> {
        let shards = self.shards.min(usize::from(KEY_GROUPS));
        let load = |shard| load_shard(&self.disk, shard, shards, self.cache_rows, ids, start.after);
        (0..shards).map(load).collect()
    }

    /// A later engine announced itself.
    pub fn claimed(&mut self, by: &RunId) {
        let older = self.current.as_ref().is_some_and(|(run, _)| run < by);
        if older && let Some(life) = self.life() {
            life.ends(End::Refused(Refusal::NewerRun { run: by.to_string() }));
        }
    }

    /// Whether it cannot know that it is a later one than who wrote into the lane last: it was shown an older end of the lane
    /// when it chose its id.
    pub fn is_misled(&self) -> bool {
        self.misled == Some(true)
    }

    /// The run and start at work.
    pub fn current(&self) -> Option<&(RunId, u64)> {
        self.current.as_ref()
    }
}
