//! Waiting for rows: every wait has an end, and what moves time on is told from an event.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::plan::enrich::{EnrichSpec, OnMiss, WaitOrder};
use crate::core::plan::spec::PlanSpec;
use crate::core::subject::filter_fault;
use std::ops::RangeInclusive;

/// `enrich.wait_s`: at most a day.
pub const WAIT_S: RangeInclusive<u64> = 1..=86_400;

/// Why a wait has its range.
pub const WAIT_WHY: &str = "in seconds of stream time; a day is the longest wait";

/// `engine.max_waiting`.
pub const MAX_WAITING: RangeInclusive<u64> = 1..=1_000_000;

/// Why the number of waiting events has its range.
pub const MAX_WAITING_WHY: &str = "so many events of each of the 128 key groups may wait; they lie in memory";

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (number, enrich) in spec.enrich.iter().enumerate() {
        let section = KeyPath::enrich(number);
        match (enrich.on_miss == OnMiss::Wait, &enrich.wait) {
            (true, wait) if wait.is_none_or(|wait| wait.wait_s == 0) => {
                let message = "an event that waits for its row needs an end: `wait_s` is not set";
                faults.push(
                    PlanFault::mistake(section.then("on_miss"), message)
                        .hint("add `wait_s = 30`, in seconds of stream time")
                        .rests_on([section.then("wait_s")]),
                );
            }
            (false, Some(wait)) => {
                let key = match wait {
                    wait if wait.wait_s > 0 => "wait_s",
                    wait if wait.order != WaitOrder::Overtake => "order",
                    _ => "then",
                };
                let message = format!("`{key}` has no meaning where nothing waits");
                let hint = "set `on_miss = \"wait\"`, or take it away";
                faults.push(
                    PlanFault::mistake(section.then(key), message).hint(hint).rests_on([section.then("on_miss")]),
                );
            }
            _ => {}
        }
        if let Some(wait) = &enrich.wait {
            if wait.wait_s > *WAIT_S.end() {
                let message =
                    format!("`wait_s` must be from {} to {}, not {}", WAIT_S.start(), WAIT_S.end(), wait.wait_s);
                faults.push(PlanFault::mistake(section.then("wait_s"), message).hint(WAIT_WHY));
            }
            if wait.order == WaitOrder::Key {
                feeding(spec, enrich, &section, faults);
            }
            if wait.then == OnMiss::DeadLetter {
                counting(spec, enrich, &section, faults);
            }
            if wait.then == OnMiss::Wait {
                faults.push(PlanFault::mistake(section.then("then"), "what has waited long enough cannot wait"));
            }
        }
    }
    if let Some(most) = spec.max_waiting.filter(|most| !MAX_WAITING.contains(&u64::from(*most))) {
        let message =
            format!("`max_waiting` must be from {} to {}, not {most}", MAX_WAITING.start(), MAX_WAITING.end());
        faults.push(PlanFault::mistake(KeyPath::of(["engine", "max_waiting"]), message).hint(MAX_WAITING_WHY));
    }
    clock(spec, faults);
}

/// An event that is held behind others cannot bring the row that they wait for.
fn feeding(spec: &PlanSpec, enrich: &EnrichSpec, section: &KeyPath, faults: &mut Vec<PlanFault>) {
    for (number, kind) in enrich.kinds.iter().enumerate() {
        if let Some((table, _)) = spec.tables.iter().find(|(_, table)| table.from == *kind) {
            let message = format!("`{kind}` feeds the table `{table}`, and must not wait behind an event of its key");
            let at = section.then("kinds").then(&number.to_string());
            let hint = "take `order = \"key\"` away, or enrich that kind in a section of its own";
            faults.push(PlanFault::mistake(at, message).hint(hint).rests_on([section.then("order")]));
        }
    }
}

/// What an event counts it counts where it stands: a dead letter behind a wait, redriven, would count again.
fn counting(spec: &PlanSpec, enrich: &EnrichSpec, section: &KeyPath, faults: &mut Vec<PlanFault>) {
    let feeds =
        |kind: &String| spec.tables.iter().find(|(_, table)| table.from == *kind && !table.aggregates.is_empty());
    for (number, kind) in enrich.kinds.iter().enumerate() {
        if let Some((name, _)) = feeds(kind) {
            let message = format!(
                "`{kind}` is counted by [aggregates.{name}] where it stands: as a dead letter behind its wait it would be counted, and again once it is redriven"
            );
            let at = section.then("kinds").then(&number.to_string());
            let hint = "write `then = \"null\"` or `\"omit\"`, or take the kind out";
            faults.push(
                PlanFault::mistake(at, message)
                    .hint(hint)
                    .rests_on([section.then("then"), KeyPath::table(name).name()]),
            );
        }
    }
}

fn clock(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let at = KeyPath::of(["clock", "subject"]);
    let waits = spec.enrich.iter().position(|enrich| enrich.wait.is_some());
    match (&spec.tick_subject, waits) {
        (Some(subject), _) if filter_fault(subject).is_some() || subject.contains(['*', '>']) => {
            let message = format!("`{subject}` is no subject that a message can have");
            faults.push(PlanFault::mistake(at, message).hint("write one without wildcards, such as `events.tick`"));
        }
        (Some(_), None) => {
            let message = "nothing waits, so that no message that moves time on is ever needed";
            faults.push(PlanFault::warning(at, message).hint("take [clock] away, or let an enrichment wait"));
        }
        (None, Some(number)) => {
            let message =
                "an event that waits leaves with the next event of the stream only: on an idle stream it waits on";
            let hint = "add [clock] with a `subject` of the input, such as `events.tick`";
            faults.push(PlanFault::warning(KeyPath::enrich(number).then("on_miss"), message).hint(hint));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}
