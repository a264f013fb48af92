//! The decisions of a redrive's protocol: what the newest record allows, and what a search has shown.
//!
//! An attempt is: intent written, event published, result written. Intents and results are written only behind the
//! record that was read (the server refuses otherwise), so of two redrivers one wins each step. Whoever finds an
//! intent without a result searches the input for its event, and only if it is surely not there publishes it again,
//! under the same message id: the input stream drops the second of two for as long as it remembers ids. Two rules
//! cover what it forgets: an intent is published within `PUBLISH_WITHIN` or not at all, and it is taken over only within
//! that time of the search, and by a redriver that may rely on the ids, or once it is older than `ALONE_FOR`.

use super::record::{RedriveRecord, RedriveStep, StoredRecord};
use crate::core::ids::{Nanos, Position};

/// An intent that is older than this is not published by its own redriver any more, in ns.
pub const PUBLISH_WITHIN: i64 = 10_000_000_000;
/// While an intent is younger than this, its redriver may still be at work, in ns: more than `PUBLISH_WITHIN` and
/// the longest wait for an answer.
pub const ALONE_FOR: i64 = 60_000_000_000;

/// What may be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedriveMove {
    /// Write an intent for a new attempt, behind this record (0: none).
    Begin {
        /// The sequence of the newest record.
        behind: u64,
        /// The number of the attempt.
        attempt: u32,
    },
    /// Nothing: the event is in the input.
    Nothing {
        /// Where.
        position: Position,
        /// When that was written down.
        at: Nanos,
    },
    /// Find out what became of an attempt without a result.
    Search(Unfinished),
    /// Look again later: its redriver may still be at work.
    Wait {
        /// For so long at most, in ns.
        for_ns: i64,
    },
}

/// An attempt without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The sequence of its intent.
    pub behind: u64,
    /// Its number.
    pub attempt: u32,
    /// Its event stands behind this position, if anywhere; 0 in a stream that was made anew since.
    pub after: Position,
    /// Whether the input is the stream that it was.
    pub same_input: bool,
}

/// What the decisions depend on beside the record.
#[derive(Clone, Copy, Debug)]
pub struct RedriveFacts {
    /// The server's clock.
    pub now: Nanos,
    /// When the input stream was created.
    pub input_created: Nanos,
    /// How long the input stream remembers message ids, in ns.
    pub remembers_ns: i64,
    /// The attempt after whose result a person asked for another one.
    pub again_after: Option<u32>,
}

/// What the newest record of a dead letter allows.
pub fn next(newest: Option<&StoredRecord>, facts: &RedriveFacts) -> RedriveMove {
    let Some(StoredRecord { sequence: behind, at, record: RedriveRecord { attempt, step, .. } }) = newest else {
        return RedriveMove::Begin { behind: 0, attempt: 1 };
    };
    let (behind, attempt) = (*behind, *attempt);
    match step {
        RedriveStep::Done { .. } if facts.again_after == Some(attempt) => {
            RedriveMove::Begin { behind, attempt: attempt + 1 }
        }
        RedriveStep::Done { position, .. } => RedriveMove::Nothing { position: *position, at: *at },
        RedriveStep::Refused { .. } => RedriveMove::Begin { behind, attempt: attempt + 1 },
        RedriveStep::Intent { input_created, after, .. } => {
            let age = facts.now.0.saturating_sub(at.0);
            if facts.remembers_ns < ALONE_FOR && age < ALONE_FOR {
                return RedriveMove::Wait { for_ns: ALONE_FOR - age };
            }
            let same_input = *input_created == facts.input_created;
            let after = if same_input { *after } else { Position(0) };
            RedriveMove::Search(Unfinished { behind, attempt, after, same_input })
        }
    }
}

/// What a search of the input has shown, from the position behind which the event may stand to the stream's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Where the event stands, if it was met.
    pub found: Option<Position>,
    /// Whether a message between is gone.
    pub holes: bool,
}

/// What follows from a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchResult {
    /// Write down that it is there.
    There(Position),
    /// It is surely not there: publish it.
    NotThere,
    /// Messages are gone, and it may have been one of them.
    Unknowable,
}

/// Judges a search for the event of an unfinished attempt.
pub fn known(unfinished: &Unfinished, searched: Searched) -> SearchResult {
    match searched {
        Searched { found: Some(position), .. } => SearchResult::There(position),
        // What was published into an earlier stream of that name is gone with it, whatever this one has lost.
        Searched { holes: true, .. } if unfinished.same_input => SearchResult::Unknowable,
        _ => SearchResult::NotThere,
    }
}

/// What to do with a result that could not be written behind the record that was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Somebody else wrote it down: the same.
    Written,
    /// Somebody else published the attempt as well, there.
    Doubled(Position),
    /// Write it behind this record.
    Behind(u64),
}

