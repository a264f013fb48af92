//! What one event costs in the core, on one thread and stage by stage: `cargo bench --bench core_step`.
//!
//! The shipped configuration over the generator's events, users known beforehand, slices of the engine's size. As in the
//! engine: mimalloc, subjects shared, the payloads of a slice in one buffer, and now and then a barrier takes the changes.
//! `--stage NAME --slices N` runs one stage N times and nothing else: `scripts/bench core` counts its instructions; `--with WHAT`
//! adds something to the school's job.

#![allow(missing_docs)]

mod with;

use bytes::{Bytes, BytesMut};
use clap::Parser;
use criterion::{BatchSize, Criterion, Throughput};
use sidestream::config::{Config, Overrides};
use sidestream::core::decode::Decoder;
use sidestream::core::encode::{Encoder, Gains};
use sidestream::core::event::{Events, StoredMessage};
use sidestream::core::ids::{Nanos, Position};
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::selector::Selector;
use sidestream::core::plan::spec::{KindSpec, PlanSpec};
use sidestream::core::plan::table::TableSpec;
use sidestream::core::quality::Marks;
use sidestream::core::state::changes::State;
use sidestream::core::state::visible::VisibleRows;
use sidestream::core::{apply, join};
use sidestream::generate::{Generated, School, SchoolOptions};
use sidestream::protocol::runner::Runner;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use with::With;

/// Events in a slice, as in the engine's feed.
const SLICE: usize = 512;
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Slices between two barriers: about a second at full speed.
const BARRIER: u64 = 250;
/// Events, at least, that fill the state before anything is measured: everybody has signed up then.
const KNOWN: u64 = 40_000;
/// When the first event was stored.
const BEGINNING: i64 = 1_763_725_500_000_000_000;

#[derive(Debug, Parser)]
struct Line {
    /// The one stage to run.
    #[arg(long)]
    stage: Option<Stage>,
    /// How many slices it runs over.
    #[arg(long, default_value_t = 20)]
    slices: usize,
    /// How often that is repeated; the mean time is printed.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// How many ids the window of de-duplication holds. The memory that they fill is what the step waits for.
    #[arg(long, default_value_t = 1_000_000)]
    ids: u64,
    /// How many kinds the plan has: the school's three, and others with six places each that no event is of.
    #[arg(long, default_value_t = 3)]
    kinds: usize,
    /// What the plan does beside the school's job.
    #[arg(long)]
    with: Option<With>,
    /// `cargo bench` says it.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured; each stage holds what the ones before it did ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Stage {
    /// One scan, kind, key, identity, group.
    Decode,
    /// The look at the ids, and the note of the new one.
    Dedup,
    /// What the event makes of its rows, worked out.
    Apply,
    /// Finding the rows that are added.
    Join,
    /// The enriched bytes, headers and subject.
    Encode,
    /// The whole step, commit included, over decoded events.
    Step,
    /// Intake and step: everything that the core does with an event.
    Whole,
}

/// All stages, in the order of an event's way.
const STAGES: [Stage; 7] =
    [Stage::Decode, Stage::Dedup, Stage::Apply, Stage::Join, Stage::Encode, Stage::Step, Stage::Whole];

struct Bench {
    school: School,
    sequence: u64,
    /// Nanoseconds between two events, such that the window holds as many ids as asked for.
    apart: i64,
    slices: u64,
    subjects: Vec<Arc<str>>,
    with: Option<With>,
    runner: Runner,
    /// A second state of the same rows, for the stages that only look.
    state: State,
}

