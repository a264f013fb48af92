//! A small school for the audit's tests: an input, and the lane that the core makes of it.
//!
//! The lane is written as the lane's writer does it. Faults are planted by the tests, never here.

use crate::audit::{Audit, AuditFinding, AuditOptions, AuditReport, AuditVerdict, AuditedStream, StreamBounds};
use crate::core::event::StoredMessage;
use crate::core::ids::{Nanos, Position};
use crate::core::output::{Headers, Output, POSITION, RUN, TIME};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::{IdentityRule, PlanSpec};
use crate::core::plan::template::Template;
use crate::core::state::changes::State;
use crate::core::step::Step;
use crate::protocol::cutter::Cutter;
use crate::protocol::facts::Rewind;
use crate::protocol::header::{RunHeader, RunId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub const SECOND: i64 = 1_000_000_000;
/// The school's `dedup.window_s`.
pub const WINDOW: i64 = 60;

/// The school's plan, with a delete rule.
pub fn plan() -> PlanSpec {
    let plan = json!({
        "input_stream": "EVENTS",
        "event": { "kind": "title", "id": "event_uuid", "time": null },
        "unknown_kinds": "forward",
        "kinds": {
            "user": { "key": "properties.uuid" },
            "subscription": { "key": "properties.user_uuid" },
            "lesson": { "key": "properties.user_uuid" },
            "exam": { "key": "properties.user_uuid" },
        },
        "tables": {
            "user": {
                "from": "user", "row": null, "columns": { "country": "properties.country" },
                "delete": { "field": "properties.operation", "equals": { "Text": "delete" } },
            },
            "subscription": {
                "from": "subscription", "row": "properties.language",
                "columns": { "status": "properties.status", "type": "properties.type" }, "delete": null,
            },
        },
        "enrich": [
            { "kinds": ["lesson"], "on_miss": "null", "into": [], "add": {
                "country": { "table": "user", "row": null, "column": "country" },
                "status": { "table": "subscription", "row": "properties.language", "column": "status" },
            } },
            { "kinds": ["exam"], "on_miss": "dead_letter", "into": [], "add": {
                "country": { "table": "user", "row": null, "column": "country" },
            } },
        ],
        "output_subject": "enriched.{kind}",
        "mark": "event_processed",
        "max_bytes": 1_048_576,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": WINDOW,
    });
    serde_json::from_value(plan).unwrap()
}

/// The school's plan with another subject and the other rule of identity: changes that keep the state.
pub fn other_subject() -> PlanSpec {
    PlanSpec { output_subject: Template::parse("other.{kind}").unwrap(), identity: IdentityRule::Kind, ..plan() }
}

/// Both streams, and what the audit is told about them.
#[derive(Clone)]
pub struct World {
    pub input: Vec<StoredMessage>,
    pub lane: Vec<StoredMessage>,
    /// Plan and first position, in order.
    pub plans: Vec<(PlanSpec, u64)>,
    pub known: BTreeMap<String, PlanSpec>,
    pub input_bounds: Option<StreamBounds>,
    pub complete: bool,
    pub rewinds: Vec<Rewind>,
}

impl World {
    pub fn new() -> World {
        World {
            input: Vec::new(),
            lane: Vec::new(),
            plans: vec![(plan(), 1)],
            known: BTreeMap::new(),
            input_bounds: None,
            complete: true,
            rewinds: Vec::new(),
        }
    }

    /// Appends an event that is stored a second after the one before.
    pub fn event(&mut self, payload: impl Into<String>) -> u64 {
        let last = self.input.last().map_or(1_700_000_000 * SECOND, |message| message.stored_at.0);
        self.event_at(last + SECOND, payload)
    }

    pub fn event_at(&mut self, time: i64, payload: impl Into<String>) -> u64 {
        let sequence = self.input.last().map_or(1, |message| message.sequence + 1);
        let headers = sequence.is_multiple_of(3).then(|| Arc::new(vec![("Trace".into(), format!("t{sequence}"))]));
        self.input.push(StoredMessage {
            sequence,
            stored_at: Nanos(time),
            subject: "events.school".into(),
            headers,
            payload: payload.into().into(),
        });
        sequence
    }

    pub fn user(&mut self, id: u64, user: &str, country: &str) -> u64 {
        self.event(made("user", id, json!({ "uuid": user, "country": country })))
    }

    pub fn subscription(&mut self, id: u64, user: &str, language: &str, status: &str) -> u64 {
        self.event(made("subscription", id, json!({ "user_uuid": user, "language": language, "status": status })))
    }

    pub fn lesson(&mut self, id: u64, user: &str, language: &str) -> u64 {
        self.event(made("lesson", id, json!({ "user_uuid": user, "language": language })))
    }

    pub fn exam(&mut self, id: u64, user: &str) -> u64 {
        self.event(made("exam", id, json!({ "user_uuid": user })))
    }

    /// Runs the core over the input and writes the lane.
    pub fn publish(mut self) -> World {
        let mut outputs: Vec<(Output, RunHeader)> = Vec::new();
        let mut state = None;
        let mut layout = Layout::default();
        let mut time = Nanos(0);
        for (n, (spec, since)) in self.plans.iter().enumerate() {
            let until = self.plans.get(n + 1).map_or(u64::MAX, |(_, next)| *next);
            let plan = Arc::new(Plan::compile(spec.clone(), &layout));
            layout = plan.layout.clone();
            let messages = self.input.iter().filter(|m| (*since..until).contains(&m.sequence)).cloned().collect();
            let mut taken = state.take().unwrap_or_else(|| State::new(usize::MAX, plan.dedup_window));
            if n > 0 && self.plans.get(n - 1).is_some_and(|(before, _)| before.identity != spec.identity) {
                taken.ids.change_rule(time);
            }
            let mut step = Step::new(plan.clone(), taken);
            let slice = Cutter::after(plan.clone(), 1, Position(since - 1), time).take(messages, false);
            for output in slice.iter().flat_map(|slice| step.run(&slice.shards[0]).outcomes).flatten() {
                let (run, plan) = (RunId::new(Nanos(7), n as u32), plan.fingerprint.clone());
                let origin = Position(self.plans[0].1);
                outputs.push((output, RunHeader { run, start: 1, plan, origin, since: Position(*since) }));
            }
            time = self.input.iter().filter(|m| m.sequence < until).map(|m| m.stored_at).max().unwrap_or_default();
            state = Some(step.state);
        }
        self.known = self.plans.iter().map(|(spec, _)| (spec.fingerprint(), spec.clone())).collect();
        self.lane = (1..).zip(outputs).map(|(sequence, (output, run))| stored(sequence, &output, &run)).collect();
        self
    }

    /// Numbers the lane anew, as if it had been written like this.
    pub fn renumber(&mut self) {
        for (n, message) in self.lane.iter_mut().enumerate() {
            message.sequence = n as u64 + 1;
        }
    }

    /// Changes the headers of a lane message.
    pub fn headers(&mut self, at: usize, change: impl FnOnce(&mut Headers)) {
        let mut headers = self.lane[at].headers.as_deref().cloned().unwrap_or_default();
        change(&mut headers);
        self.lane[at].headers = Some(Arc::new(headers));
    }

    /// Audits both streams, feeding what the audit asks for.
    pub fn audit(&self) -> AuditReport {
        let bounds = |list: &[StoredMessage]| StreamBounds {
            first: list.first().map_or(1, |m| m.sequence),
            last: list.last().map_or(0, |m| m.sequence),
        };
        let mut audit = Audit::new(AuditOptions {
            plan: self.plans.last().unwrap().0.clone(),
            older: self.known.clone(),
            input: self.input_bounds.unwrap_or(bounds(&self.input)),
            output: bounds(&self.lane),
            rewinds: self.rewinds.clone(),
            complete: self.complete,
        });
        let mut input: VecDeque<_> = self.input.iter().cloned().collect();
        let mut lane: VecDeque<_> = self.lane.iter().cloned().collect();
        while let Some(side) = audit.wants() {
            let next = if side == AuditedStream::Input { &mut input } else { &mut lane };
            match (next.pop_front(), side) {
                (Some(message), AuditedStream::Input) => audit.input(message),
                (Some(message), AuditedStream::Output) => audit.output(message),
                (None, side) => audit.end(side),
            }
            assert!(audit.is_bounded());
        }
        audit.finish()
    }
}

/// One event's payload.
pub fn made(kind: &str, id: u64, properties: Value) -> String {
    json!({ "title": kind, "event_uuid": id, "properties": properties }).to_string()
}

fn stored(sequence: u64, output: &Output, run: &RunHeader) -> StoredMessage {
    let mut headers: Headers = output.copied.as_deref().cloned().unwrap_or_default();
    headers.push((POSITION.into(), output.position_header("EVENTS")));
    headers.push((TIME.into(), output.stored_at.to_string()));
    headers.push((RUN.into(), run.to_string()));
    headers.push(("Nats-Expected-Last-Sequence".into(), (sequence - 1).to_string()));
    headers.extend(output.own_headers().map(|(name, value)| (name.into(), value.into())));
    StoredMessage {
        sequence,
        stored_at: Nanos(output.stored_at.0 + 5),
        subject: output.subject.clone(),
        headers: Some(Arc::new(headers)),
        payload: output.payload.clone(),
    }
}

/// The sorts of findings that a report counts, with their counts; what is zero is left out.
pub fn counts(report: &AuditReport) -> Vec<(AuditFinding, u64)> {
    let all = [
        (AuditFinding::Missing, report.missing),
        (AuditFinding::Doubled, report.doubled),
        (AuditFinding::OutOfOrder, report.out_of_order),
        (AuditFinding::Different, report.different),
        (AuditFinding::Unknown, report.unknown),
        (AuditFinding::Unchecked, report.unchecked),
        (AuditFinding::Pending, report.pending),
        (AuditFinding::Reworded, report.reworded),
    ];
    let found: Vec<_> = all.into_iter().filter(|(_, count)| *count > 0).collect();
    for (finding, count) in &found {
        assert!(report.examples.get(finding).is_some_and(|list| list.len() as u64 == (*count).min(5)), "{report:#?}");
    }
    found
}

/// Asserts that nothing is wrong, and gives checked and unchecked. Where a plan's text would help, or nothing could be checked
/// at all, the verdict must say so.
pub fn clean(report: &AuditReport) -> (u64, u64) {
    let unchecked = report.lacks_a_plan() || report.checked == 0 && report.unchecked > 0;
    let verdict = if unchecked { AuditVerdict::NotChecked } else { AuditVerdict::Clean };
    assert_eq!(report.verdict, verdict, "{report:#?}");
    (report.checked, report.unchecked)
}
