//! A small world for the tests of the protocol: a lane of outputs, a state as of S, and what a test changes in it.
//!
//! In its steady state the input holds positions 1 to 50, every position up to 12 has an output, and S is 10.

use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::plan::layout::Layout;
use crate::protocol::facts::{
    Broker, Checkpoint, Consent, Disk, GroupMark, Newest, PlanSince, StartRequest, StreamFacts,
};
use crate::protocol::header::{LaneMessage, RunHeader, RunId};
use crate::protocol::start::{Already, Start, StartKind, Until, decide};

pub use crate::core::plan::fixture::spec;

/// Disk, broker and what is asked.
#[derive(Clone)]
pub struct World {
    pub disk: Disk,
    pub broker: Broker,
    pub asked: StartRequest,
}

/// When the event at a position was stored.
pub fn stored_at(position: u64) -> Nanos {
    Nanos(1_000 + position as i64)
}

/// A plan of the past.
pub fn since(letter: char, position: u64) -> PlanSince {
    PlanSince { plan: spec(letter).fingerprint(), since: Position(position) }
}

/// The lane message at a sequence: under plan A from origin 1, by the run before ours.
pub fn message(sequence: u64, cause: u64) -> LaneMessage {
    LaneMessage {
        sequence: LaneSequence(sequence),
        input_stream: "EVENTS".to_owned(),
        cause: Position(cause),
        n: 0,
        followed: false,
        time: stored_at(cause),
        run: RunHeader {
            run: RunId::new(Nanos(7), 0),
            start: 1,
            plan: spec('A').fingerprint(),
            origin: Position(1),
            since: Position(1),
        },
        rewinds: Vec::new(),
    }
}

impl World {
    /// S = 10 with R(S) = 10, the lane ends with the output of position 12.
    pub fn steady() -> World {
        let checkpoint = Checkpoint {
            position: Position(10),
            lane: LaneSequence(10),
            stored_at: stored_at(10),
            stream_time: stored_at(10),
            input_created: Nanos(100),
            output_created: Nanos(200),
            origin: Position(1),
            plans: vec![since('A', 1)],
            layout: Layout::default(),
            gaps: 0,
            rewinds: Vec::new(),
        };
        let disk = Disk { checkpoint: Some(checkpoint), ..Disk::default() };
        let newest = Newest::Ours(Box::new(message(12, 12)));
        let broker = Broker {
            input: StreamFacts { created: Nanos(100), first: 1, last: 50, aged_out: false },
            output: StreamFacts { created: Nanos(200), first: 1, last: 12, aged_out: false },
            newest,
            oldest: Some(message(1, 1)),
            stored_at: (1..=50).map(|p| (Position(p), stored_at(p))).collect(),
            hole: None,
            rewinds: Vec::new(),
            floor: None,
        };
        let run = RunId::new(Nanos(9), 0);
        let asked = StartRequest { run, plan: spec('A'), consent: Consent::default() };
        World { disk, broker, asked }.with_texts("A")
    }

    /// The directory holds the texts of these plans.
    pub fn with_texts(mut self, letters: &str) -> World {
        self.disk.plans = letters.chars().map(|letter| (spec(letter).fingerprint(), spec(letter))).collect();
        self
    }

    pub fn record(&mut self) -> &mut Checkpoint {
        self.disk.checkpoint.as_mut().unwrap()
    }

    /// The directory is gone.
    pub fn lose_state(&mut self) {
        self.disk = Disk::default();
    }

    /// A key group got as far as this before the crash.
    pub fn mark(&mut self, position: u64, lane: u64) {
        let mark = GroupMark { position: Position(position), stored_at: stored_at(position), lane: LaneSequence(lane) };
        self.disk.marks.push(mark);
    }

    /// The lane's newest message.
    pub fn newest(&mut self) -> &mut LaneMessage {
        match &mut self.broker.newest {
            Newest::Ours(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// The lane ends here; its newest message is of this cause.
    pub fn lane(&mut self, last: u64, cause: u64) {
        self.broker.output.last = last;
        self.broker.newest = Newest::Ours(Box::new(message(last, cause)));
    }

    /// The lane's age limit took all of it.
    pub fn lane_aged_out(&mut self) {
        self.broker.newest = Newest::Gone;
        self.broker.oldest = None;
        self.broker.output.first = self.broker.output.last + 1;
        self.broker.output.aged_out = true;
    }

    /// Retention took the input up to before `first`.
    pub fn input_from(&mut self, first: u64) {
        self.broker.input.first = first;
        self.broker.stored_at.retain(|position, _| position.0 >= first);
    }

    /// The event at a position was stored at another time than we know.
    pub fn restamp(&mut self, position: u64) {
        self.broker.stored_at.insert(Position(position), Nanos(5));
    }

    pub fn configure(&mut self, letter: char) {
        self.asked.plan = spec(letter);
    }

    pub fn consent(&mut self) -> &mut Consent {
        &mut self.asked.consent
    }

    /// The decision in one line, or the refusal's sentence.
    pub fn decision(&self) -> String {
        match decide(&self.disk, &self.broker, &self.asked) {
            Ok(start) => line(&start),
            Err(refusal) => format!("{}: {}", refusal.exit_code(), self.named(&refusal.to_string())),
        }
    }

    /// Fingerprints as letters.
    fn named(&self, text: &str) -> String {
        "ABCD"
            .chars()
            .fold(text.to_owned(), |text, letter| text.replace(&spec(letter).fingerprint(), &letter.to_string()))
    }
}

/// A start in one line: where it reads on, B and R(B), what is out, the plan, where it ends, origin and gaps.
fn line(start: &Start) -> String {
    let letter = |plan: &str| "ABCD".chars().find(|letter| spec(*letter).fingerprint() == plan).unwrap_or('?');
    let kind = match start.kind {
        StartKind::Fresh => "fresh",
        StartKind::Resume => "resume",
        StartKind::Rebuild(_) => "rebuild",
    };
    let already = match start.already {
        Already::ByCount => format!("count to {}", start.lane_last),
        Already::Through(out) => format!("through {out}, lane {}", start.lane_last),
    };
    let plans: Vec<String> = start.plans.iter().map(|p| format!("{}{}", letter(&p.plan), p.since)).collect();
    let until = match &start.until {
        None => String::new(),
        Some(Until::OwnOutput(next)) => format!(", {} after an own output", letter(next)),
        Some(Until::Position(at, next)) => format!(", {} after {at}", letter(next)),
    };
    format!(
        "{kind} after {}, B {} R {}, {already}, plan {} of {}{until}, origin {}, gaps {}",
        start.after,
        start.base,
        start.base_lane,
        letter(&start.plan.plan),
        plans.join(" "),
        start.origin,
        start.gaps
    )
}

/// A sentence, what it changes, the decision.
pub type Row = (&'static str, fn(&mut World), &'static str);

/// What a steady world leads to.
pub const STEADY: &str = "resume after 10, B 10 R 10, count to 12, plan A of A1, origin 1, gaps 0";

/// Changes a steady world by each row and compares the decision.
pub fn check(rows: &[Row]) {
    for (sentence, change, decision) in rows {
        let mut world = World::steady();
        change(&mut world);
        assert_eq!(world.decision(), *decision, "{sentence}");
    }
}
