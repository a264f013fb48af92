//! The faults of a cluster by name, and how long each lasts. Only names and numbers; `strike` carries them out.

/// What is done to the servers of a cluster, to what lies between them, or to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    KillOutputLeader,
    KillInputLeader,
    KillMetaLeader,
    KillConsumerServer,
    FreezeOutputLeader,
    FreezeInputLeader,
    FreezeConsumerServer,
    StepDownOutput,
    StepDownInput,
    CutOffOutputLeader,
    CutOffInputLeader,
    CutOffFollower,
    QuorumKilled,
    QuorumFrozen,
    AllKilled,
    RollingRestart,
    LameDuck,
    ScaleOutput,
    ScaleInput,
    StoreWiped,
    EngineKill,
    StoreRolledBack,
}

use Fault::*;

/// Name, cards in a deck, and the shortest and longest time in tenths of a second that the fault lasts.
const FAULTS: &[(Fault, &str, u32, u64, u64)] = &[
    (KillOutputLeader, "kill-output-leader", 3, 5, 80),
    (KillInputLeader, "kill-input-leader", 3, 5, 80),
    (KillMetaLeader, "kill-meta-leader", 2, 5, 80),
    (KillConsumerServer, "kill-consumer-server", 3, 5, 80),
    (FreezeOutputLeader, "freeze-output-leader", 2, 20, 150),
    (FreezeInputLeader, "freeze-input-leader", 2, 20, 150),
    (FreezeConsumerServer, "freeze-consumer-server", 2, 20, 150),
    (StepDownOutput, "step-down-output", 5, 0, 0),
    (StepDownInput, "step-down-input", 3, 0, 0),
    (CutOffOutputLeader, "cut-off-output-leader", 2, 20, 150),
    (CutOffInputLeader, "cut-off-input-leader", 2, 20, 150),
    (CutOffFollower, "cut-off-follower", 1, 20, 150),
    (QuorumKilled, "quorum-killed", 1, 50, 200),
    (QuorumFrozen, "quorum-frozen", 1, 50, 200),
    (AllKilled, "all-killed", 1, 10, 100),
    (RollingRestart, "rolling-restart", 1, 0, 0),
    (LameDuck, "lame-duck", 2, 0, 0),
    (ScaleOutput, "scale-output", 1, 0, 0),
    (ScaleInput, "scale-input", 1, 0, 0),
    (StoreWiped, "store-wiped", 1, 0, 0),
    (EngineKill, "engine-kill", 3, 0, 0),
    // Judged apart: the servers lose what they acknowledged.
    (StoreRolledBack, "store-rolled-back", 0, 0, 0),
];

/// The faults of the short ring, each once.
pub const RING: &[Fault] = &[
    KillOutputLeader,
    FreezeInputLeader,
    StepDownOutput,
    StepDownInput,
    RollingRestart,
    QuorumKilled,
    ScaleOutput,
    EngineKill,
];

impl Fault {
    /// Every fault, in the order of the table.
    pub fn all() -> impl Iterator<Item = Fault> {
        FAULTS.iter().map(|row| row.0)
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Fault> {
        FAULTS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    fn row(self) -> &'static (Fault, &'static str, u32, u64, u64) {
        FAULTS.iter().find(|row| row.0 == self).expect("every fault has its row")
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// How many cards of it are in a deck.
    pub fn cards(self) -> u32 {
        self.row().2
    }

    /// The shortest and the longest time that it lasts, in tenths of a second.
    pub fn lasts(self) -> (u64, u64) {
        (self.row().3, self.row().4)
    }
}
