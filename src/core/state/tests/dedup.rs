//! Ids against a plain list of when each was seen, whatever is cut, merged and let go.

use crate::core::ids::{Digest, KeyGroup, Nanos, Position};
use crate::core::state::dedup::{Dedup, Gone, MERGE_CHUNKS, ProcessedId};
use proptest::prelude::*;
use std::collections::BTreeMap;

const GROUP: KeyGroup = KeyGroup(3);

#[test]
fn the_window_is_exact_whatever_the_chunks() {
    let mut dedup = Dedup::new(Some(Nanos(100)));
    dedup.mark(GROUP, Digest(1), Nanos(1_000));
    assert!(dedup.cut(GROUP, Position(5), |ids| ids.len() as u16).is_empty());
    assert!(dedup.is_duplicate(GROUP, Digest(1), Nanos(1_099)));
    assert!(!dedup.is_duplicate(GROUP, Digest(1), Nanos(1_100)), "at the window's end it is new again");
    assert!(!dedup.is_duplicate(GROUP, Digest(2), Nanos(1_000)));
    // Processed again before the old chunk is let go: the new time counts.
    dedup.mark(GROUP, Digest(1), Nanos(1_100));
    assert_eq!(dedup.expire(GROUP, Nanos(1_150)), vec![Gone { position: Position(5), records: 1 }]);
    assert!(dedup.is_duplicate(GROUP, Digest(1), Nanos(1_199)));
    dedup.cut(GROUP, Position(6), |_| 1);
    assert_eq!(dedup.expire(GROUP, Nanos(1_199)), vec![]);
    assert_eq!(dedup.expire(GROUP, Nanos(1_200)).len(), 1);
    assert!(dedup.is_empty());
}

/// The records of one group as a store would hold them, each with at most so many ids.
#[derive(Default)]
struct Disk(BTreeMap<(Position, u16), Vec<ProcessedId>>);

const RECORD: usize = 190;

impl Disk {
    fn barrier(&mut self, dedup: &mut Dedup, position: u64, now: i64) {
        let position = Position(position);
        let mut gone = dedup.expire(GROUP, Nanos(now));
        gone.extend(dedup.cut(GROUP, position, |ids| {
            for (n, ids) in (0..).zip(ids.chunks(RECORD)) {
                assert!(self.0.insert((position, n), ids.to_vec()).is_none(), "a chunk is written once");
            }
            ids.len().div_ceil(RECORD) as u16
        }));
        for chunk in gone {
            for n in 0..chunk.records {
                assert!(self.0.remove(&(chunk.position, n)).is_some(), "what goes is there");
            }
        }
    }

    fn restore(&self, window: i64) -> Dedup {
        let mut dedup = Dedup::new(Some(Nanos(window)));
        self.0.iter().for_each(|((position, _), ids)| dedup.restore(GROUP, *position, ids.clone()));
        dedup
    }
}

#[test]
fn few_ids_a_checkpoint_become_few_records() {
    let (mut dedup, mut disk) = (Dedup::new(Some(Nanos(1_000_000))), Disk::default());
    for n in 1..=10_000 {
        dedup.mark(GROUP, Digest(n), Nanos(n as i64));
        disk.barrier(&mut dedup, n as u64, n as i64);
    }
    let records = disk.0.len();
    assert!(records <= 10_000 / MERGE_CHUNKS + MERGE_CHUNKS, "{records} records of 10,000 ids");
    let restored = disk.restore(1_000_000);
    assert_eq!(restored.len(), 10_000);
    let mut again = disk.restore(1_000_000);
    again.mark(GROUP, Digest(10_001), Nanos(10_001));
    disk.barrier(&mut again, 10_001, 10_001);
    disk.barrier(&mut again, 10_002, 2_000_000);
    assert!(disk.0.is_empty() && again.is_empty(), "everything is found again, and goes");
}

proptest! {
    /// Against a list of all that was ever processed: merged, expired, restarted, the answers are the same, and
    /// the disk never lacks an id that still counts.
    #[test]
    fn chunks_decide_nothing(steps in prop::collection::vec((0..4_u8, 0..40_u64, 1..300_i64), 1..400)) {
        let window = 500;
        let (mut dedup, mut disk) = (Dedup::new(Some(Nanos(window))), Disk::default());
        let mut all: BTreeMap<u64, i64> = BTreeMap::new();
        let mut durable = all.clone();
        let (mut now, mut position) = (0, 0);
        for (what, id, more) in steps {
            match what {
                0 | 1 => {
                    // Many or few ids between two barriers.
                    let many = if what == 0 { 1 } else { more as u64 };
                    for id in id..id + many {
                        let known = all.get(&id).is_some_and(|then| now - then < window);
                        prop_assert_eq!(dedup.is_duplicate(GROUP, Digest(id.into()), Nanos(now)), known);
                        if !known {
                            dedup.mark(GROUP, Digest(id.into()), Nanos(now));
                            all.insert(id, now);
                        }
                    }
                }
                2 => {
                    position += 1;
                    disk.barrier(&mut dedup, position, now);
                    durable = all.clone();
                }
                _ if more % 5 == 0 => {
                    dedup = disk.restore(window);
                    all = durable.clone();
                }
                // Now and then so far that an id counts anew while it still waits for its place in memory.
                _ => now += if more % 3 == 0 { window } else { more % 60 },
            }
        }
        disk.barrier(&mut dedup, position + 1, now);
        let restored = disk.restore(window);
        for (id, then) in &all {
            prop_assert_eq!(restored.is_duplicate(GROUP, Digest((*id).into()), Nanos(now)), now - then < window);
        }
    }
}
