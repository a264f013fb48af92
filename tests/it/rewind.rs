//! A state directory that follows a rewind, record by record: `refusals::rewinds` has the whole way.

use sidestream::adapters::memory::store::MemoryStore;
use sidestream::core::ids::{Content, Digest, KeyGroup, LaneSequence, Nanos, Position};
use sidestream::core::plan::layout::Layout;
use sidestream::core::record::{
    Checkpoint, DEDUP, FLOOR_KEY, GroupMark, MARK_KEY, PlanSince, dedup_position, encode_dedup,
};
use sidestream::engine::restore::{load_shard, read};
use sidestream::engine::rewrite::follow;
use sidestream::ports::store::{Batch, Space, Store};
use sidestream::protocol::facts::{Disk, Rewind};
use sidestream::protocol::prepare::IdsOf;

const GROUP: KeyGroup = KeyGroup(7);
const SPACE: Space = Space::Group(GROUP);

/// Ids of which the first checkpoint is before the floor, and the others are of lost events.
const IDS: [(u64, u128); 3] = [(85, 1), (93, 2), (95, 3)];

fn mark(position: u64, lane: u64) -> GroupMark {
    GroupMark { position: Position(position), stored_at: Nanos(0), lane: LaneSequence(lane) }
}

/// A checkpoint's ids in the store.
fn note(store: &dyn Store, (position, id): (u64, u128), mark: GroupMark) {
    let mut changes = vec![(MARK_KEY.to_vec(), Some(mark.encode()))];
    encode_dedup(Position(position), &[(Digest(id), Nanos(50), Content::UNKNOWN)], &mut changes).unwrap();
    store.apply(SPACE, &Batch { changes }).unwrap();
}

/// The positions and numbers of all chunks.
fn chunks(store: &dyn Store) -> Vec<(u64, u16)> {
    let mut all = Vec::new();
    store
        .scan(SPACE, &DEDUP, &mut |key, _| {
            let (position, number) = dedup_position(key).unwrap();
            all.push((position.0, number));
            true
        })
        .unwrap();
    all
}

#[test]
fn ids_of_lost_events_are_not_written_over_by_later_checkpoints() {
    let store = MemoryStore::default();
    for ids in IDS {
        note(&store, ids, mark(ids.0, ids.0));
    }
    let rewind = Rewind { number: 1, floor: Position(90), lane: LaneSequence(101) };
    let record = Checkpoint {
        position: Position(85),
        lane: LaneSequence(85),
        stored_at: Nanos(1),
        stream_time: Nanos(50),
        input_created: Nanos(1),
        output_created: Nanos(2),
        origin: Position(1),
        plans: vec![PlanSince { plan: "a".to_owned(), since: Position(1) }],
        layout: Layout::default(),
        gaps: 0,
        rewinds: vec![rewind],
    };
    let moved = Disk { checkpoint: Some(record.clone()), floor: Some(mark(90, 101)), ..Disk::default() };
    // A crash may come between: the second time finds everything in its place.
    for _ in 0..2 {
        follow(&store, &[rewind], &moved).unwrap();
        assert_eq!(chunks(&store), [(85, 0), (90, 0), (90, 1)]);
        let known = read(&store).unwrap();
        assert_eq!((known.checkpoint, known.marks), (Some(record.clone()), vec![mark(90, 101)]));
        assert_eq!(store.get(Space::Meta, FLOOR_KEY).unwrap(), Some(mark(90, 101).encode()));
    }
    // The engine comes to position 95 again, with other events.
    note(&store, (95, 4), mark(95, 103));
    let ids = IdsOf { window: Some(Nanos(1_000)), other_rule_through: Position(0) };
    let state = load_shard(&store, 0, 1, 100, ids, Position(95)).unwrap();
    for id in [1, 2, 3, 4] {
        assert!(state.ids.is_duplicate(GROUP, Digest(id), Nanos(60)), "id {id} is forgotten");
    }
}
