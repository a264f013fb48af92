//! Whether a state and the lane are of one history: an older copy of a directory may know what was undone since.
//!
//! The lane may have lost its tail and gone on under another plan, or `--rebuild-state` began anew beside the copy. Then the
//! copy holds rows, or counts outputs, of another plan than the lane's, and no comparison of outputs need show it.

use super::facts::{Broker, Disk};
use super::header::LaneMessage;
use super::past::{in_force, regime};
use super::rebind::held;
use crate::core::ids::Position;
use crate::core::mutants::{Mutant, planted};

/// Whether the lane tells of another history than the one that the state is of. Such a state is built anew.
pub fn is_another(disk: &Disk, broker: &Broker) -> bool {
    let (Some(record), Some(newest)) = (&disk.checkpoint, broker.newest.ours()) else { return false };
    // Of another origin's plans nobody here knows anything.
    if newest.run.origin != record.origin || planted(Mutant::OtherHistoryKept) {
        return false;
    }
    // R counts the outputs up to B: the newest one is behind both or behind neither.
    let beyond = newest.cause > disk.reached();
    if beyond != (newest.sequence > disk.reached_lane()) {
        return true;
    }
    // B behind a rewind is the lane's own word, whatever plan this state was made under.
    let made = if record.rewinds.is_empty() { disk.reached() } else { held(disk, record) };
    let named = regime(newest);
    beyond && named.since <= made && in_force(&record.plans, Position(made.0.saturating_sub(1))) != Some(&named)
}

/// Whether the newest output is none of those that the state knows of.
pub fn is_news(disk: &Disk, newest: &LaneMessage) -> bool {
    newest.cause > disk.reached() || newest.sequence > disk.reached_lane()
}

#[cfg(test)]
mod tests {
    use crate::core::ids::{LaneSequence, Position};
    use crate::protocol::tests::world::{Row, World, check, since, spec, stored_at};

    /// The state is as of `position`, and counts `lane` outputs.
    fn held(world: &mut World, position: u64, lane: u64) {
        let record = world.record();
        (record.position, record.lane, record.stored_at) =
            (Position(position), LaneSequence(lane), stored_at(position));
    }

    /// The lane ends at `last` with the output of `cause`, under a plan since `from`.
    fn shown(world: &mut World, (last, cause): (u64, u64), letter: char, from: u64) {
        world.lane(last, cause);
        world.newest().run.plan = spec(letter).fingerprint();
        world.newest().run.since = Position(from);
    }

    const ROWS: &[Row] = &[
        (
            "an older copy, made under A, and the lane began anew under C since",
            |w| {
                w.configure('C');
                shown(w, (30, 30), 'C', 1);
            },
            "rebuild after 0, B 29 R 29, count to 30, plan C of C1, origin 1, gaps 0",
        ),
        (
            "the same, and the flag is still given",
            |w| {
                w.configure('C');
                w.consent().rebuild_state = true;
                shown(w, (30, 30), 'C', 1);
            },
            "rebuild after 0, B 29 R 29, count to 30, plan C of C1, origin 1, gaps 0",
        ),
        (
            "the same, and the configuration is the copy's",
            |w| shown(w, (30, 30), 'C', 1),
            "78: the text of plan C is missing: the outputs that were published under it cannot be recomputed",
        ),
        (
            "the lane lost its tail and went on under B before S: R counts outputs that A made",
            |w| {
                w.configure('B');
                held(w, 14, 14);
                shown(w, (20, 22), 'B', 13);
            },
            "rebuild after 0, B 0 R 0, count to 20, plan A of A1 B13, B after 12, origin 1, gaps 0",
        ),
        (
            "the same before what a key group holds",
            |w| {
                w.configure('B');
                w.mark(14, 14);
                shown(w, (20, 22), 'B', 13);
            },
            "rebuild after 0, B 0 R 0, count to 20, plan A of A1 B13, B after 12, origin 1, gaps 0",
        ),
        (
            "right behind S: what S counts is the lane's",
            |w| {
                w.configure('B');
                shown(w, (20, 22), 'B', 11);
            },
            "resume after 10, B 10 R 10, count to 20, plan B of A1 B11, origin 1, gaps 0",
        ),
        (
            "the record knows of it",
            |w| {
                *w = w.clone().with_texts("AB");
                w.configure('B');
                held(w, 14, 14);
                w.record().plans.push(since('B', 13));
                shown(w, (20, 22), 'B', 13);
            },
            "resume after 14, B 14 R 14, count to 20, plan B of A1 B13, origin 1, gaps 0",
        ),
        (
            "the lane has more outputs up to S than R counts",
            |w| {
                *w = w.clone().with_texts("AB");
                held(w, 20, 15);
                w.record().plans.push(since('B', 8));
                shown(w, (16, 18), 'A', 16);
            },
            "rebuild after 0, B 0 R 0, count to 16, plan A of A1 B8 A16, B after 7, origin 1, gaps 0",
        ),
        (
            "the lane has fewer",
            |w| {
                held(w, 10, 12);
                w.lane(12, 14);
            },
            "rebuild after 0, B 0 R 0, count to 12, plan A of A1, origin 1, gaps 0",
        ),
        (
            "--rebuild-state over such a copy: what the lane lacks up to S is not out",
            |w| {
                w.configure('C');
                w.consent().rebuild_state = true;
                held(w, 20, 15);
                w.lane(16, 18);
            },
            "rebuild after 0, B 18 R 16, through 18, lane 16, plan C of C1, origin 1, gaps 0",
        ),
        (
            "another origin is another history: its plans say nothing here",
            |w| {
                shown(w, (30, 30), 'A', 5);
                w.newest().run.origin = Position(5);
            },
            "resume after 10, B 10 R 10, count to 30, plan A of A1, origin 1, gaps 0",
        ),
    ];

    #[test]
    fn a_state_of_another_history_is_built_anew() {
        check(ROWS);
    }
}