impl Bench {
    fn new(ids: u64, kinds: usize, with: Option<With>) -> Bench {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
        let (config, _) = Config::load(&file, &Overrides::default()).expect("the shipped configuration");
        let mut spec = config.plan;
        (spec.kinds.len()..kinds).for_each(|number| add_kind(&mut spec, number));
        with.iter().for_each(|with| with.plan(&mut spec));
        let plan = Arc::new(Plan::compile(spec, &Layout::default()));
        let state = || State::new(config.state.cache_rows, plan.dedup_window);
        let runner = || Runner::over(plan.clone(), vec![state()], Position(0), Nanos(0));
        let window = plan.dedup_window.expect("the shipped configuration has a window");
        let mut bench = Bench {
            runner: runner(),
            state: state(),
            school: School::new(1, SchoolOptions::default()),
            sequence: 0,
            apart: window.0 / ids.max(1) as i64,
            slices: 0,
            subjects: Vec::new(),
            with,
        };
        let mut other = runner().shards.remove(0);
        while bench.sequence < ids.max(KNOWN) {
            let events = bench.events();
            other.run(&events);
            bench.step(&events);
            barrier(&mut other.state, bench.slices, bench.sequence, bench.now());
        }
        bench.state = other.state;
        bench
    }

    fn messages(&mut self) -> Vec<StoredMessage> {
        let mut event = Generated::default();
        let mut buffer = BytesMut::new();
        let mut messages: Vec<StoredMessage> = (0..SLICE).map(|_| self.message(&mut event, &mut buffer)).collect();
        let mut buffer = buffer.freeze();
        for message in &mut messages {
            message.payload = buffer.split_to(message.payload.len());
        }
        messages
    }

    /// The next message, its body at the buffer's end and zeros of that length in its place.
    fn message(&mut self, event: &mut Generated, buffer: &mut BytesMut) -> StoredMessage {
        self.school.write_next(event);
        if let Some(with) = self.with {
            event.payload = with.wrap(&event.payload);
        }
        self.sequence += 1;
        buffer.extend_from_slice(&event.payload);
        let known = self.subjects.iter().find(|subject| ***subject == *event.subject).cloned();
        let subject = known.unwrap_or_else(|| {
            self.subjects.push(event.subject.as_str().into());
            event.subject.as_str().into()
        });
        StoredMessage {
            sequence: self.sequence,
            stored_at: self.now(),
            subject,
            headers: None,
            payload: Bytes::from(vec![0; event.payload.len()]),
        }
    }

    fn events(&mut self) -> Events {
        let messages = self.messages();
        let slice = self.runner.cut(messages).expect("a slice");
        slice.shards.into_iter().next().expect("one shard")
    }

    fn whole(&mut self, messages: Vec<StoredMessage>) {
        let slice = self.runner.cut(messages).expect("a slice");
        for events in &slice.shards {
            self.step(events);
        }
    }

    fn step(&mut self, events: &Events) {
        let now = self.now();
        let step = self.runner.shards.first_mut().expect("one shard");
        black_box(step.run(events));
        self.slices += 1;
        barrier(&mut step.state, self.slices, self.sequence, now);
    }

    fn now(&self) -> Nanos {
        Nanos(BEGINNING + self.sequence as i64 * self.apart)
    }

    fn decode(&self, messages: Vec<StoredMessage>) -> Events {
        let (mut decoder, mut events) = (Decoder::default(), Events::default());
        for message in messages {
            let event = decoder.decode(&self.runner.plan, message, Nanos(0), &mut events.spans);
            events.list.push(event);
        }
        events
    }

    fn dedup(&mut self, events: &Events) {
        for event in &events.list {
            let Some(id) = event.reading.as_ref().ok().and_then(|reading| reading.identity) else { continue };
            if !black_box(self.state.ids.is_duplicate(event.group, id, event.stream_time)) {
                self.state.ids.mark(event.group, id, event.stream_time);
            }
        }
        self.slices += 1;
        let now = self.now();
        barrier(&mut self.state, self.slices, self.sequence, now);
    }

    /// Apply, then join, then encode, as far as asked.
    fn work_out(&self, events: &Events, stage: Stage, encoder: &mut Encoder) {
        for (event, spans) in events.iter(&self.runner.plan) {
            let kind = self.runner.plan.kinds.get(usize::from(event.kind)).expect("a kind");
            let reading = event.reading.as_ref().expect("a good event");
            let known = VisibleRows::asked(&self.state.rows, reading.key.as_ref().map(|key| key.digest));
            let changes = apply::apply(known, kind, event, spans).expect("changes").changes;
            if stage != Stage::Apply {
                let joined = join::join(known, &changes, kind, event, spans).expect("a join");
                if stage == Stage::Encode {
                    let gains = Gains { joined: &joined, marks: &Marks::new() };
                    black_box(encoder.output(kind, event, spans, gains, None).expect("an output"));
                } else {
                    black_box(joined);
                }
            } else {
                black_box(changes);
            }
        }
        encoder.seal(&mut [], &mut [], &[]);
    }