/// Judges the newest record after our event was stored at `position` by `attempt`.
pub fn settle(newest: Option<&StoredRecord>, attempt: u32, position: Position) -> Settle {
    match newest {
        None => Settle::Behind(0),
        Some(StoredRecord { record, sequence, .. }) => match &record.step {
            RedriveStep::Done { position: there, .. } if record.attempt == attempt && *there != position => {
                Settle::Doubled(*there)
            }
            RedriveStep::Done { .. } => Settle::Written,
            // An intent of the same attempt that another redriver renewed, or its refusal: our event is in.
            _ if record.attempt == attempt => Settle::Behind(*sequence),
            _ => Settle::Written,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Body;
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn written(attempt: u32, step: RedriveStep) -> StoredRecord {
        StoredRecord {
            sequence: 7,
            at: Nanos(100 * SECOND),
            record: RedriveRecord { letter: "E:5:0".into(), attempt, step },
        }
    }

    fn intent(attempt: u32) -> StoredRecord {
        let body = Body::of(b"x", false);
        written(attempt, RedriveStep::Intent { input_created: Nanos(1), after: Position(9), body })
    }

    fn done(attempt: u32, position: u64) -> StoredRecord {
        written(attempt, RedriveStep::Done { position: Position(position), body: None })
    }

    fn facts(age_s: i64) -> RedriveFacts {
        let now = Nanos((100 + age_s) * SECOND);
        RedriveFacts { now, input_created: Nanos(1), remembers_ns: 120 * SECOND, again_after: None }
    }

    #[test]
    fn one_attempt_is_made_unless_it_was_refused_or_a_person_asks() {
        assert_eq!(next(None, &facts(0)), RedriveMove::Begin { behind: 0, attempt: 1 });
        let nothing = RedriveMove::Nothing { position: Position(12), at: Nanos(100 * SECOND) };
        assert_eq!(next(Some(&done(1, 12)), &facts(0)), nothing);
        let again = RedriveFacts { again_after: Some(1), ..facts(0) };
        assert_eq!(next(Some(&done(1, 12)), &again), RedriveMove::Begin { behind: 7, attempt: 2 });
        assert_eq!(next(Some(&done(2, 12)), &again), nothing, "somebody has done it again since");
        let refused = written(3, RedriveStep::Refused { why: "full".into() });
        assert_eq!(next(Some(&refused), &facts(0)), RedriveMove::Begin { behind: 7, attempt: 4 });
    }

    #[test]
    fn an_attempt_without_result_is_searched_for() {
        let unfinished = Unfinished { behind: 7, attempt: 1, after: Position(9), same_input: true };
        assert_eq!(next(Some(&intent(1)), &facts(0)), RedriveMove::Search(unfinished.clone()));
        let again = RedriveFacts { again_after: Some(1), ..facts(0) };
        assert_eq!(
            next(Some(&intent(1)), &again),
            RedriveMove::Search(unfinished.clone()),
            "its result is not known yet"
        );
        let other = RedriveFacts { input_created: Nanos(2), ..facts(0) };
        let anew = Unfinished { after: Position(0), same_input: false, ..unfinished.clone() };
        assert_eq!(next(Some(&intent(1)), &other), RedriveMove::Search(anew.clone()));

        let searched = |found: Option<u64>, holes| Searched { found: found.map(Position), holes };
        assert_eq!(known(&unfinished, searched(Some(11), true)), SearchResult::There(Position(11)));
        assert_eq!(known(&unfinished, searched(None, false)), SearchResult::NotThere);
        assert_eq!(known(&unfinished, searched(None, true)), SearchResult::Unknowable);
        assert_eq!(known(&anew, searched(None, true)), SearchResult::NotThere);
    }

    #[test]
    fn where_ids_are_forgotten_early_a_young_attempt_is_left_alone() {
        let short = |age_s| RedriveFacts { remembers_ns: 59 * SECOND, ..facts(age_s) };
        assert_eq!(next(Some(&intent(1)), &short(20)), RedriveMove::Wait { for_ns: 40 * SECOND });
        assert_eq!(
            next(Some(&intent(1)), &short(-5)),
            RedriveMove::Wait { for_ns: 65 * SECOND },
            "clocks may disagree"
        );
        assert!(matches!(next(Some(&intent(1)), &short(60)), RedriveMove::Search(_)));
        const { assert!(ALONE_FOR > 2 * PUBLISH_WITHIN) };
    }

    #[test]
    fn a_result_is_written_behind_whatever_came_between() {
        let at = Position(12);
        assert_eq!(settle(Some(&intent(1)), 1, at), Settle::Behind(7));
        assert_eq!(settle(Some(&written(1, RedriveStep::Refused { why: "x".into() })), 1, at), Settle::Behind(7));
        assert_eq!(settle(Some(&done(1, 12)), 1, at), Settle::Written);
        assert_eq!(settle(Some(&done(1, 13)), 1, at), Settle::Doubled(Position(13)));
        assert_eq!(settle(Some(&intent(2)), 1, at), Settle::Written, "another attempt began, so this one has a result");
        assert_eq!(settle(None, 1, at), Settle::Behind(0), "the records were deleted");
    }
}
