//! What is believed of a stream only after a second look: that it lost something, or is another one.
//!
//! Such a verdict throws a state away or stops the engine until a person comes, and a server that is about to learn
//! that it lags says the same. So the start rules' verdict counts only when two looks at least two seconds apart, at
//! the same leaders, lead to the same one.

use super::evidence::Leader;
use super::facts::{Broker, Disk};
use super::history;
use super::refusal::Refusal;
use super::start::Start;
use crate::core::ids::Nanos;
use crate::core::mutants::{Mutant, planted};

/// How long two looks are apart.
const APART: Nanos = Nanos(2_000_000_000);

/// When and at whom a start looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// By a clock of this process that never steps.
    pub at: Nanos,
    /// Who led the input stream.
    pub input: Leader,
    /// Who led the output stream.
    pub output: Leader,
}

/// A verdict that waits for a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookAgain {
    /// What was seen.
    pub seen: &'static str,
    /// When to look again, from now.
    pub wait: Nanos,
}

/// The verdict of the last look, as far as it needs a second one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Suspected(Option<(&'static str, Look)>);

impl Suspected {
    /// Whether a look's verdict may be acted on.
    pub fn confirm(&mut self, seen: Option<&'static str>, look: Look) -> Result<(), LookAgain> {
        let Some(seen) = seen.filter(|_| !planted(Mutant::OneLook)) else {
            self.0 = None;
            return Ok(());
        };
        let first = match self.0 {
            Some((before, first)) if before == seen && (first.input, first.output) == (look.input, look.output) => {
                first
            }
            _ => look,
        };
        self.0 = Some((seen, first));
        let wait = Nanos(first.at.0 + APART.0 - look.at.0);
        if wait.0 <= 0 { Ok(()) } else { Err(LookAgain { seen, wait }) }
    }
}

/// What a start's verdict rests on, where that needs a second look.
pub fn suspicion(disk: &Disk, broker: &Broker, decided: &Result<Start, Refusal>) -> Option<&'static str> {
    if let Some(record) = &disk.checkpoint {
        if record.input_created != broker.input.created {
            return Some("the input stream seems to have been made anew");
        }
        if record.output_created != broker.output.created {
            return Some("the output stream seems to have been made anew");
        }
    }
    if disk.lost || broker.output.last < disk.lane_known().0 {
        return Some("the output stream seems to have lost its tail");
    }
    if history::is_another(disk, broker) {
        return Some("the output stream seems to have another history");
    }
    if disk.processed().0 > broker.input.last {
        return Some("the input stream seems to have lost its tail");
    }
    for (position, expected) in disk.witnesses(&broker.newest) {
        if position.0 > broker.input.last {
            return Some("the input stream seems to have lost its tail");
        }
        if broker.stored_at.get(&position).is_some_and(|found| *found != expected) {
            return Some("the input stream seems to hold other events");
        }
    }
    match decided {
        Err(Refusal::NoOrigin { .. } | Refusal::Uncounted { .. }) => Some("the output stream seems to be incomplete"),
        Err(Refusal::NewestGone { .. }) => Some("the newest output seems to be gone"),
        Err(Refusal::InputGone { .. }) => Some("events of the input stream seem to be gone"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::evidence::{Cluster, leader};
    use crate::protocol::start::decide;
    use crate::protocol::tests::world::{World, spec};

    fn look(ms: i64, since: i64) -> Look {
        let cluster = Cluster { leader: Some("a".to_owned()), since: Nanos(since), followers: Vec::new() };
        let input = leader(Some(&cluster)).unwrap();
        Look { at: Nanos(ms * 1_000_000), input, output: Leader::default() }
    }

    #[test]
    fn two_looks_at_the_same_leader_two_seconds_apart_must_agree() {
        let mut suspected = Suspected::default();
        let wait = |ms: i64| Err(LookAgain { seen: "x", wait: Nanos(ms * 1_000_000) });
        assert_eq!(suspected.confirm(None, look(0, 1)), Ok(()));
        assert_eq!(suspected.confirm(Some("x"), look(100, 1)), wait(2_000));
        assert_eq!(suspected.confirm(Some("x"), look(600, 1)), wait(1_500));
        assert_eq!(suspected.confirm(Some("x"), look(2_100, 2)), wait(2_000), "another term begins anew");
        assert_eq!(suspected.confirm(Some("x"), look(4_100, 2)), Ok(()));
        assert_eq!(suspected.confirm(Some("y"), look(4_200, 2)).map_err(|again| again.seen), Err("y"));
        assert_eq!(suspected.confirm(None, look(5_000, 2)), Ok(()));
        assert_eq!(suspected.confirm(Some("y"), look(9_000, 2)).map_err(|again| again.seen), Err("y"), "it healed");
    }

    #[test]
    fn what_is_lost_gone_or_another_one_is_suspected_and_nothing_else() {
        let seen = |change: fn(&mut World)| {
            let mut world = World::steady();
            change(&mut world);
            let decided = decide(&world.disk, &world.broker, &world.asked);
            suspicion(&world.disk, &world.broker, &decided)
        };
        assert_eq!(seen(|_| {}), None);
        assert_eq!(seen(|w| w.disk.checkpoint = None), None, "a state that is lost is not the broker's word");
        assert!(seen(|w| w.broker.input.created = Nanos(1)).is_some_and(|seen| seen.contains("anew")));
        assert!(seen(|w| w.broker.output.created = Nanos(1)).is_some_and(|seen| seen.contains("anew")));
        assert!(seen(|w| w.broker.output.last = 1).is_some_and(|seen| seen.contains("tail")));
        assert!(seen(|w| w.newest().run.plan = spec('B').fingerprint()).is_some_and(|seen| seen.contains("history")));
        assert!(seen(|w| w.broker.input.last = 1).is_some_and(|seen| seen.contains("tail")));
        assert!(seen(|w| w.broker.input.first = 100).is_some_and(|seen| seen.contains("gone")));
    }
}