    fn run(&mut self, stage: Stage, ready: Ready, encoder: &mut Encoder) {
        match (stage, ready) {
            (Stage::Decode, Ready::Messages(messages)) => drop(black_box(self.decode(messages))),
            (Stage::Whole, Ready::Messages(messages)) => self.whole(messages),
            (Stage::Dedup, Ready::Events(events)) => self.dedup(&events),
            (Stage::Step, Ready::Events(events)) => self.step(&events),
            (_, Ready::Events(events)) => self.work_out(&events, stage, encoder),
            _ => {}
        }
    }

    fn ready(&mut self, stage: Stage) -> Ready {
        match stage {
            Stage::Decode | Stage::Whole => Ready::Messages(self.messages()),
            _ => Ready::Events(self.events()),
        }
    }
}

/// Another kind, with a key and a table of five columns.
fn add_kind(spec: &mut PlanSpec, number: usize) {
    let name = format!("kind_{number}");
    let place = |field: &str| Selector::Path(vec!["properties".to_owned(), format!("{name}_{field}")]);
    let columns = ["a", "b", "c", "d", "e"].map(|column| (column.to_owned(), place(column))).into();
    spec.kinds.insert(name.clone(), KindSpec { key: Some(place("key").into()), ..KindSpec::default() });
    spec.tables.insert(name.clone(), TableSpec { from: name.clone(), columns, ..TableSpec::default() });
}

/// Takes the changes of a state whenever a barrier is due.
fn barrier(state: &mut State, slices: u64, sequence: u64, now: Nanos) {
    if slices.is_multiple_of(BARRIER) {
        black_box(state.take_changes(slices, Position(sequence), now));
        state.rows.evict(slices);
    }
}

/// What a stage begins with.
enum Ready {
    Messages(Vec<StoredMessage>),
    Events(Events),
}

fn main() {
    let line = Line::parse();
    let mut bench = Bench::new(line.ids, line.kinds, line.with);
    let mut encoder = Encoder::new(bench.runner.plan.clone());
    if let Some(stage) = line.stage {
        return alone(&mut bench, &mut encoder, stage, &line);
    }
    let mut c = Criterion::default();
    let mut group = c.benchmark_group("core, one thread");
    group.throughput(Throughput::Elements(SLICE as u64));
    for stage in STAGES {
        let cell = std::cell::RefCell::new((&mut bench, &mut encoder));
        group.bench_function(format!("{stage:?}").to_lowercase(), |b| {
            b.iter_batched(
                || cell.borrow_mut().0.ready(stage),
                |ready| {
                    let (bench, encoder) = &mut *cell.borrow_mut();
                    bench.run(stage, ready, encoder);
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
    c.final_summary();
}

/// One stage for a profiler.
fn alone(bench: &mut Bench, encoder: &mut Encoder, stage: Stage, line: &Line) {
    let mut taken = Duration::ZERO;
    for _ in 0..line.rounds {
        // The events are made beforehand for every number of slices alike, so that two runs differ by the stage alone.
        let made = if line.rounds == 1 { line.slices.max(200) } else { line.slices };
        let mut ready: Vec<Ready> = (0..made).map(|_| bench.ready(stage)).collect();
        let began = Instant::now();
        for ready in ready.drain(..line.slices) {
            bench.run(stage, ready, encoder);
        }
        taken += began.elapsed();
        if line.rounds == 1 {
            // Neither must they be dropped in one of them only.
            std::mem::forget(ready);
        }
    }
    println!("{stage:?}: {} ns an event", taken.as_nanos() / (line.rounds * line.slices * SLICE) as u128);
}
