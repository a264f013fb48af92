//! The audit: takes both streams as they are read and judges position by position.
//!
//! Reads nothing itself and never waits; `wants` says which stream it needs next, so that what it holds stays
//! bounded however far apart the two are. `cli` drives it.
//!
//! A turn takes the next events of the input, asks `recompute` what must stand in the lane for them, and
//! holds the lane's messages of those positions against it.

use super::lane::{AuditedLane, LaneEntry};
use super::recompute::Recompute;
use super::regime::{self, Begin, Regime};
use super::report::{AuditReport, Doubt};
use super::rewound::{Rewinds, Taint};
use super::scales::Scales;
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::plan::spec::PlanSpec;
use crate::protocol::facts::Rewind;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many messages of each stream are gathered before a turn: as much as makes a good slice. Tests take
/// many turns over few messages.
const AHEAD: usize = if cfg!(test) { 8 } else { 512 };
/// Bytes of messages of each stream that are as much, however few they are.
const AHEAD_BYTES: usize = if cfg!(test) { 4_096 } else { 8 << 20 };

/// The first and last sequence of a stream; `first` is `last + 1` when it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamBounds {
    /// The first sequence still there.
    pub first: u64,
    /// The last sequence ever stored.
    pub last: u64,
}

/// What an audit is about.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The configured plan; it names the input stream.
    pub plan: PlanSpec,
    /// Other plans whose text is at hand, by fingerprint.
    pub older: BTreeMap<String, PlanSpec>,
    /// The input stream. Ask for it after the output stream, or a running engine outruns it.
    pub input: StreamBounds,
    /// The output stream.
    pub output: StreamBounds,
    /// The rewinds of the input that the lane names.
    pub rewinds: Vec<Rewind>,
    /// Whether every outcome must be in the lane by now.
    pub complete: bool,
}

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditedStream {
    /// The input stream.
    Input,
    /// The output stream.
    Output,
}

/// An audit on its way.
#[derive(Debug)]
pub struct Audit {
    options: AuditOptions,
    /// Every plan whose text is at hand, by fingerprint.
    plans: BTreeMap<String, PlanSpec>,
    events: VecDeque<StoredMessage>,
    /// Their bodies' bytes.
    events_bytes: usize,
    input_ended: bool,
    output_ended: bool,
    scales: Scales,
    rewinds: Rewinds,
    taint: Option<Taint>,
    /// The regime that is judged under, and the core at work under it where its plan's text is at hand.
    regime: Option<Arc<Regime>>,
    recompute: Option<Recompute>,
    /// The last position of the input that was passed.
    passed: Position,
    /// The latest stored-at time of the events so far.
    latest: Nanos,
    /// A planted fault of our own.
    #[cfg(test)]
    pub(super) fails_at: Option<Position>,
}

impl Audit {
    /// Begins an audit.
    pub fn new(options: AuditOptions) -> Audit {
        let mut plans = options.older.clone();
        for plan in [options.plan.of_before(), options.plan.clone()] {
            plans.insert(plan.fingerprint(), plan);
        }
        let (input, output) = (options.input, options.output);
        let name = options.plan.input_stream.clone();
        let rewinds = Rewinds::new(options.rewinds.clone());
        let lane = AuditedLane::new(name.clone(), Position(input.last), LaneSequence(output.first), rewinds.clone());
        Audit {
            plans,
            events: VecDeque::new(),
            events_bytes: 0,
            input_ended: input.first > input.last,
            output_ended: output.first > output.last,
            scales: Scales::new(name, lane),
            rewinds,
            taint: None,
            regime: None,
            recompute: None,
            passed: Position(0),
            latest: Nanos(0),
            options,
            #[cfg(test)]
            fails_at: None,
        }
    }

    /// The side whose next message is needed; `None` when both have ended. Feeding the other one is no
    /// mistake, it only takes memory.
    pub fn wants(&self) -> Option<AuditedStream> {
        match (self.input_ended, self.output_ended) {
            (true, true) => None,
            (false, true) => Some(AuditedStream::Input),
            (true, false) => Some(AuditedStream::Output),
            // The lane first: it says under which plan the events are judged.
            (false, false) if !self.lane_is_ahead() => Some(AuditedStream::Output),
            (false, false) => Some(AuditedStream::Input),
        }
    }

