//! Who stands in the place of an output that the server refused, and what that means.
//!
//! Judges only; asking the server belongs to `app`.

use super::header::{LaneMessage, RunId};
use super::refusal::Refusal;
use crate::core::event::StoredMessage;
use crate::core::ids::LaneSequence;
use crate::core::mutants::{Mutant, planted};
use std::fmt;

/// What to do after a refused output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalVerdict {
    /// Start again: at once, or after a pause.
    Again {
        /// Who wrote what stands there.
        who: Who,
        /// Whether waiting helps.
        pause: bool,
    },
    /// Stop.
    Stop(Refusal),
}

/// Who wrote what stands in an output's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nothing stands there any more.
    Nobody,
    /// A start of this process.
    Us,
    /// An engine that started earlier.
    Another,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Who::Nobody => "nobody",
            Who::Us => "an earlier start of ours",
            Who::Another => "an engine that started earlier",
        })
    }
}

/// Judges what stands at the refused sequence, for a start of a run.
pub fn refused(at: LaneSequence, found: Option<&StoredMessage>, run: &RunId, start: u64) -> RefusalVerdict {
    let Some(message) = found else { return RefusalVerdict::Again { who: Who::Nobody, pause: true } };
    match LaneMessage::read(message) {
        None => RefusalVerdict::Stop(Refusal::ForeignMessage { sequence: at }),
        Some(found) if found.run.run > *run && !planted(Mutant::RunIdIgnored) => {
            RefusalVerdict::Stop(Refusal::NewerRun { run: found.run.run.to_string() })
        }
        Some(found) if found.run.run == *run => RefusalVerdict::Again { who: Who::Us, pause: found.run.start == start },
        // Racing an earlier engine is won by being quick, not by waiting.
        Some(_) => RefusalVerdict::Again { who: Who::Another, pause: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::Nanos;
    use crate::core::output::{POSITION, RUN, TIME};

    #[test]
    fn the_later_run_goes_on_and_a_stranger_stops_all() {
        let ours = RunId::new(Nanos(5), 1);
        let message = |headers: Option<Vec<(&str, String)>>| StoredMessage {
            sequence: 7,
            stored_at: Nanos(1),
            subject: "enriched.user".into(),
            headers: headers
                .map(|list| list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>().into()),
            payload: "{}".into(),
        };
        let by = |run: &RunId, start: u64| {
            let run = format!("{run}.{start}:00ff:1:1");
            message(Some(vec![(POSITION, "EVENTS:7:0".to_owned()), (TIME, "1".to_owned()), (RUN, run)]))
        };
        let verdict = |found: Option<StoredMessage>| match refused(LaneSequence(7), found.as_ref(), &ours, 3) {
            RefusalVerdict::Again { who, pause } => format!("{who}, {pause}"),
            RefusalVerdict::Stop(refusal) => refusal.exit_code().to_string(),
        };
        assert_eq!(verdict(None), "nobody, true");
        assert_eq!(verdict(Some(message(None))), "70");
        assert_eq!(verdict(Some(by(&RunId::new(Nanos(6), 0), 1))), "75");
        assert_eq!(verdict(Some(by(&RunId::new(Nanos(4), 9), 1))), "an engine that started earlier, false");
        assert_eq!(verdict(Some(by(&ours, 2))), "an earlier start of ours, false");
        assert_eq!(verdict(Some(by(&ours, 3))), "an earlier start of ours, true");
    }
}
