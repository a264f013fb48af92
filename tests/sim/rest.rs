//! How a world comes to rest once its faults have ended, and the judgement of where it rests.

use super::agenda::{MILLIS, SECONDS};
use super::entry::{Entry, Inside};
use super::plans::at;
use super::process::{Phase, Process};
use super::world::World;
use sidestream::protocol::refusal::Refusal;

impl World {
    /// All faults end; what stopped stays stopped, what is down comes back.
    pub fn heal(&mut self) {
        self.healed = true;
        self.context.up = true;
        self.context.stale = None;
        self.context.crashes = None;
        self.context.slow = 1;
        self.context.swallow = (0, 0);
        self.leader_found();
        self.context.change_leader_behind_end = false;
        for number in 0..self.processes.len() {
            self.processes[number].paused_until = None;
            self.processes[number].disk.fail_after(None);
            self.processes[number].disk.fail_sync(false);
        }
        let running = (0..self.processes.len()).rev().find(|number| self.processes[*number].lives());
        self.main = running.unwrap_or(self.main);
        if running.is_none() && matches!(self.processes[self.main].phase, Phase::Down | Phase::Drained) {
            self.context.agenda.after(MILLIS, Entry::Spawn(self.main));
        }
    }

    /// Whether all is published, out and in the state, or was refused as it must be.
    pub fn is_over(&mut self) -> bool {
        // A refusal ends the world, also that of an engine that another one had followed: but not that it had.
        let refused = |process: &Process| match &process.phase {
            Phase::Refused(Refusal::NewerRun { .. }) => process.number == self.main,
            Phase::Refused(_) => true,
            _ => false,
        };
        self.main = self.processes.iter().position(refused).unwrap_or(self.main);
        if let Phase::Refused(refusal) = &self.processes[self.main].phase {
            let refusal = refusal.clone();
            if let Some(again) = self.operator(&refusal) {
                self.main = again;
                return false;
            }
            if let Err(why) = self.facts.allow(&refusal) {
                self.context.violated(format!("refused without need ({why}): {refusal}"));
            }
            // Record and newest output together tell of one change of plan, wherever it lies.
            let one_change = !self.facts.grounds.contains("rebuilt") && self.context.plan_changes() < 2;
            if matches!(refusal, Refusal::OtherPlan { .. }) && one_change {
                self.context.violated(format!("refused without need (the lane has one plan or two): {refusal}"));
            }
            return true;
        }
        if self.left > 0 {
            return false;
        }
        let last = self.context.oracle.last();
        let plans = self.processes[self.main].plans.clone();
        let complete = self.context.due(|position| at(&plans, position).unwrap_or('A')).is_none();
        let process = &mut self.processes[self.main];
        let generation = process.generation;
        match &mut process.phase {
            Phase::Drained if self.draining && complete => {
                self.judge_the_end();
                true
            }
            Phase::Drained | Phase::Down => {
                // A fault before the healing stopped it, or it had not read everything yet.
                process.phase = Phase::Down;
                self.draining = false;
                self.context.agenda.after(MILLIS, Entry::Spawn(self.main));
                false
            }
            // One that stood still has yet to hear that its connections are gone, which lets it look at the input again. Asked to
            // drain before that it would, and the next start would notice.
            Phase::Running(_) if self.context.now() <= process.deaf_until => false,
            Phase::Running(life)
                if complete && life.intake.position().0 == last && self.facts.drained != (self.main, generation) =>
            {
                self.facts.drained = (self.main, generation);
                self.draining = true;
                self.context.agenda.after(SECONDS, Entry::Inside(self.main, generation, Inside::Drain));
                false
            }
            _ => false,
        }
    }

    fn judge_the_end(&mut self) {
        // Only now: an engine that stands still beside another input has not gone on over it, and a new input may lead to
        // as many outputs as the old one left in the lane.
        if self.facts.must_refuse {
            return self.context.violated("went on over an input that is another one");
        }
        let disk = self.processes[self.main].disk.clone();
        let last = self.context.oracle.last();
        let position = sidestream::engine::restore::read(&disk).ok().and_then(|known| known.checkpoint);
        // Under a plan that the lane does not show yet, nothing of what was silent so far is written.
        let shown = self.context.newest_of_ours().map_or(0, |newest| newest.cause);
        let unseen = self.processes[self.main].plans.last().is_some_and(|plan| plan.since.0 > shown);
        match position {
            Some(record) if record.position.0 == last => {}
            Some(record) if unseen && record.position.0 >= shown => {}
            other => {
                let at = other.map(|record| record.position.0);
                return self.context.violated(format!("drained at {at:?}, the input ends at {last}"));
            }
        }
        super::truth::check_disk(&mut self.context, &disk);
    }

    /// It does not come to rest.
    pub fn stuck(&mut self) {
        let (lane, last) = (self.context.lane_last(), self.context.input_last());
        self.context.violated(format!("no end in sight: lane at {lane}, input at {last}"));
    }
}
