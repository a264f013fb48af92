//! The merge: the shards' outcomes of a slice back into input order, slices in order of their numbers.
//!
//! What an event leads to that waited stands behind the outcome of the position that released it, in the order of turns and not
//! of shards. Knows which shard got which event, and nothing of what the outcomes are.

use crate::core::mutants::{Mutant, planted};
use crate::core::outcome::Outcome;
use crate::core::parked::Released;
use std::collections::{BTreeMap, VecDeque};

/// A slice's place in the run, from 0, without gaps.
pub type SliceNumber = u64;

/// What can be one with outcomes of events that it releases.
pub trait Releasing: Sized {
    /// This, and behind it what it releases, or what later events of its message lead to.
    fn releasing(self, released: Vec<Self>) -> Self;
}

impl Releasing for Outcome {
    fn releasing(self, released: Vec<Outcome>) -> Outcome {
        Outcome::releasing(self, released)
    }
}

/// Which shard says what each event of a slice leads to, in input order, and which events came in one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    shards: Vec<u8>,
    /// Of each message with more than one event, the place of its first event and their number.
    several: Vec<(usize, usize)>,
}

impl Order {
    /// With room for so many events.
    pub fn with_capacity(events: usize) -> Order {
        Order { shards: Vec::with_capacity(events), several: Vec::new() }
    }

    /// The next event, of this shard.
    pub fn push(&mut self, shard: u8) {
        self.shards.push(shard);
    }

    /// How many events there are.
    pub fn events(&self) -> usize {
        self.shards.len()
    }

    /// The events from this place on came in one message.
    pub fn together(&mut self, first: usize) {
        let count = self.shards.len() - first;
        if count > 1 {
            self.several.push((first, count));
        }
    }

    /// How many messages there are.
    pub fn messages(&self) -> usize {
        self.shards.len() - self.several.iter().map(|(_, count)| count - 1).sum::<usize>()
    }
}

impl From<Vec<u8>> for Order {
    fn from(shards: Vec<u8>) -> Order {
        Order { shards, several: Vec::new() }
    }
}

/// One shard's part of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlicePart<T> {
    /// The outcomes of its events, in input order.
    pub outcomes: Vec<T>,
    /// What of its events that waited is released in the slice.
    pub released: Vec<Released<T>>,
}

impl<T> From<Vec<T>> for SlicePart<T> {
    fn from(outcomes: Vec<T>) -> SlicePart<T> {
        SlicePart { outcomes, released: Vec::new() }
    }
}

/// Puts slices back together.
#[derive(Debug)]
pub struct Merge<S, T> {
    next: SliceNumber,
    shards: usize,
    waiting: BTreeMap<SliceNumber, WaitingSlice<S, T>>,
}

#[derive(Debug)]
struct WaitingSlice<S, T> {
    slice: Option<(S, Order)>,
    parts: Vec<Option<SlicePart<T>>>,
}

/// What cannot happen: a message for a slice that was merged already, twice, or of the wrong length.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("slice {0} came twice or with the wrong number of outcomes")]
pub struct MergeFault(pub SliceNumber);

impl<S, T: Releasing> Merge<S, T> {
    /// A merge of slices over this many shards.
    pub fn new(shards: usize) -> Merge<S, T> {
        Merge { next: 0, shards, waiting: BTreeMap::new() }
    }

    /// The slice itself and whose its events are.
    pub fn slice(&mut self, number: SliceNumber, slice: S, order: Order) -> Result<(), MergeFault> {
        let waiting = self.waiting(number)?;
        let before = waiting.slice.replace((slice, order));
        if before.is_some() { Err(MergeFault(number)) } else { Ok(()) }
    }

    /// One shard's part of a slice.
    pub fn part(&mut self, number: SliceNumber, shard: usize, part: SlicePart<T>) -> Result<(), MergeFault> {
        let place = self.waiting(number)?.parts.get_mut(shard).ok_or(MergeFault(number))?;
        if place.replace(part).is_some() { Err(MergeFault(number)) } else { Ok(()) }
    }