    /// Takes the next message of the input stream, in order of sequence.
    pub fn input(&mut self, message: StoredMessage) {
        let bounds = self.options.input;
        self.input_ended |= message.sequence >= bounds.last;
        if (bounds.first..=bounds.last).contains(&message.sequence) {
            self.events_bytes += message.payload.len();
            self.events.push_back(message);
        }
        self.advance();
    }

    /// Takes the next message of the output stream, in order of sequence.
    pub fn output(&mut self, message: StoredMessage) {
        let bounds = self.options.output;
        self.output_ended |= message.sequence >= bounds.last;
        if (bounds.first..=bounds.last).contains(&message.sequence) {
            self.scales.arrive(message, self.passed);
        }
        self.advance();
    }

    /// Says that a stream has no more messages. Not needed after the message at its last sequence.
    pub fn end(&mut self, side: AuditedStream) {
        match side {
            AuditedStream::Input => self.input_ended = true,
            AuditedStream::Output => self.output_ended = true,
        }
        self.advance();
    }

    /// Ends both streams and gives the report.
    pub fn finish(mut self) -> AuditReport {
        self.input_ended = true;
        self.output_ended = true;
        self.advance();
        self.scales.report.judged(self.options.complete)
    }

    /// Takes turns while both sides have gathered enough, or have ended.
    fn advance(&mut self) {
        let lane_ready = |audit: &Audit| audit.output_ended || audit.lane_is_ahead();
        let input_ready =
            |audit: &Audit| audit.input_ended || audit.events.len() >= AHEAD || audit.events_bytes >= AHEAD_BYTES;
        while lane_ready(self) && input_ready(self) && self.turn() {}
    }

    /// Whether enough of the lane is gathered for a turn.
    fn lane_is_ahead(&self) -> bool {
        let lane = &self.scales.lane;
        let causes = lane.front().is_some_and(|front| front.key.0 <= lane.horizon());
        causes && (lane.len() >= AHEAD || lane.bytes() >= AHEAD_BYTES)
    }

    /// Judges the next events; `false` when there is nothing left to judge by now.
    fn turn(&mut self) -> bool {
        let Some(next) = self.events.front().map(|message| Position(message.sequence)) else {
            return self.scales.orphans(None, self.passed) > 0;
        };
        self.scales.orphans(Some(next), self.passed);
        if self.scales.lane.horizon() < next && !self.output_ended {
            return true;
        }
        self.cross_gap(next);
        self.change_regime(next);
        self.cross_rewind(next);
        let whole = self.recompute.as_ref().is_some_and(Recompute::is_whole);
        if whole {
            self.judge_run(next)
        } else {
            self.judge_one(next)
        }
        true
    }

    /// Positions before `next` that the input no longer holds may have changed rows.
    fn cross_gap(&mut self, next: Position) {
        let first_gone = Position(self.passed.0 + 1);
        if first_gone < next
            && !self.is_harmless(first_gone, next)
            && let Some(recompute) = &mut self.recompute
        {
            recompute.lose_rows(self.latest);
            self.scales.state_lacks_a_plan = false;
        }
    }

    /// From the first event behind a rewind's floor on, what lost events left in the state makes all else likely only.
    fn cross_rewind(&mut self, next: Position) {
        let Some(first) = self.events.front() else { return };
        if self.rewinds.lost_between(self.passed, next) {
            let window = Nanos(
                i64::try_from(self.options.plan.dedup_window_s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000),
            );
            self.taint = Some(Taint { by: first.stored_at.max(self.latest), window });
        }
    }

    /// Whether the lane shows that nothing between changed the state. Of events that a replay passed over it shows nothing.
    fn is_harmless(&self, first_gone: Position, next: Position) -> bool {
        let plan = self.regime.as_ref().and_then(|regime| self.plans.get(&regime.plan));
        plan.is_none_or(|plan| plan.emit.is_none()) && self.scales.is_harmless(first_gone, next)
    }

