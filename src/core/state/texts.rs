//! Texts behind each other in one buffer: one of them replaced by another, of whatever length.

use std::ops::Range;

/// Of a buffer that grows this share is to spare: a key of very many rows is not moved for each of them, and one of few
/// wastes nothing to speak of.
const SPARE: usize = 8;

/// Puts `new` where the bytes of `range` are; what lies behind moves. The range must lie within the buffer.
pub fn replace(bytes: &mut Vec<u8>, range: Range<usize>, new: &[u8]) {
    let length = bytes.len();
    let end = range.start + new.len();
    if end > range.end {
        let more = end - range.end;
        if bytes.capacity() - length < more {
            bytes.reserve_exact(more + length / SPARE);
        }
        bytes.resize(length + more, 0);
    }
    bytes.copy_within(range.end..length, end);
    bytes.truncate(length - range.len() + new.len());
    if let Some(place) = bytes.get_mut(range.start..end) {
        place.copy_from_slice(new);
    }
    if bytes.capacity() > 2 * bytes.len() {
        bytes.shrink_to_fit();
    }
}

/// A text of these buffers, into which nothing but texts went.
pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("nothing but texts went in")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the standard library's own way, which goes byte by byte.
        #[test]
        fn it_is_a_splice(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..90_usize, prop::collection::vec(any::<u8>(), 0..90)), 1..9),
        ) {
            let mut expected = bytes.clone();
            for (from, length, new) in changes {
                let from = from.index(bytes.len() + 1);
                let to = (from + length).min(bytes.len());
                replace(&mut bytes, from..to, &new);
                expected.splice(from..to, new);
                prop_assert_eq!(&bytes, &expected);
                prop_assert!(bytes.capacity() <= 2 * bytes.len() || bytes.capacity() < 16);
            }
        }
    }
}