    /// The next slice, once the slice and all its parts are here.
    pub fn take_next(&mut self) -> Result<Option<(S, Vec<T>)>, MergeFault> {
        let number = self.next;
        let complete = |w: &WaitingSlice<S, T>| w.slice.is_some() && w.parts.iter().all(Option::is_some);
        if !self.waiting.get(&number).is_some_and(complete) {
            return Ok(None);
        }
        let Some(WaitingSlice { slice: Some((slice, order)), parts }) = self.waiting.remove(&number) else {
            return Err(MergeFault(number));
        };
        self.next += 1;
        let mut released = Vec::new();
        let own = |part: Option<SlicePart<T>>| {
            let part = part.expect("it is complete");
            released.extend(part.released);
            VecDeque::from(part.outcomes)
        };
        let mut parts: Vec<VecDeque<T>> = parts.into_iter().map(own).collect();
        let mut merged = Vec::with_capacity(order.events());
        for shard in &order.shards {
            let outcome = parts.get_mut(usize::from(*shard)).and_then(VecDeque::pop_front);
            merged.push(outcome.ok_or(MergeFault(number))?);
        }
        if parts.iter().any(|part| !part.is_empty()) {
            return Err(MergeFault(number));
        }
        let merged = of_messages(merged, &order.several, released).ok_or(MergeFault(number))?;
        Ok(Some((slice, merged)))
    }

    fn waiting(&mut self, number: SliceNumber) -> Result<&mut WaitingSlice<S, T>, MergeFault> {
        if number < self.next {
            return Err(MergeFault(number));
        }
        let shards = self.shards;
        let empty = || WaitingSlice { slice: None, parts: (0..shards).map(|_| None).collect() };
        Ok(self.waiting.entry(number).or_insert_with(empty))
    }
}

/// The outcome of each message of one shard's slice, with what is released behind it; `None` where something is released at a place
/// that the slice does not have.
pub fn of_one_shard<T: Releasing>(order: &Order, outcomes: Vec<T>, released: Vec<Released<T>>) -> Option<Vec<T>> {
    of_messages(outcomes, &order.several, released)
}

fn of_messages<T: Releasing>(
    outcomes: Vec<T>,
    several: &[(usize, usize)],
    released: Vec<Released<T>>,
) -> Option<Vec<T>> {
    let outcomes = if several.is_empty() { outcomes } else { by_message(outcomes, several) };
    if released.is_empty() { Some(outcomes) } else { with_released(outcomes, released) }
}

/// The outcomes of messages: what the events of one lead to is one outcome, in their order.
fn by_message<T: Releasing>(outcomes: Vec<T>, several: &[(usize, usize)]) -> Vec<T> {
    let mut merged = Vec::with_capacity(outcomes.len());
    let mut several = several.iter().peekable();
    let mut outcomes = outcomes.into_iter();
    let mut at = 0;
    while let Some(first) = outcomes.next() {
        match several.next_if(|(place, _)| *place == at) {
            Some((_, count)) => {
                merged.push(first.releasing(outcomes.by_ref().take(count - 1).collect()));
                at += count;
            }
            None => {
                merged.push(first);
                at += 1;
            }
        }
    }
    merged
}

