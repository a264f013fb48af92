//! The messages of `[[map]]`: which of them an event leads to, and their bodies.
//!
//! Looks at the event and its joined rows, and decides nothing about the state.

use super::derive::operator::DeriveFault;
use super::derive::rewrite::write;
use super::derive::section::OnError;
use super::expr::{ConditionAnswer, Why};
use super::plan::condition::{RuleId, SeenEvent};
use super::plan::map::{Map, MapObject, MemberSource};
use super::rejection::{Reason, Rejection};
use smallvec::SmallVec;

/// The maps that make a message of one event, in order.
pub type Mapped<'a> = SmallVec<[&'a Map; 2]>;

/// The maps that make a message of an event; `unknown` takes the conditions that cannot be told.
pub fn holding<'a>(maps: &'a [Map], seen: SeenEvent<'_>, unknown: &mut Vec<(RuleId, Why)>) -> Mapped<'a> {
    let holds = |map: &&Map| match map.when.as_ref().map_or(ConditionAnswer::True, |when| when.holds(seen)) {
        ConditionAnswer::True => true,
        ConditionAnswer::False => false,
        ConditionAnswer::Unknown(why) => {
            unknown.push((map.rule, why));
            false
        }
    };
    maps.iter().filter(holds).collect()
}

/// Appends the message that a map makes of an event.
pub fn body(map: &Map, seen: SeenEvent<'_>, out: &mut Vec<u8>) -> Result<(), Rejection> {
    out.push(b'{');
    members(map, &map.object, seen, out)?;
    out.push(b'}');
    Ok(())
}

/// Appends the members of an object, and tells how many there are.
fn members(map: &Map, object: &MapObject, seen: SeenEvent<'_>, out: &mut Vec<u8>) -> Result<usize, Rejection> {
    let mut count = 0;
    for member in &object.members {
        let before = out.len();
        if count > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&member.label);
        if value(map, &member.value, seen, out)? {
            count += 1;
        } else {
            out.truncate(before);
        }
    }
    Ok(count)
}

/// Appends a value; false where it is left out, and then what stands behind `out` is to be taken back.
fn value(map: &Map, made: &MemberSource, seen: SeenEvent<'_>, out: &mut Vec<u8>) -> Result<bool, Rejection> {
    let (name, written) = match made {
        MemberSource::Object(object) => {
            out.push(b'{');
            let there = members(map, object, seen, out)? > 0;
            out.push(b'}');
            return Ok(there);
        }
        MemberSource::Derived(computed) => (&computed.name, write(computed, seen.message, seen.spans, out)),
        MemberSource::Calc(name, formula) => (name, formula.compute(seen, out).map_err(fault)),
    };
    match (written, map.on_error) {
        (Ok(()), _) => Ok(true),
        (Err(_), OnError::Null) => {
            out.extend_from_slice(b"null");
            Ok(true)
        }
        (Err(_), OnError::Omit) => Ok(false),
        (Err(fault), OnError::DeadLetter) => {
            let (name, why) = (name.escape_default(), fault.sentence());
            Err(Rejection::new(
                Reason::Derive,
                format!("the member `{name}` of a mapped message cannot be made: {why}"),
            ))
        }
    }
}

fn fault(why: Why) -> DeriveFault {
    match why {
        Why::Absent => DeriveFault::Missing,
        Why::Broken => DeriveFault::Broken,
    }
}
