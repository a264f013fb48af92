//! How long the lane's writer waits for answers that the server owes, before it asks and before it gives up.
//!
//! Pure: the clock that ticks is the caller's, so that a simulator drives the same code.

use super::batch::Answered;
use std::time::Duration;

/// What is to be done after another tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Nothing.
    Wait,
    /// Ask the server what it knows of the batch.
    Ping,
    /// The lane is lost, and why.
    GiveUp(&'static str),
}

/// How long answers that are owed may take, in ticks of a clock that somebody else has.
#[derive(Clone, Debug, Default)]
pub struct AnswerPatience {
    /// What was answered at the tick before, while something was owed.
    at: Option<Answered>,
    /// Ticks without any answer.
    silent: u32,
    /// Ticks without progress.
    standing: u32,
    heard: bool,
}

impl AnswerPatience {
    /// Between two ticks.
    pub const TICK: Duration = Duration::from_millis(200);
    /// Ticks from one ping to the next.
    const PING: u32 = 5;
    /// Ticks without any answer before the lane is given up: 3 s.
    const SILENT: u32 = 15;
    /// Ticks without progress before it is: 10 s. A leader without a quorum answers pings for so long.
    const STANDING: u32 = 50;

    /// The server answered something.
    pub fn heard(&mut self) {
        self.heard = true;
    }

    /// Another tick: `owed` is what `Book::is_owed` says now. The first ping comes one to two ticks after the last progress: a
    /// new leader answers it at once, and the answer of a leader that is at work on the batch is no news.
    pub fn tick(&mut self, owed: bool, answered: Answered) -> Tick {
        let heard = std::mem::take(&mut self.heard);
        let before = self.at.take();
        if !owed {
            (self.silent, self.standing) = (0, 0);
            return Tick::Wait;
        }
        self.at = Some(answered);
        self.standing = if before == Some(answered) { self.standing + 1 } else { 0 };
        self.silent = if heard || self.standing == 0 { 0 } else { self.silent + 1 };
        if self.silent >= AnswerPatience::SILENT {
            Tick::GiveUp("no confirmation, and no reply at all for 3 s")
        } else if self.standing >= AnswerPatience::STANDING {
            Tick::GiveUp("no confirmation for 10 s")
        } else if self.standing % AnswerPatience::PING == 1 {
            Tick::Ping
        } else {
            Tick::Wait
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_pinged_after_a_while_and_given_up_after_three_seconds_of_silence() {
        let mut patience = AnswerPatience::default();
        let at = Answered { confirmed: 7, ended: 1 };
        let of = |patience: &mut AnswerPatience, owed| patience.tick(owed, at);
        assert_eq!((of(&mut patience, false), of(&mut patience, true)), (Tick::Wait, Tick::Wait));
        assert_eq!((of(&mut patience, true), of(&mut patience, true)), (Tick::Ping, Tick::Wait));
        let rest: Vec<Tick> = (0..13).map(|_| of(&mut patience, true)).collect();
        assert_eq!(rest.iter().filter(|tick| **tick == Tick::Ping).count(), 2, "once a second");
        assert!(
            matches!(rest.last(), Some(Tick::GiveUp(_)))
                && rest[..12].iter().all(|tick| !matches!(tick, Tick::GiveUp(_)))
        );
        // A server that answers, and does not get on.
        let mut patience = AnswerPatience::default();
        let ticks = (0..).take_while(|_| {
            patience.heard();
            !matches!(of(&mut patience, true), Tick::GiveUp(_))
        });
        assert_eq!(ticks.count(), 50);
    }
}
