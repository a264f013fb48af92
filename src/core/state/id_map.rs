//! When which id was processed: the largest part of a busy engine's memory, and a look at it for every event.

use super::digests::OwnHash;
use crate::core::ids::{Content, Digest, Nanos};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Ids and their times: 24 bytes an entry, where a whole digest as the key would be padded to 32; with contents 32.
#[derive(Debug)]
pub enum IdMap {
    /// Times alone.
    Times(IdTable<Nanos>),
    /// Times and contents.
    Contents(IdTable<(Nanos, Content)>),
}

type IdTable<V> = HashMap<Halves, V, BuildHasherDefault<OwnHash>>;

impl Default for IdMap {
    fn default() -> IdMap {
        IdMap::Times(IdTable::default())
    }
}

/// A digest as two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halves([u64; 2]);

impl From<Digest> for Halves {
    fn from(digest: Digest) -> Halves {
        // The casts keep one half each.
        Halves([digest.0 as u64, (digest.0 >> 64) as u64])
    }
}

impl Hash for Halves {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, _] = self.0;
        state.write_u64(low);
    }
}

impl IdMap {
    /// When an id was processed.
    pub fn get(&self, id: Digest) -> Option<Nanos> {
        match self {
            IdMap::Times(map) => map.get(&id.into()).copied(),
            IdMap::Contents(map) => map.get(&id.into()).map(|(time, _)| *time),
        }
    }

    /// What was noted of the content of the event that had an id.
    pub fn content(&self, id: Digest) -> Content {
        match self {
            IdMap::Times(_) => Content::UNKNOWN,
            IdMap::Contents(map) => map.get(&id.into()).map_or(Content::UNKNOWN, |(_, content)| *content),
        }
    }

    /// Whether contents are noted from now on; what is known of them is kept or let go.
    pub fn note_contents(&mut self, on: bool) {
        match self {
            IdMap::Times(map) if on => {
                let times = std::mem::take(map).into_iter();
                *self = IdMap::Contents(times.map(|(id, time)| (id, (time, Content::UNKNOWN))).collect());
            }
            IdMap::Contents(map) if !on => {
                let all = std::mem::take(map).into_iter();
                *self = IdMap::Times(all.map(|(id, (time, _))| (id, time)).collect());
            }
            _ => {}
        }
    }

    /// Notes that it was processed then.
    pub fn set(&mut self, id: Digest, time: Nanos, content: Content) {
        match self {
            IdMap::Times(map) => drop(map.insert(id.into(), time)),
            IdMap::Contents(map) => drop(map.insert(id.into(), (time, content))),
        }
    }

    /// Notes that it was processed then, unless a later time is known.
    pub fn set_latest(&mut self, id: Digest, time: Nanos, content: Content) {
        if self.get(id).is_none_or(|known| known < time) {
            self.set(id, time, content);
        }
    }

    /// Lets go what is out, and the room that is not needed without it. The question is put to each entry alone and keeps
    /// nothing between two of them, so the map's order cannot show.
    pub fn forget(&mut self, out: impl Fn(Nanos) -> bool) {
        match self {
            IdMap::Times(map) => {
                map.retain(|_, time| !out(*time));
                map.shrink_to(2 * map.len());
            }
            IdMap::Contents(map) => {
                map.retain(|_, (time, _)| !out(*time));
                map.shrink_to(2 * map.len());
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            IdMap::Times(map) => map.len(),
            IdMap::Contents(map) => map.len(),
        }
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        match self {
            IdMap::Times(map) => map.capacity(),
            IdMap::Contents(map) => map.capacity(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map of the standard library; ids that begin at the same slot are as likely as others.
        #[test]
        fn it_is_a_map(
            contents: bool,
            steps in prop::collection::vec((0..4_u8, any::<u8>(), any::<u8>(), -9..9_i64), 1..600),
        ) {
            let (mut map, mut model) = (IdMap::default(), BTreeMap::new());
            map.note_contents(contents);
            let content = |time: i64| Content((time + 100) as u64);
            for (what, low, high, time) in steps {
                let id = Digest(u128::from(high) << 64 | u128::from(low % 16));
                match what {
                    0 | 1 => {
                        map.set(id, Nanos(time), content(time));
                        model.insert(id, time);
                    }
                    2 => {
                        map.set_latest(id, Nanos(time), content(time));
                        let known = model.entry(id).or_insert(time);
                        *known = time.max(*known);
                    }
                    _ if low < 8 => {
                        map.forget(|then| then.0 < time);
                        model.retain(|_, then| *then >= time);
                    }
                    _ => {}
                }
                prop_assert_eq!(map.get(id), model.get(&id).map(|time| Nanos(*time)));
                prop_assert_eq!(map.len(), model.len());
            }
            for (id, time) in &model {
                prop_assert_eq!(map.get(*id), Some(Nanos(*time)));
                prop_assert_eq!(map.content(*id), if contents { content(*time) } else { Content::UNKNOWN });
            }
            map.note_contents(!contents);
            for (id, time) in model {
                prop_assert_eq!((map.get(id), map.content(id)), (Some(Nanos(time)), Content::UNKNOWN));
            }
        }
    }

    #[test]
    fn the_digest_of_zeros_is_an_id_like_others_and_memory_is_given_back() {
        let mut map = IdMap::default();
        assert_eq!(map.get(Digest(0)), None);
        map.set(Digest(0), Nanos(0), Content::UNKNOWN);
        assert_eq!((map.get(Digest(0)), map.get(Digest(8))), (Some(Nanos(0)), None));
        (1..10_000).for_each(|n| map.set(Digest(n), Nanos(1), Content::UNKNOWN));
        map.forget(|time| time.0 == 1);
        assert_eq!((map.len(), map.get(Digest(0))), (1, Some(Nanos(0))));
        assert!(map.capacity() < 10, "{}", map.capacity());
        map.forget(|_| true);
        assert_eq!((map.len(), map.capacity()), (0, 0));
    }
}
