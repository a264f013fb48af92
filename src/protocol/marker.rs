//! The marker of a rewind: the one message of the lane that is no event's, by which an operator's consent becomes durable.
//!
//! Decides whether one may be published and what it says. Where it stands, every start finds that the input was rewound and
//! to which floor, without being told again.

use super::epoch::{self, MARKER};
use super::facts::{Broker, Disk, Newest, PlanSince, Rewind, StartRequest};
use super::header::{RunHeader, RunId};
use super::past;
use super::refusal::Refusal;
use super::rewind::{consented_before, plans, present};
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::output::{ERROR, Headers, POSITION, REASON, REWINDS, RUN, TIME};
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::template::TemplateHole;

/// The reason code of a marker.
pub const REWOUND: &str = "rewound";

/// A marker that may be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Where it must stand: behind the lane's end as it was seen.
    pub at: LaneSequence,
    /// The lane's rewinds, this one at the end.
    pub rewinds: Vec<Rewind>,
    /// When the event at the floor was stored; zero before the first.
    pub stored_at: Nanos,
    /// The furthest position that was processed.
    pub known: Position,
    /// The plan that the lane is under, and its first position.
    pub plan: PlanSince,
    /// The first position that ever went into the lane's state.
    pub origin: Position,
}

/// The marker with which a refused start goes on, if the operator consents and it is known from where. `disk` is the
/// account as `rewind::adopt` left it, `raw` as it was read.
pub fn marker(raw: &Disk, disk: &Disk, broker: &Broker, asked: &StartRequest, refusal: &Refusal) -> Option<Marker> {
    if !matches!(refusal, Refusal::InputLostTail { .. } | Refusal::InputDiffers { .. }) {
        return None;
    }
    let (floor, stored_at) = broker.floor?;
    if !asked.consent.accept_rewind && !consented_before(raw, broker, floor) {
        return None;
    }
    let record = disk.checkpoint.as_ref();
    // The other rules come first: a floor helps nobody beside another output stream.
    let another = record.is_some_and(|record| record.output_created != broker.output.created);
    let unknown_end = match broker.newest {
        Newest::Ours(_) | Newest::Never => false,
        Newest::Gone => broker.output.last > disk.lane_known().0,
        Newest::Foreign => true,
    };
    if another || unknown_end {
        return None;
    }
    let known = disk.witnesses(&broker.newest).last().map_or(Position(0), |(position, _)| *position);
    let known = Some(known.max(disk.processed())).filter(|known| *known > floor)?;
    let mut rewinds = present(disk, broker);
    let at = LaneSequence(broker.output.last + 1);
    rewinds.push(Rewind { number: epoch::count(&rewinds) + 1, floor, lane: at });
    let newest = broker.newest.ours();
    let plan = match (newest, record) {
        (Some(newest), _) => past::regime(newest),
        (None, Some(record)) => past::in_force(&record.plans, record.position)?.clone(),
        (None, None) => return None,
    };
    let origin = newest.map(|newest| newest.run.origin).or(record.map(|record| record.origin))?;
    let behind = Position(floor.0 + 1);
    let plan = plans(&[plan], rewinds.split_at(rewinds.len() - 1).1).pop()?;
    Some(Marker { at, rewinds, stored_at, known, plan, origin: origin.min(behind) })
}

impl Marker {
    /// The last position that is still the event that was processed.
    pub fn floor(&self) -> Position {
        self.rewinds.last().map_or(Position(0), |rewind| rewind.floor)
    }

    /// The subject, that of a dead letter of no kind.
    pub fn subject(&self, plan: &PlanSpec) -> String {
        plan.dead_subject.fill(&mut |hole| match hole {
            TemplateHole::Reason => Some(REWOUND.to_owned()),
            TemplateHole::Kind | TemplateHole::Type => Some("unknown".to_owned()),
            TemplateHole::Subtype | TemplateHole::Subject(_) => None,
        })
    }

    /// Its headers, but for what the server is told.
    pub fn headers(&self, input: &str, run: &RunId, start: u64) -> Headers {
        let PlanSince { plan, since } = self.plan.clone();
        let run = RunHeader { run: run.clone(), start, plan, origin: self.origin, since };
        let position = format!("{}:{}:{MARKER}", epoch::stream(input, &self.rewinds), self.floor());
        let headers = [
            (POSITION, position),
            (TIME, self.stored_at.to_string()),
            (RUN, run.to_string()),
            (REWINDS, epoch::list(&self.rewinds)),
            (REASON, REWOUND.to_owned()),
            (ERROR, self.sentence()),
        ];
        headers.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// The body.
    pub fn body(&self) -> String {
        let (floor, known) = (self.floor(), self.known);
        let lost = known.0 - floor.0;
        format!(r#"{{"rewound_to":{floor},"processed_to":{known},"positions_lost":{lost}}}"#)
    }

    /// What happened, for the log and for who reads the lane.
    pub fn sentence(&self) -> String {
        let (floor, known) = (self.floor(), self.known);
        format!("the input stream lost what was processed behind position {floor} (up to {known}), and goes on there")
    }
}
