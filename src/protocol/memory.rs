//! What a process remembers from start to start; all else is read again.

use super::facts::Broker;
use super::header::RunId;
use super::looks::Suspected;
use super::refusal::Refusal;
use crate::core::ids::{Nanos, Position};
use crate::core::mutants::{Mutant, planted};

/// What a process remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Its run id, once a start reached the broker.
    pub run: Option<RunId>,
    /// Whether that id stays: a look at the lane that gave it was believed.
    is_kept: bool,
    /// A position of the input that a start needed and did not find.
    pub hole: Option<Position>,
    /// A verdict on the streams that waits for a second look.
    pub suspected: Suspected,
    /// How a start found that the lane is not what the input gives.
    differs: Option<Refusal>,
    #[cfg(feature = "mutants")]
    known: Option<Broker>,
}

impl Memory {
    /// The process's run id, beyond the run of the lane's newest message: the server's clock may have stepped back, and yet
    /// this process is the later one. A look that is not believed fixes none, because its newest message may be an old one.
    pub fn run(&mut self, broker: &Broker, server_time: Nanos, random: u32) -> RunId {
        if let Some(run) = self.run.as_ref().filter(|_| self.is_kept) {
            return run.clone();
        }
        let newest = broker.newest.ours().map_or(Nanos(0), |newest| newest.run.run.began());
        let time =
            if newest < server_time || planted(Mutant::RunIdByClock) { server_time } else { Nanos(newest.0 + 1) };
        self.run.insert(RunId::new(time, random)).clone()
    }

    /// The look that gave the run id is believed: the id stays.
    pub fn keep_run(&mut self) {
        self.is_kept = true;
    }

    /// What a start is to know of the broker: its account of this moment, and what is remembered.
    pub fn complete(&mut self, broker: Broker) -> Broker {
        #[cfg(feature = "mutants")]
        if planted(Mutant::NoLookAfterReconnect) {
            return self.known.get_or_insert(broker).clone();
        }
        Broker { hole: self.hole, ..broker }
    }

    /// Whether a start that ended with this refusal is worth another one. One that lacks events: only the start rules can go
    /// on without them. One that found another output than it computed, for the first time: a stream may have lost its
    /// tail and gone on since the start rules looked, and then they know what to say.
    pub fn learn(&mut self, refusal: &Refusal, accept_gap: bool) -> bool {
        match refusal {
            Refusal::InputGone { from, .. } if accept_gap && self.hole != Some(*from) => {
                self.hole = Some(*from);
                true
            }
            Refusal::OtherPlan { .. } | Refusal::OutputDiffers { .. } if !planted(Mutant::DifferenceAtOnce) => {
                let again = self.differs.as_ref() != Some(refusal);
                self.differs = Some(refusal.clone());
                again
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::LaneSequence;
    use crate::protocol::looks::{Look, suspicion};
    use crate::protocol::start::decide;
    use crate::protocol::tests::world::World;

    #[test]
    fn a_difference_is_believed_when_a_second_start_finds_the_same() {
        let mut memory = Memory::default();
        let differs = |sequence| Refusal::OtherPlan {
            sequence: LaneSequence(sequence),
            found: "a".to_owned(),
            expected: "b".to_owned(),
        };
        assert!(memory.learn(&differs(7), false));
        assert!(memory.learn(&differs(8), false), "the lane changed meanwhile");
        assert!(!memory.learn(&differs(8), false));
        assert!(!memory.learn(&Refusal::InputRecreated, false));
    }

    #[test]
    fn the_run_id_is_of_the_first_look_that_is_believed() {
        // The clock stepped back to 3 since the lane's newest message was written by a run that began at 7.
        let (clock, random) = (Nanos(3), 1);
        let mut memory = Memory::default();
        let mut lagging = World::steady();
        lagging.lane(9, 9);
        lagging.newest().run.run = RunId::new(Nanos(5), 0);
        let of_the_lagging = memory.run(&lagging.broker, clock, random);
        let decided = decide(&lagging.disk, &lagging.broker, &lagging.asked);
        let seen = suspicion(&lagging.disk, &lagging.broker, &decided);
        assert!(memory.suspected.confirm(seen, Look::default()).is_err(), "the lane ends before R");
        let world = World::steady();
        let run = memory.run(&world.broker, clock, random);
        let newest = &world.broker.newest.ours().unwrap().run.run;
        assert!(of_the_lagging < *newest && *newest < run, "{of_the_lagging} {newest} {run}");
        memory.keep_run();
        assert_eq!(memory.run(&lagging.broker, Nanos(99), 2), run, "it stays");
    }
}
