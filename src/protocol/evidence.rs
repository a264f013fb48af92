//! Whether whoever answered for a stream was its leader at that moment.
//!
//! A server answers for a stream that it believes to lead, also when it is cut off from the others, which have another
//! leader by now; and where there is no leader, any member answers. The followers' last signs of life, which stand in
//! the same answer, tell these apart: others elect a leader 4 s after the last one's last word at the earliest.

use crate::core::ids::Nanos;
use crate::core::mutants::{Mutant, planted};
use xxhash_rust::xxh3::xxh3_64;

/// How long ago a follower may have been heard at most.
const HEARD: Nanos = Nanos(3_000_000_000);

/// What an answer says of the servers that keep the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The leader, as whoever answered knows it.
    pub leader: Option<String>,
    /// Since when it leads; zero where that is not said.
    pub since: Nanos,
    /// All others.
    pub followers: Vec<Follower>,
}

/// A server that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    /// How long ago it was heard; zero: not at all, or at this very moment.
    pub active: Nanos,
    /// Whether it is believed to have everything.
    pub current: bool,
    /// Whether it is known to be down.
    pub offline: bool,
}

/// Who leads a stream, and since when. All servers that are no cluster are one and the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leader {
    name: u64,
    since: Nanos,
}

impl Follower {
    fn was_heard(&self) -> bool {
        let just_now = self.active.0 > 0 || self.current;
        !self.offline && just_now && self.active <= HEARD
    }
}

/// Who led the stream when the answer was given, if a majority of its servers proves it.
pub fn leader(cluster: Option<&Cluster>) -> Option<Leader> {
    let Some(cluster) = cluster else { return Some(Leader::default()) };
    let name = cluster.leader.as_deref().unwrap_or_default();
    let leader = Leader { name: xxh3_64(name.as_bytes()), since: cluster.since };
    if planted(Mutant::EvidenceIgnored) {
        return Some(leader);
    }
    let heard = 1 + cluster.followers.iter().filter(|follower| follower.was_heard()).count();
    let majority = heard * 2 > cluster.followers.len() + 1;
    (!name.is_empty() && majority).then_some(leader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follower(active_ms: i64, current: bool) -> Follower {
        Follower { active: Nanos(active_ms * 1_000_000), current, offline: false }
    }

    fn led(name: Option<&str>, followers: Vec<Follower>) -> Option<Leader> {
        leader(Some(&Cluster { leader: name.map(str::to_owned), since: Nanos(7), followers }))
    }

    #[test]
    fn a_leader_is_believed_with_a_majority_that_was_just_heard() {
        assert!(leader(None).is_some(), "no cluster");
        assert!(led(Some("a"), vec![]).is_some(), "the only copy");
        assert!(led(Some("a"), vec![follower(400, true), follower(9_000, true)]).is_some(), "two of three");
        assert!(led(Some("a"), vec![follower(3_001, true), follower(4_300, true)]).is_none(), "cut off");
        assert!(led(Some("a"), vec![follower(0, false), follower(0, false)]).is_none(), "never heard");
        assert!(led(Some("a"), vec![follower(0, true), follower(0, false)]).is_some(), "heard this moment");
        assert!(led(Some("a"), vec![follower(1, true), follower(9_000, false), follower(1, false)]).is_some());
        assert!(led(Some("a"), vec![follower(1, true), follower(9_000, false), follower(9_000, false)]).is_none());
        let offline = Follower { offline: true, ..follower(1, true) };
        assert!(led(Some("a"), vec![offline, offline]).is_none(), "known to be down");
        assert!(led(None, vec![follower(1, true), follower(1, true)]).is_none(), "nobody leads");
    }

    #[test]
    fn another_leader_or_term_is_another_one() {
        let of = |name, since| leader(Some(&Cluster { leader: Some(String::from(name)), since, followers: vec![] }));
        assert_eq!(of("a", Nanos(1)), of("a", Nanos(1)));
        assert_ne!(of("a", Nanos(1)), of("a", Nanos(2)));
        assert_ne!(of("a", Nanos(1)), of("b", Nanos(1)));
    }
}
