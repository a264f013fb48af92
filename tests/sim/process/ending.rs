//! How a start of a simulated process ends, and what follows: the next start, a supervisor's, or nothing.

use super::{Phase, Process};
use crate::agenda::{MILLIS, SECONDS};
use crate::api::Question;
use crate::context::Context;
use crate::entry::{Entry, Inside};
use crate::life::{INTAKE, Message};
use crate::plans::OUTPUT;
use sidestream::engine::ending::End;
use sidestream::ports::store::StoreError;
use sidestream::ports::stream::{BrokerError, LaneEvent};
use sidestream::protocol::machines::intake::ToIntake;
use sidestream::protocol::refusal::Refusal;

/// The client's word that the expected sequence was wrong.
const WRONG_LAST_SEQUENCE: u64 = 10_071;

impl Process {
    /// A start ended.
    pub fn over(&mut self, context: &mut Context, end: End) {
        context.note(|| format!("p{} end: {end:?}", self.number));
        if self.life().is_some_and(|life| life.recovered) {
            self.pause = 100 * MILLIS;
        }
        self.generation += 1;
        match end {
            End::Drained => self.phase = Phase::Drained,
            End::PlanEnded => {
                context.count("plan switches");
                self.again(context, false);
            }
            End::Refused(refusal) if self.memory.learn(&refusal, self.consent.accept_gap) => self.again(context, false),
            End::Refused(refusal) => self.stop(context, refusal),
            End::Store(StoreError::Later { why, .. }) => {
                // Refused, nothing moved: the operator brings the later build back.
                let Some(later) = self.later.take() else { return context.violated(format!("no later build: {why}")) };
                context.count("a later build's words refused");
                self.crash(context, false);
                self.disk.restore(&later);
                context.agenda.after(SECONDS, Entry::Spawn(self.number));
            }
            End::Store(_) => {
                // The process ends with an exit code, and its supervisor starts it again.
                context.count("stopped by the disk");
                self.crash(context, false);
                context.agenda.after(SECONDS, Entry::Spawn(self.number));
            }
            End::Broken(what) => context.violated(format!("process {} found a broken invariant: {what}", self.number)),
            End::Broker(BrokerError::Transient(_)) => self.again(context, true),
            End::Broker(BrokerError::Permanent { what, .. } | BrokerError::Denied { what, .. }) => {
                context.violated(format!("process {} stopped: {what}", self.number));
            }
            End::Lane(LaneEvent::Refused { at, code, .. }) if code == WRONG_LAST_SEQUENCE => {
                context.count("outputs refused");
                self.phase = Phase::Judging(at);
                self.ask(context, Question::Message(OUTPUT.to_owned(), at.0));
            }
            End::Lane(_) => self.again(context, true),
        }
    }

    /// Begins the next start, after a pause that grows.
    pub fn again(&mut self, context: &mut Context, pause: bool) {
        self.generation += 1;
        self.phase = Phase::Waiting;
        let wait = if pause { self.pause } else { MILLIS };
        if pause {
            self.pause = (self.pause * 2).min(5 * SECONDS);
        }
        self.plan(context, wait, Inside::Begin);
    }

    pub(super) fn stop(&mut self, context: &mut Context, refusal: Refusal) {
        context.note(|| format!("p{} stops: {refusal}", self.number));
        self.phase = Phase::Refused(refusal);
    }

    /// Asks the process to stop.
    pub fn drain(&mut self, context: &mut Context) {
        match &mut self.phase {
            Phase::Running(life) => life.tell(context, INTAKE, Message::Intake(ToIntake::Drain)),
            Phase::Waiting | Phase::Gathering(..) | Phase::Judging(_) => {
                self.generation += 1;
                self.phase = Phase::Drained;
            }
            Phase::Down | Phase::Refused(_) | Phase::Drained => {}
        }
    }
}