/// The outcomes with what they release; `None` where something is released at a place that the slice does not have.
fn with_released<T: Releasing>(outcomes: Vec<T>, mut released: Vec<Released<T>>) -> Option<Vec<T>> {
    if planted(Mutant::ReleasedByShard) {
        released.sort_by_key(|released| released.at);
    } else {
        released.sort_by_key(|released| (released.at, released.turn));
    }
    let mut released = released.into_iter().peekable();
    let mut merged = Vec::with_capacity(outcomes.len());
    for (at, outcome) in outcomes.into_iter().enumerate() {
        let here: Vec<T> = std::iter::from_fn(|| released.next_if(|released| released.at == at))
            .map(|released| released.outcome)
            .collect();
        merged.push(if here.is_empty() { outcome } else { outcome.releasing(here) });
    }
    released.next().is_none().then_some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{KeyGroup, Nanos, Position};
    use crate::core::parked::Turn;

    impl Releasing for Vec<u64> {
        fn releasing(mut self, released: Vec<Vec<u64>>) -> Vec<u64> {
            self.extend(released.into_iter().flatten());
            self
        }
    }

    impl Releasing for (u64, usize) {
        fn releasing(self, _: Vec<(u64, usize)>) -> (u64, usize) {
            self
        }
    }

    impl Releasing for u8 {
        fn releasing(self, _: Vec<u8>) -> u8 {
            self
        }
    }

    #[test]
    fn what_is_released_stands_behind_its_position_in_the_order_of_turns() {
        let late = |at, deadline, position, outcome| Released {
            at,
            turn: Turn { deadline: Nanos(deadline), position: Position(position), group: KeyGroup(0), again: 0 },
            outcome: vec![outcome],
        };
        let mut merge = Merge::new(2);
        merge.slice(0, (), vec![1, 0, 1].into()).unwrap();
        merge
            .part(
                0,
                1,
                SlicePart { outcomes: vec![vec![10], vec![12]], released: vec![late(2, 5, 3, 53), late(2, 7, 1, 71)] },
            )
            .unwrap();
        merge
            .part(0, 0, SlicePart { outcomes: vec![vec![11]], released: vec![late(0, 9, 9, 99), late(2, 5, 1, 51)] })
            .unwrap();
        let (_, merged) = merge.take_next().unwrap().unwrap();
        assert_eq!(merged, [vec![10, 99], vec![11], vec![12, 51, 53, 71]]);
        merge.slice(1, (), vec![0].into()).unwrap();
        merge.part(1, 0, SlicePart { outcomes: vec![vec![1]], released: vec![late(1, 1, 1, 1)] }).unwrap();
        merge.part(1, 1, Vec::new().into()).unwrap();
        assert_eq!(merge.take_next(), Err(MergeFault(1)), "the slice has no such place");
    }

    #[test]
    fn events_of_one_message_have_one_outcome_and_what_it_releases_stands_behind_all_of_them() {
        let mut order = Order::default();
        order.push(0);
        for shard in [1, 0, 1] {
            order.push(shard);
        }
        order.together(1);
        order.push(0);
        order.together(4);
        assert_eq!((order.events(), order.messages()), (5, 3));
        let mut merge = Merge::new(2);
        merge.slice(0, (), order).unwrap();
        let turn = Turn { deadline: Nanos(1), position: Position(1), group: KeyGroup(0), again: 0 };
        let released = vec![Released { at: 1, turn, outcome: vec![99] }];
        merge.part(0, 1, SlicePart { outcomes: vec![vec![20], vec![22]], released }).unwrap();
        merge.part(0, 0, vec![vec![10], vec![], vec![30]].into()).unwrap();
        assert_eq!(merge.take_next().unwrap().unwrap().1, [vec![10], vec![20, 22, 99], vec![30]]);
    }
    use proptest::prelude::*;

    /// A slice as the shards of its outcomes in order.
    type Shards = Vec<u8>;
    /// A slice's number, and the shard whose part arrives; `None`: the slice itself.
    type Arrival = (u64, Option<u8>);

    /// Slices of three shards, and the arrivals of all their parts in any order.
    fn arrivals() -> impl Strategy<Value = (Vec<Shards>, Vec<Arrival>)> {
        prop::collection::vec(prop::collection::vec(0u8..3, 0..8), 1..6).prop_flat_map(|slices| {
            let parts = [None, Some(0), Some(1), Some(2)];
            let arrivals: Vec<_> =
                (0..slices.len() as u64).flat_map(|number| parts.map(|part| (number, part))).collect();
            (Just(slices), Just(arrivals).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn any_arrival_order_gives_input_order((slices, arrivals) in arrivals()) {
            let mut merge = Merge::new(3);
            let mut merged = Vec::new();
            for (number, part) in arrivals {
                let order = &slices[number as usize];
                match part {
                    None => merge.slice(number, number, order.clone().into()).unwrap(),
                    Some(shard) => {
                        let own = order.iter().enumerate().filter(|(_, s)| **s == shard).map(|(at, _)| (number, at));
                        merge.part(number, usize::from(shard), own.collect::<Vec<_>>().into()).unwrap();
                    }
                }
                while let Some((slice, outcomes)) = merge.take_next().unwrap() {
                    prop_assert_eq!(outcomes.len(), slices[slice as usize].len());
                    merged.extend(outcomes);
                }
            }
            prop_assert_eq!(merged.len(), slices.iter().map(Vec::len).sum::<usize>());
            prop_assert!(merged.is_sorted());
        }
    }

    #[test]
    fn what_comes_twice_is_a_fault_of_ours() {
        let mut merge: Merge<(), u8> = Merge::new(1);
        merge.slice(0, (), vec![0].into()).unwrap();
        assert_eq!(merge.slice(0, (), vec![0].into()), Err(MergeFault(0)));
        merge.part(0, 0, vec![].into()).unwrap();
        assert_eq!(merge.take_next(), Err(MergeFault(0)), "one outcome is missing");
        assert_eq!(merge.part(0, 0, vec![].into()), Err(MergeFault(0)), "that slice is over");
    }
}