    /// Goes over to the regime in force at `next`, if it is another.
    fn change_regime(&mut self, next: Position) {
        let configured = || {
            // Nothing was ever published: what will be is made under the configured plan.
            let origin = Position(self.options.input.first);
            Arc::new(Regime { plan: self.options.plan.fingerprint(), origin, since: origin })
        };
        let unused = self.scales.lane.is_new() && self.output_ended;
        let wanted = self.scales.lane.regime_at(next).cloned().or_else(|| unused.then(configured));
        if wanted == self.regime {
            return;
        }
        let before = std::mem::replace(&mut self.regime, wanted);
        let running = self.recompute.take();
        let Some((regime, spec)) =
            self.regime.as_ref().and_then(|regime| Some((regime, self.plans.get(&regime.plan)?)))
        else {
            return;
        };
        let change = regime::RegimeChange {
            before: before.as_deref().map(|before| (before, running.as_ref().map(Recompute::spec))),
            passed: self.passed,
            at: next,
            harmless: self.is_harmless(regime.origin, next),
        };
        let after = Position(next.0 - 1);
        let lacked = before.is_some() && running.is_none();
        let begin = regime::begin(&change, regime, spec);
        self.scales.state_lacks_a_plan = match begin {
            Begin::Carried => self.scales.state_lacks_a_plan,
            Begin::Empty => false,
            Begin::Lost => lacked,
        };
        self.recompute = Some(match (begin, running) {
            (Begin::Carried, Some(running)) => running.under(spec, after),
            (Begin::Empty, _) => Recompute::new(spec, after, None),
            (Begin::Carried | Begin::Lost, _) => Recompute::new(spec, after, Some(self.latest)),
        });
        #[cfg(test)]
        self.recompute.iter_mut().for_each(|recompute| recompute.fails_at = self.fails_at);
    }

    /// Judges a run of consecutive events under one regime, everything being known.
    fn judge_run(&mut self, next: Position) {
        let end = self.scales.lane.regime_end(next).min(self.rewinds.next_edge(Position(next.0 + 1)));
        let horizon = if self.output_ended { Position(u64::MAX) } else { self.scales.lane.horizon() };
        let positions = self.events.iter().map(|message| Position(message.sequence)).zip(next.0..);
        let length = positions.take_while(|(at, n)| at.0 == *n && *at < end && *at <= horizon).count().min(AHEAD);
        let messages: Vec<StoredMessage> = self.events.drain(..length).collect();
        self.events_bytes -= messages.iter().map(|message| message.payload.len()).sum::<usize>();
        let times: Vec<(Position, Nanos)> = messages.iter().map(|m| (Position(m.sequence), m.stored_at)).collect();
        let Some(recompute) = &mut self.recompute else { return };
        let expected = recompute.run(messages);
        for ((position, stored_at), expected) in times.into_iter().zip(expected) {
            self.pass(position, stored_at);
            let expected = match self.taint {
                Some(taint) => taint.doubted(expected, stored_at),
                None => expected,
            };
            self.scales.weigh(position, stored_at, &expected);
        }
    }

    /// Judges one event while not everything is known: the lane then tells whether it was processed.
    fn judge_one(&mut self, next: Position) {
        let Some(message) = self.events.pop_front() else { return };
        self.events_bytes -= message.payload.len();
        let stored_at = message.stored_at;
        let witness = self.scales.witness(next);
        self.pass(next, stored_at);
        if let Some(recompute) = &mut self.recompute {
            let expected = recompute.run_with(message, witness);
            let expected = match self.taint {
                Some(taint) => taint.doubted(expected, stored_at),
                None => expected,
            };
            self.scales.weigh(next, stored_at, &expected);
        } else {
            match self.scales.lane.front() {
                // It stands before the first event that was ever looked at, or that a replay gives an outcome.
                Some(entry) if next < entry.regime.origin || self.is_before_the_range(entry, next) => {}
                None if self.regime.is_none() => self.scales.leave(next, stored_at, Doubt::LaneGone),
                _ => self.scales.leave(next, stored_at, Doubt::PlanUnknown),
            }
        }
    }

    /// Whether an entry's plan is a replay's whose range begins behind a position.
    fn is_before_the_range(&self, entry: &LaneEntry, position: Position) -> bool {
        let plan = self.plans.get(&entry.regime.plan);
        plan.and_then(|plan| plan.emit.as_ref()).is_some_and(|emit| position < emit.from)
    }

    /// Whether no more is held than a turn needs.
    #[cfg(test)]
    pub(super) fn is_bounded(&self) -> bool {
        self.events.len() <= AHEAD && self.scales.lane.len() <= AHEAD
    }

    fn pass(&mut self, position: Position, stored_at: Nanos) {
        self.passed = position;
        self.latest = self.latest.max(stored_at);
    }
}
