//! Wrong readings of the protocol, planted where the right ones stand, to prove that the checks see them.
//!
//! Only a build with the feature `mutants` contains them, and there only the simulator plants one, for its own thread.
//! Each is a mistake that somebody could make, or made: most were found with a model before the first line of code.

macro_rules! mutants {
    ($($(#[doc = $words:literal])+ $name:ident,)+) => {
        /// A planted mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant {
            $($(#[doc = $words])+ $name,)+
        }

        impl Mutant {
            /// Every mistake, with its name and what it does.
            pub const ALL: &'static [(Mutant, &'static str, &'static str)] = &[
                $((Mutant::$name, stringify!($name), concat!($($words),+)),)+
            ];
        }
    };
}

mutants! {
    /// State is written before the lane confirmed its outputs.
    StateBeforeConfirmation,
    /// S is recorded before the key groups are written.
    RecordBeforeGroups,
    /// The record follows the key groups without a sync between.
    NoFirstSync,
    /// The checkpoint counts as written without a sync behind the record.
    NoSecondSync,
    /// The input may be acknowledged up to a checkpoint that is not written yet.
    AcknowledgedBeforeWritten,
    /// Rows may be let go once their checkpoint is gathered, before it is written.
    LetGoBeforeWritten,
    /// The next barrier may be placed, or the start may end, before the checkpoint of the last one is written.
    NextBeforeWritten,
    /// Outputs are sent without an expected sequence.
    NoExpectedSequence,
    /// A lane that is shorter than what was confirmed is filled up from its end.
    RenumberedAfterLoss,
    /// Outputs count as out by the position of the newest one, whichever of its position's outputs it is.
    IndexIgnored,
    /// The newest message that is still there is taken for the lane's last.
    NewestStillThere,
    /// A lane without messages is taken for a new one.
    EmptyIsFresh,
    /// A lane without messages is taken for one whose outputs grew too old, whoever emptied it.
    EmptyIsAgedOut,
    /// Whether the state is ahead of the lane is judged by position instead of sequence.
    AheadByPosition,
    /// R is the lane's last sequence of the moment.
    LaneEndAsR,
    /// The input is known by its length only.
    IdentityByLength,
    /// A start after a lost connection goes by what the process knew before.
    NoLookAfterReconnect,
    /// An id is known for as long as its chunk is.
    ExpiryByChunk,
    /// Ids that were noted under another rule of identity count no more.
    OtherIdentityForgotten,
    /// Events that leave at one position leave in the order of shards.
    ReleasedByShard,
    /// A shard takes the time of its own events alone for stream time when it releases events.
    DeadlineByOwnEvents,
    /// An event that keeps the order of its key leaves as soon as it has its rows.
    OrderOfKeyBroken,
    /// A checkpoint forgets the events that wait.
    WaitingNotWritten,
    /// What each event of a list leads to is counted as if it had come in a message of its own.
    ListsTakenApart,
    /// Only the shard that says what an event leads to has the rows of global tables that it changes.
    GlobalRowsOfOneShard,
    /// The rows of global tables are written before the record of S.
    GlobalRowsAheadOfS,
    /// A row of a global table releases an event of a key group that is ahead of it.
    ReleasedByAnOldRow,
    /// Stream time begins anew with each start.
    StreamTimeForgotten,
    /// A key group that is ahead of S is taken to be as of S.
    GroupMarkForgotten,
    /// What a barrier collects is a slice ahead of the position that it names.
    BarrierLate,
    /// Which process is the later one is told by the server's clock alone.
    RunIdByClock,
    /// Who wrote what stands in a refused output's place makes no difference.
    RunIdIgnored,
    /// The configured plan is at work at once, also for outputs that are out.
    PlanSwitchedEarly,
    /// A plan that the record names is in force where the lane shows another.
    RecordedPlanBeatsTheLane,
    /// A plan that was to begin behind the state is in force from there on, although the lane shows that it began later.
    EarlierSwitchKept,
    /// A state is gone on with where the lane shows another plan than the one that it was made under.
    OtherHistoryKept,
    /// Key groups that are ahead of S are not counted as reached.
    GroupsAheadIgnored,
    /// The B of a start over an empty state is not kept.
    FloorForgotten,
    /// Deliveries that are missing are not missed.
    DeliveryGapIgnored,
    /// A batch begins before the one before it is confirmed.
    BatchTooEarly,
    /// Reading goes on after the input lost what was taken.
    SameStreamAssumed,
    /// What a new leader knows of the batch before is taken for the batch at hand.
    StaleAckTaken,
    /// What an early build does not know of a later build's plan is left out, and the rest runs under that plan's name.
    LaterWordsDropped,
    /// A stream's answer is believed whoever gave it.
    EvidenceIgnored,
    /// What a single look at the streams says is acted on.
    OneLook,
    /// An output that differs from what is computed ends the process at once, whatever became of the streams meanwhile.
    DifferenceAtOnce,
    /// Outputs that are stored already are sent again behind the lane's end.
    ResentRenumbered,
    /// A state that follows a rewind of the input goes on from its own R instead of behind the marker.
    RewindUnmarked,
    /// Key groups that are beyond the floor of a rewind stay there, and pass over the events that come in place of the lost ones.
    MarksNotRewound,
    /// All that an input which lost its tail holds is taken for what was processed.
    FloorAtTheInputsEnd,
    /// An event that is older than its row changes the row.
    OlderRowWritten,
    /// A row that was removed keeps no version.
    RemovedVersionForgotten,
    /// A message that another one of its event follows does not say so.
    LaterMessagesUntold,
}

#[cfg(feature = "mutants")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Plants a mistake for this thread, or takes it out.
#[cfg(feature = "mutants")]
pub fn plant(mutant: Option<Mutant>) {
    PLANTED.set(mutant);
}

/// Whether this mistake is planted; never without the feature.
#[inline(always)]
pub fn planted(mutant: Mutant) -> bool {
    #[cfg(feature = "mutants")]
    return PLANTED.get() == Some(mutant);
    #[cfg(not(feature = "mutants"))]
    {
        let _ = mutant;
        false
    }
}
