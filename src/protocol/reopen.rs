//! Whether a lane whose batch was lost can be gone on with in the same start, and from where.
//!
//! Output k after the checkpoint has lane sequence R + k, always. To send it once more with that sequence, expected behind the
//! one before, can only store it where it was to stand, whichever copy comes first. What has to be known is that everything
//! up to the lane's end is this start's own. Its newest message tells: a batch stores its messages behind each other or ends,
//! and each began behind an end that was answered, or that was looked at here. Asks nothing itself; sends nothing.

use super::header::{LaneMessage, RunHeader};
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Nanos};
use crate::core::mutants::{Mutant, planted};
use crate::core::output::Output;
use std::collections::VecDeque;

/// Who writes, and where it began.
#[derive(Clone, Debug)]
pub struct Own {
    /// What its messages say of their writer.
    pub header: RunHeader,
    /// When the output stream was created, as the start found it.
    pub created: Nanos,
    /// The lane's last sequence at the start.
    pub began_after: LaneSequence,
}

/// What the stream's leader says of the lane.
#[derive(Clone, Debug)]
pub struct LeaderAccount {
    /// When the stream was created.
    pub created: Nanos,
    /// Its last sequence.
    pub last: LaneSequence,
    /// The message there.
    pub newest: Option<StoredMessage>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reopen {
    /// Everything up to here is stored, and of this start: go on behind it.
    Behind(LaneSequence),
    /// End the start, and why: the start rules know more.
    Anew(&'static str),
}

/// Judges a lane of which everything up to `confirmed` is confirmed.
pub fn reopen(own: &Own, confirmed: LaneSequence, kept: &UnconfirmedOutputs, seen: &LeaderAccount) -> Reopen {
    let last = seen.last;
    if seen.created != own.created {
        return Reopen::Anew("the output stream is another one");
    }
    if last < confirmed {
        return Reopen::Anew("the output stream lost its tail");
    }
    if last > kept.last() {
        return Reopen::Anew("somebody else wrote to the output stream");
    }
    if last <= own.began_after {
        return Reopen::Anew("no output of this start is stored");
    }
    let Some(newest) = seen.newest.as_ref().and_then(LaneMessage::read) else {
        return Reopen::Anew("the newest output is gone, or not ours");
    };
    if newest.run != own.header {
        return Reopen::Anew("another engine or start wrote the newest output");
    }
    match kept.get(last) {
        Some(output) if (output.position, output.n) != (newest.cause, newest.n) => {
            Reopen::Anew("the newest output is not the one that was sent")
        }
        _ => Reopen::Behind(last),
    }
}

/// Outputs that were sent and are not confirmed, in order and in the pieces in which they came.
#[derive(Debug)]
pub struct UnconfirmedOutputs {
    last: LaneSequence,
    /// Each piece with the sequence of its first output.
    pieces: VecDeque<(LaneSequence, Vec<Output>)>,
}

impl UnconfirmedOutputs {
    /// Nothing yet, for a lane that ends at `after`.
    pub fn new(after: LaneSequence) -> UnconfirmedOutputs {
        UnconfirmedOutputs { last: after, pieces: VecDeque::new() }
    }

    /// Takes outputs that follow the last one; returns them to be sent.
    pub fn keep(&mut self, outputs: Vec<Output>) -> &[Output] {
        let first = LaneSequence(self.last.0 + 1);
        self.last.0 += outputs.len() as u64;
        self.pieces.push_back((first, outputs));
        self.pieces.back().map_or(&[], |(_, outputs)| outputs)
    }

    /// Everything up to `to` is confirmed: the pieces that end there are let go.
    pub fn confirmed(&mut self, to: LaneSequence) {
        let ends = |first: LaneSequence, outputs: &[Output]| first.0 + outputs.len() as u64 <= to.0 + 1;
        while self.pieces.pop_front_if(|(first, outputs)| ends(*first, outputs)).is_some() {}
    }

    /// The sequence of the last output that was taken.
    pub fn last(&self) -> LaneSequence {
        self.last
    }

    /// The output at a sequence, as long as it is kept.
    pub fn get(&self, sequence: LaneSequence) -> Option<&Output> {
        let at = self.pieces.partition_point(|(first, _)| *first <= sequence).checked_sub(1)?;
        let (first, outputs) = self.pieces.get(at)?;
        outputs.get(usize::try_from(sequence.0 - first.0).ok()?)
    }

    /// What is kept behind a sequence, to be sent again: each piece with the sequence of its first output.
    pub fn behind(&self, sequence: LaneSequence) -> impl Iterator<Item = (LaneSequence, &[Output])> {
        let sequence = if planted(Mutant::ResentRenumbered) { LaneSequence(0) } else { sequence };
        self.pieces.iter().filter_map(move |(first, outputs)| {
            let skipped = (sequence.0 + 1).saturating_sub(first.0);
            let rest = outputs.get(usize::try_from(skipped).ok()?..).filter(|rest| !rest.is_empty())?;
            Some((LaneSequence(first.0 + skipped), rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::Position;
    use crate::protocol::header::RunId;
    use crate::protocol::tests::world::stored_at;

    fn output(position: u64) -> Output {
        Output {
            position: Position(position),
            n: 0,
            stored_at: stored_at(position),
            subject: "enriched.user".into(),
            event_time: None,
            copied: None,
            followed: false,
            envelope: None,
            dead: None,
            payload: "{}".into(),
        }
    }

    /// Sequences 11 to 17 of positions 21 to 27, in three pieces; 11 and 12 are confirmed.
    fn kept() -> UnconfirmedOutputs {
        let mut kept = UnconfirmedOutputs::new(LaneSequence(10));
        for piece in [21..=22, 23..=25, 26..=27] {
            kept.keep(piece.map(output).collect());
        }
        kept.confirmed(LaneSequence(12));
        kept
    }

    fn own() -> Own {
        let run = RunId::new(Nanos(5), 1);
        let header = RunHeader { run, start: 3, plan: "00ff".into(), origin: Position(1), since: Position(1) };
        Own { header, created: Nanos(7), began_after: LaneSequence(10) }
    }

    fn message(sequence: u64, position: u64, header: &RunHeader) -> StoredMessage {
        let headers = vec![
            (crate::core::output::POSITION.to_owned(), format!("EVENTS:{position}:0")),
            (crate::core::output::RUN.to_owned(), header.to_string()),
            (crate::core::output::TIME.to_owned(), "1".to_owned()),
        ];
        let (subject, payload) = ("enriched.user".into(), "{}".into());
        StoredMessage { sequence, stored_at: Nanos(1), subject, headers: Some(headers.into()), payload }
    }

    #[test]
    fn what_is_kept_is_sent_again_with_its_sequences() {
        let kept = kept();
        let behind = |last| {
            let pieces = kept.behind(LaneSequence(last));
            pieces.map(|(first, outputs)| (first.0, outputs.iter().map(|o| o.position.0).collect())).collect()
        };
        let pieces: Vec<(u64, Vec<u64>)> = behind(12);
        assert_eq!(pieces, [(13, vec![23, 24, 25]), (16, vec![26, 27])]);
        let pieces: Vec<(u64, Vec<u64>)> = behind(14);
        assert_eq!(pieces, [(15, vec![25]), (16, vec![26, 27])]);
        let pieces: Vec<(u64, Vec<u64>)> = behind(17);
        assert_eq!(pieces, []);
        let at = |sequence| kept.get(LaneSequence(sequence)).map(|output| output.position.0);
        assert_eq!((at(12), at(13), at(17), at(18)), (None, Some(23), Some(27), None));
    }

    #[test]
    fn a_lane_is_gone_on_with_only_behind_a_message_of_this_very_start() {
        let judged = |change: &dyn Fn(&mut LeaderAccount)| {
            let own = own();
            let newest = Some(message(14, 24, &own.header));
            let mut seen = LeaderAccount { created: Nanos(7), last: LaneSequence(14), newest };
            change(&mut seen);
            match reopen(&own, LaneSequence(12), &kept(), &seen) {
                Reopen::Behind(last) => format!("behind {last}"),
                Reopen::Anew(why) => why.to_owned(),
            }
        };
        let by = |change: &dyn Fn(&mut RunHeader)| {
            let mut header = own().header;
            change(&mut header);
            judged(&|seen| seen.newest = Some(message(14, 24, &header)))
        };
        let last = |sequence: u64, position: u64| {
            judged(&|seen| {
                seen.last = LaneSequence(sequence);
                seen.newest = Some(message(sequence, position, &own().header));
            })
        };
        assert_eq!(judged(&|_| {}), "behind 14");
        assert_eq!((last(12, 22), last(17, 27)), ("behind 12".to_owned(), "behind 17".to_owned()));
        assert_eq!(last(18, 28), "somebody else wrote to the output stream");
        assert_eq!(last(11, 21), "the output stream lost its tail");
        assert_eq!(last(14, 25), "the newest output is not the one that was sent");
        assert_eq!(by(&|header| header.start = 2), "another engine or start wrote the newest output");
        assert_eq!(
            by(&|header| header.run = RunId::new(Nanos(6), 1)),
            "another engine or start wrote the newest output"
        );
        assert_eq!(judged(&|seen| seen.newest = None), "the newest output is gone, or not ours");
        assert_eq!(judged(&|seen| seen.created = Nanos(8)), "the output stream is another one");
        let nothing =
            LeaderAccount { created: Nanos(7), last: LaneSequence(10), newest: Some(message(10, 20, &own().header)) };
        let mut fresh = UnconfirmedOutputs::new(LaneSequence(10));
        fresh.keep(vec![output(21)]);
        let verdict = reopen(&own(), LaneSequence(10), &fresh, &nothing);
        assert_eq!(verdict, Reopen::Anew("no output of this start is stored"));
    }
}
