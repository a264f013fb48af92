//! Why a start or a running engine stops, in words that a person can act on.
//!
//! The exit code is part of the contract; see the README's table.

use crate::core::ids::{LaneSequence, Position};

/// A reason to stop that no waiting mends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Rule 1.
    #[error("the input stream was deleted and created again since the last checkpoint")]
    InputRecreated,
    /// Rule 1.
    #[error("the input stream ends at {last}, but the event at {known} was already processed")]
    InputLostTail {
        /// Its last sequence.
        last: Position,
        /// The furthest position that we know.
        known: Position,
    },
    /// Rule 1.
    #[error("the event at position {position} is not the one that was processed: its stored-at time differs")]
    InputDiffers {
        /// The position.
        position: Position,
    },
    /// The lane's newest message names another input.
    #[error("the output stream belongs to input stream {found}, not to {asked}")]
    OtherInput {
        /// The stream that the lane names.
        found: String,
        /// The configured one.
        asked: String,
    },
    /// Rule 2.
    #[error("the output stream was deleted and created again since the last checkpoint")]
    OutputRecreated,
    /// Rule 4.
    #[error("the state is lost, and the output stream (last sequence {lane_last}) has no message left to recover from")]
    NoOrigin {
        /// The lane's last sequence.
        lane_last: LaneSequence,
    },
    /// Rule 5.
    #[error(
        "the message at the end of the output stream (sequence {sequence}) was deleted: whether it was an output or a stranger's message is not known"
    )]
    NewestGone {
        /// The lane's last sequence.
        sequence: LaneSequence,
    },
    /// Rule 4.
    #[error("the text of plan {plan} is missing: the outputs that were published under it cannot be recomputed")]
    NoPlanText {
        /// Its fingerprint or the positions that it covered.
        plan: String,
    },
    /// Rule 4, after a gap or a rebuild that broke the count, and a change of the configuration since.
    #[error(
        "the state must be built anew, and how many outputs of the past plans are among the {lane_last} in the output stream is not known"
    )]
    Uncounted {
        /// The lane's last sequence.
        lane_last: LaneSequence,
    },
    /// Rule 4, where a plan makes several messages of an event.
    #[error(
        "the event at position {cause} leads to several messages under the configuration before, and the output stream ends before the last of them"
    )]
    Unfinished {
        /// The newest output's cause.
        cause: Position,
    },
    /// Rule 4, and retention that overtakes a running engine.
    #[error("the input stream no longer holds positions {from} to {to}, which were not processed yet")]
    InputGone {
        /// The first missing position.
        from: Position,
        /// The last missing position.
        to: Position,
    },
    /// The plan's tables, keys or de-duplication changed.
    #[error("the configuration changed in ways that the stored state cannot follow:\n  {}", .changes.join("\n  "))]
    StateChanges {
        /// The changes, a sentence each.
        changes: Vec<String>,
    },
    /// An output that is out was published under another plan than the one that recomputes it.
    #[error("the output at lane sequence {sequence} was published under plan {found}, not {expected}")]
    OtherPlan {
        /// Where it stands.
        sequence: LaneSequence,
        /// The plan that it names.
        found: String,
        /// The plan at work.
        expected: String,
    },
    /// An output that is out is not the one that the input gives.
    #[error("the output at lane sequence {sequence} is {found}, but the input gives {expected}")]
    OutputDiffers {
        /// Where it stands.
        sequence: LaneSequence,
        /// What the lane holds there.
        found: String,
        /// What was recomputed.
        expected: String,
    },
    /// The lane's newest message, or the one at a refused sequence, is a stranger's.
    #[error(
        "another program writes to the output stream: the message at sequence {sequence} has no Sidestream headers"
    )]
    ForeignMessage {
        /// Where it stands.
        sequence: LaneSequence,
    },
    /// Another process owns the lane.
    #[error("an engine that started later (run {run}) has taken over the output stream")]
    NewerRun {
        /// Its run id.
        run: String,
    },
}

impl Refusal {
    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Refusal::NewerRun { .. } => 75,
            Refusal::ForeignMessage { .. } | Refusal::OutputDiffers { .. } => 70,
            _ => 78,
        }
    }

    /// Whether it is about something that is missing, so that `--accept-gap` can go on without it.
    pub fn is_a_gap(&self) -> bool {
        use Refusal::{InputGone, NoOrigin, NoPlanText, Uncounted, Unfinished};
        matches!(self, NoOrigin { .. } | NoPlanText { .. } | Uncounted { .. } | Unfinished { .. } | InputGone { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::InputLostTail { .. } | Refusal::InputDiffers { .. } => {
                "restore the input stream; or, if it lost its tail, add --accept-rewind to go on behind what it still has (new events then take old positions); or, for a new input, begin with a new output stream and a new state.path"
            }
            Refusal::InputRecreated => {
                "restore the input stream; or, for a new input, begin with a new output stream and a new state.path"
            }
            Refusal::OtherInput { .. } => "give each input stream an output stream of its own: change output.stream",
            Refusal::OutputRecreated => {
                "restore the output stream; or move the state directory away to publish every event of the input again"
            }
            Refusal::NoOrigin { .. } => {
                "restore the state directory or the output stream; or add --accept-gap to begin anew at the input's first event"
            }
            Refusal::Uncounted { .. } => {
                "add --accept-gap to go on after the newest output, with the configuration as it is"
            }
            Refusal::Unfinished { .. } => {
                "start once more with the configuration before, without --rebuild-state, and stop it with SIGTERM; or add --accept-gap to go on without the messages that are missing"
            }
            Refusal::NewestGone { .. } => {
                "restore the output stream; or add --accept-gap to take it for an output (if it was a stranger's message, the event behind the lane's end stays without its output)"
            }
            Refusal::NoPlanText { .. } => {
                "start once with the configuration that was in force, its salts included; or add --accept-gap to go on after the newest output"
            }
            Refusal::InputGone { .. } => {
                "restore the input stream; or add --accept-gap to go on without these events (they are counted)"
            }
            Refusal::StateChanges { .. } => {
                "--rebuild-state applies the new configuration to the whole input; --keep-state lets new columns fill from now on"
            }
            Refusal::OtherPlan { .. } => "start with the configuration that published these outputs",
            Refusal::OutputDiffers { .. } => "run `sidestream audit`; if it confirms the difference, please report it",
            Refusal::ForeignMessage { .. } => {
                "the output stream must have one writer: find the other publisher and stop it, and do not delete its message; then begin with a new output stream and a new state.path"
            }
            Refusal::NewerRun { .. } => "only one engine may serve an output stream: stop one of the two",
        }
    }
}
