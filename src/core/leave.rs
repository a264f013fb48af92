//! What an event leads to whose joins are done: judged by the rules of quality, mapped, routed and encoded.
//!
//! The same for an event that leaves at once and for one that waited. Changes nothing but the encoder's buffer.

use super::encode::{Encoder, Gains};
use super::event::Event;
use super::expr::{ConditionAnswer, Why};
use super::join::JoinedRows;
use super::outcome::{Outcome, Silence};
use super::output::Output;
use super::plan::compiled::Kind;
use super::plan::condition::{RuleId, SeenEvent};
use super::plan::layout::TableId;
use super::rejection::Rejection;
use super::route::{self, OutputWay};
use super::tally::Tally;
use super::{map, quality};
use crate::json::fields::Span;
use smallvec::SmallVec;

/// The messages of one event, and what is counted of how they came about.
pub(super) struct LeadsTo {
    pub(super) outcome: Outcome,
    /// The route that keeps its usual output from leaving.
    pub(super) kept: Option<RuleId>,
    /// The maps that made a message of it.
    pub(super) mapped: SmallVec<[RuleId; 2]>,
    pub(super) unknown: Vec<(RuleId, Why)>,
}

/// What leaves, and the tables that were missed.
pub(super) struct Leaving {
    pub(super) missed: Vec<TableId>,
    pub(super) leads_to: LeadsTo,
}

/// Judges and encodes an event whose joins are done.
pub(super) fn leaving(
    kind: &Kind,
    joined: JoinedRows<'_>,
    encoder: &mut Encoder,
    tally: &mut Tally,
    event: &Event,
    spans: &[Span],
) -> Result<Leaving, Rejection> {
    let marks = if kind.quality.is_empty() {
        quality::Marks::new()
    } else {
        quality::judge(kind, event, spans, &joined, tally)?
    };
    let gains = Gains { joined: &joined, marks: &marks };
    let leads_to = if kind.asks {
        asked(kind, encoder, event, spans, gains)?
    } else {
        LeadsTo::just(Outcome::Publish(encoder.output(kind, event, spans, gains, None)?))
    };
    Ok(Leaving { missed: joined.missed, leads_to })
}

/// The messages of an event whose kind has conditions, maps or routes: its usual output where it leaves, then those of maps.
fn asked(
    kind: &Kind,
    encoder: &mut Encoder,
    event: &Event,
    spans: &[Span],
    gains: Gains<'_, '_>,
) -> Result<LeadsTo, Rejection> {
    let seen = SeenEvent { rows: &gains.joined.rows, ..event.seen(spans) };
    let mut unknown = Vec::new();
    for test in kind.tests() {
        if let ConditionAnswer::Unknown(why) = test.holds(seen) {
            unknown.push((test.rule, why));
        }
    }
    let maps = map::holding(&kind.maps, seen, &mut unknown);
    let replaced = maps.iter().any(|map| map.instead);
    let way = if replaced { None } else { Some(route::way(kind, seen, &mut unknown)) };
    let (usual, kept) = match way {
        None => (None, None),
        Some(OutputWay::Dropped(rule)) => (None, Some(rule)),
        Some(OutputWay::Usual) => (Some(encoder.output(kind, event, spans, gains, None)?), None),
        Some(OutputWay::To(template)) => (Some(encoder.output(kind, event, spans, gains, Some(template))?), None),
    };
    if maps.is_empty() {
        let silent = || Outcome::Silent(kept.map_or(Silence::Dropped, Silence::Filtered));
        let outcome = usual.map_or_else(silent, Outcome::Publish);
        return Ok(LeadsTo { unknown, ..LeadsTo::just(outcome) });
    }
    let mut outputs: Vec<Output> = usual.into_iter().collect();
    for map in &maps {
        let n = u32::try_from(outputs.len()).expect("a plan has fewer maps than that");
        outputs.push(encoder.mapped(map, event, seen, n)?);
    }
    let outcome = Outcome::of(outputs, Silence::Dropped);
    Ok(LeadsTo { outcome, kept, mapped: maps.iter().map(|map| map.rule).collect(), unknown })
}

impl LeadsTo {
    fn just(outcome: Outcome) -> LeadsTo {
        LeadsTo { outcome, kept: None, mapped: SmallVec::new(), unknown: Vec::new() }
    }
}
