//! The faults by name: what each is, what it needs of the machine, and how often it is dealt.
//!
//! Only names and numbers; striking is `strike`'s business. Exit codes that a fault allows stand beside its blow.

/// What is done to the engine, the server, the connection, the state disk or the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    EngineKill,
    EngineKillTwice,
    ServerKill,
    BothKill,
    EngineStopShort,
    EngineStopLong,
    ServerStopShort,
    ServerStopLong,
    EngineDrain,
    NetCut,
    NetHalfOpenShort,
    NetHalfOpenLong,
    NetDelay,
    NetRefuse,
    SwallowAcks,
    SwallowDeliveries,
    DiskFull,
    DiskReadOnly,
    FsyncFails,
    WriteFails,
    StateDeleted,
    StateCorrupted,
    StateSwapped,
    ShardsChange,
    ClockForward,
    ClockBackward,
    Zombie,
    ZombieAlone,
    Successor,
    EnginesAtOnce,
    SameDirectory,
    RetentionOvertakes,
}

use Fault::*;

/// What a machine must have for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Nothing,
    /// Root, and the right to mount a small tmpfs.
    Tmpfs,
    /// A C compiler, for the library that stands between the engine and libc.
    Shim,
}

/// Name, need, and how many cards of it a deck holds: a deck has about 60 kills of engines and 14 of servers,
/// which is 5 and 1 a minute if a deck takes 12 minutes.
const FAULTS: &[(Fault, &str, Need, u32)] = &[
    (EngineKill, "engine-kill", Need::Nothing, 16),
    (EngineKillTwice, "engine-kill-twice", Need::Nothing, 6),
    (ServerKill, "server-kill", Need::Nothing, 8),
    (BothKill, "both-kill", Need::Nothing, 2),
    (EngineStopShort, "engine-stop-short", Need::Nothing, 1),
    (EngineStopLong, "engine-stop-long", Need::Nothing, 1),
    (ServerStopShort, "server-stop-short", Need::Nothing, 1),
    (ServerStopLong, "server-stop-long", Need::Nothing, 1),
    (EngineDrain, "engine-drain", Need::Nothing, 2),
    (NetCut, "net-cut", Need::Nothing, 2),
    (NetHalfOpenShort, "net-half-open-short", Need::Nothing, 1),
    (NetHalfOpenLong, "net-half-open-long", Need::Nothing, 1),
    (NetDelay, "net-delay", Need::Nothing, 1),
    (NetRefuse, "net-refuse", Need::Nothing, 1),
    (SwallowAcks, "swallow-acks", Need::Nothing, 2),
    (SwallowDeliveries, "swallow-deliveries", Need::Nothing, 2),
    (DiskFull, "disk-full", Need::Tmpfs, 1),
    (DiskReadOnly, "disk-read-only", Need::Tmpfs, 1),
    (FsyncFails, "fsync-fails", Need::Shim, 1),
    (WriteFails, "write-fails", Need::Shim, 1),
    (StateDeleted, "state-deleted", Need::Nothing, 1),
    (StateCorrupted, "state-corrupted", Need::Nothing, 2),
    (StateSwapped, "state-swapped", Need::Nothing, 1),
    (ShardsChange, "shards-change", Need::Nothing, 1),
    (ClockForward, "clock-forward", Need::Shim, 1),
    (ClockBackward, "clock-backward", Need::Shim, 1),
    (Zombie, "zombie", Need::Nothing, 1),
    (ZombieAlone, "zombie-alone", Need::Nothing, 1),
    (Successor, "successor", Need::Nothing, 1),
    (EnginesAtOnce, "engines-at-once", Need::Nothing, 1),
    (SameDirectory, "same-directory", Need::Nothing, 1),
    (RetentionOvertakes, "retention-overtakes", Need::Nothing, 1),
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

    fn row(self) -> &'static (Fault, &'static str, Need, u32) {
        FAULTS.iter().find(|row| row.0 == self).expect("every fault has its row")
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it needs of the machine.
    pub fn need(self) -> Need {
        self.row().2
    }

    /// How many cards of it are in a deck.
    pub fn cards(self) -> u32 {
        self.row().3
    }

    /// Whether it makes the promise void for a stretch, and so has a round of its own.
    pub fn is_alone(self) -> bool {
        self == RetentionOvertakes
    }

    /// Whether it must last longer than a time-out of the engine or the server; a short run does without it.
    pub fn is_long(self) -> bool {
        matches!(self, EngineStopLong | ServerStopLong | NetHalfOpenLong)
    }
}
