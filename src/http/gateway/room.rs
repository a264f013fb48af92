//! The bytes that requests may hold in memory together: taken before a body is read, given back with the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a request takes beside its body: its headers, and what its answer is made of.
const BESIDE: usize = 4_096;

/// The room of all requests.
#[derive(Clone, Debug)]
pub(super) struct Room {
    most: usize,
    taken: Arc<AtomicUsize>,
}

/// A part of the room; dropping it gives it back.
#[derive(Debug)]
pub(super) struct RoomShare {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Room {
    /// A room of so many bytes.
    pub(super) fn new(most: usize) -> Room {
        Room { most, taken: Arc::default() }
    }

    /// Room for a body of so many bytes; `None` where there is not enough.
    pub(super) fn part(&self, body: usize) -> Option<RoomShare> {
        let bytes = body.saturating_add(BESIDE);
        let more = |taken: usize| taken.checked_add(bytes).filter(|now| *now <= self.most);
        self.taken.fetch_update(Relaxed, Relaxed, more).ok()?;
        Some(RoomShare { bytes, taken: self.taken.clone() })
    }

    /// How many bytes are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }
}

impl Drop for RoomShare {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let room = Room::new(3 * BESIDE);
        let (one, two) = (room.part(BESIDE), room.part(0));
        assert!(one.is_some() && two.is_some() && room.part(0).is_none());
        drop(one);
        assert_eq!(room.taken(), BESIDE);
        assert!(room.part(usize::MAX).is_none() && room.part(BESIDE).is_some());
    }
}
