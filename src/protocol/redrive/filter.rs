//! Which dead letters are meant.
//!
//! Several reasons or kinds mean any of them; everything else must hold together.

use super::letter::Letter;
use crate::core::ids::{Nanos, Position};

/// A choice of dead letters; the default takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// One of these reason codes; empty: any.
    pub reasons: Vec<String>,
    /// One of these kinds; empty: any, known or not.
    pub kinds: Vec<String>,
    /// The first position.
    pub from: Option<Position>,
    /// The last position.
    pub to: Option<Position>,
    /// Stored in the input at this moment or after it.
    pub since: Option<Nanos>,
    /// Stored in the input at this moment or before it.
    pub until: Option<Nanos>,
}

impl LetterFilter {
    /// One position alone.
    pub fn at(position: Position) -> LetterFilter {
        LetterFilter { from: Some(position), to: Some(position), ..LetterFilter::default() }
    }

    /// Whether a dead letter is meant.
    pub fn takes(&self, letter: &Letter) -> bool {
        let position = letter.id.position;
        let kind = letter.kind.as_ref().map(|kind| kind.text.as_str());
        (self.reasons.is_empty() || self.reasons.contains(&letter.reason))
            && (self.kinds.is_empty() || kind.is_some_and(|kind| self.kinds.iter().any(|wanted| wanted == kind)))
            && self.from.is_none_or(|from| position >= from)
            && self.to.is_none_or(|to| position <= to)
            && self.since.is_none_or(|since| letter.id.time >= since)
            && self.until.is_none_or(|until| letter.id.time <= until)
    }

    /// Whether nothing at this position or after it is meant.
    pub fn is_past(&self, position: Position) -> bool {
        self.to.is_some_and(|to| position > to)
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::{Decoded, LetterId};
    use super::*;
    use crate::protocol::header::{RunHeader, RunId};

    fn letter(position: u64, time: i64, reason: &str, kind: Option<&str>) -> Letter {
        let decoded = |text: &str| Decoded { text: text.to_owned(), whole: true };
        Letter {
            waited: None,
            element: None,
            id: LetterId { position: Position(position), n: 0, time: Nanos(time), input: "EVENTS".into() },
            reason: reason.to_owned(),
            sentence: String::new(),
            subject: decoded("events.x"),
            kind: kind.map(decoded),
            key: None,
            run: RunHeader {
                run: RunId::new(Nanos(1), 1),
                start: 1,
                plan: "p".into(),
                origin: Position(1),
                since: Position(1),
            },
            cut_from: None,
            bytes: 0,
            headers: Vec::new(),
            body: Default::default(),
        }
    }

    #[test]
    fn filters_hold_together_and_bounds_belong_to_them() {
        let letters = [
            letter(1, 10, "not_json", None),
            letter(2, 20, "no_key", Some("user")),
            letter(3, 30, "no_key", Some("lesson")),
            letter(4, 40, "miss", Some("lesson")),
        ];
        let check = |filter: LetterFilter, expected: &[u64]| {
            let found: Vec<u64> = letters.iter().filter(|l| filter.takes(l)).map(|l| l.id.position.0).collect();
            assert_eq!(found, expected, "{filter:?}");
        };
        let reasons = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let any = LetterFilter::default;
        check(any(), &[1, 2, 3, 4]);
        check(LetterFilter { reasons: reasons(&["no_key", "miss"]), ..any() }, &[2, 3, 4]);
        check(LetterFilter { kinds: reasons(&["lesson"]), ..any() }, &[3, 4]);
        check(LetterFilter { kinds: reasons(&["lesson"]), reasons: reasons(&["miss"]), ..any() }, &[4]);
        check(LetterFilter { from: Some(Position(2)), to: Some(Position(3)), ..any() }, &[2, 3]);
        check(LetterFilter { since: Some(Nanos(20)), until: Some(Nanos(30)), ..any() }, &[2, 3]);
        check(LetterFilter { since: Some(Nanos(21)), until: Some(Nanos(29)), ..any() }, &[]);
        check(LetterFilter::at(Position(4)), &[4]);
        assert!(
            LetterFilter::at(Position(4)).is_past(Position(5)) && !LetterFilter::at(Position(4)).is_past(Position(4))
        );
    }
}
