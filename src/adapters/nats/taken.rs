//! Which delivery brought which position, so that one ack can cover all up to a position.
//!
//! Pure. Deliveries that follow each other without a hole share one entry, so a whole checkpoint interval is one.

use std::collections::VecDeque;

/// Consecutive positions that came in consecutive deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PositionRun {
    position: u64,
    delivery: u64,
    length: u64,
}

/// Deliveries that are not acknowledged yet.
#[derive(Debug, Default)]
pub(super) struct Taken {
    runs: VecDeque<PositionRun>,
}

impl Taken {
    /// A position was delivered. One that comes again after a later one is left out: the later one covers it.
    pub(super) fn record(&mut self, position: u64, delivery: u64) {
        match self.runs.back_mut() {
            Some(run) if position < run.position + run.length => {}
            Some(run) if run.position + run.length == position && run.delivery + run.length == delivery => {
                run.length += 1;
            }
            _ => self.runs.push_back(PositionRun { position, delivery, length: 1 }),
        }
    }

    /// The newest position and its delivery up to `position`, which with all before it is forgotten; `None` when
    /// nothing up to there is unacknowledged.
    pub(super) fn through(&mut self, position: u64) -> Option<(u64, u64)> {
        let mut newest = None;
        while let Some(run) = self.runs.front_mut()
            && run.position <= position
        {
            let covered = (position - run.position + 1).min(run.length);
            newest = Some((run.position + covered - 1, run.delivery + covered - 1));
            if covered < run.length {
                *run = PositionRun {
                    position: run.position + covered,
                    delivery: run.delivery + covered,
                    length: run.length - covered,
                };
                break;
            }
            self.runs.pop_front();
        }
        newest
    }

    /// Forgets everything: the consumer begins to count anew.
    pub(super) fn clear(&mut self) {
        self.runs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_delivery_up_to_a_position_is_found_across_holes() {
        let mut taken = Taken::default();
        for (position, delivery) in [(5, 1), (6, 2), (7, 3), (10, 4), (6, 5), (11, 6)] {
            taken.record(position, delivery);
        }
        assert_eq!(taken.runs.len(), 3);
        assert_eq!(taken.through(4), None);
        assert_eq!(taken.through(6), Some((6, 2)));
        assert_eq!(taken.through(6), None);
        assert_eq!(taken.through(10), Some((10, 4)));
        assert_eq!(taken.through(99), Some((11, 6)));
        assert!(taken.runs.is_empty());
    }
}
