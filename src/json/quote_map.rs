//! Where the quotes of a text are, all of them at once: a bit for each byte.
//!
//! Sixteen bytes are looked at together and none depends on the one before, which is what makes a pass over the quotes
//! cheaper than one from text to text. Whether the rest is ordinary is found on the way; what it means, `quick` knows.

use wide::u8x16;

/// Bytes that one word of bits stands for.
const BLOCK: usize = 64;
/// Words of bits that are kept for the next text, those of half a megabyte.
const KEPT: usize = 1 << 13;

/// The quotes of the text that was mapped last; the memory is used again.
#[derive(Clone, Debug, Default)]
pub struct QuoteMap {
    quotes: Vec<u64>,
}

/// What a block of bytes has besides its quotes.
#[derive(Clone, Copy, Default)]
struct BlockMarks {
    /// Any byte that is a backslash or a control character.
    odd: u8x16,
    /// All bytes, one over the other: the highest bit tells a byte that is not ASCII.
    all: u8x16,
}

impl QuoteMap {
    /// Maps a text; `None` where it has backslashes, control characters or bytes that are not UTF-8.
    pub fn of(&mut self, text: &[u8]) -> Option<Quotes<'_>> {
        self.quotes.clear();
        self.quotes.shrink_to(KEPT);
        let mut seen = BlockMarks::default();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        for block in blocks {
            self.quotes.push(quotes(block, &mut seen));
        }
        if !rest.is_empty() {
            let mut block = [b' '; BLOCK];
            block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.quotes.push(quotes(&block, &mut seen));
        }
        if seen.odd.to_bitmask() != 0 {
            return None;
        }
        // Only what has bytes beyond ASCII can be anything but UTF-8.
        if seen.all.to_bitmask() != 0 && simdutf8::basic::from_utf8(text).is_err() {
            return None;
        }
        Some(Quotes { words: self.quotes.iter(), bits: 0, next: 0 })
    }
}

/// A bit for each byte of the block that is a quote, the first byte's the lowest.
#[inline]
fn quotes(block: &[u8; BLOCK], seen: &mut BlockMarks) -> u64 {
    let (parts, _) = block.as_chunks::<16>();
    let mut bits = 0;
    for (n, part) in parts.iter().enumerate() {
        let bytes = u8x16::new(*part);
        seen.odd |= odd(bytes);
        seen.all |= bytes;
        bits |= u64::from(bytes.simd_eq(u8x16::splat(b'"')).to_bitmask()) << (16 * n);
    }
    bits
}

/// All bits of each byte that does not stand for itself in a string, and is no quote: backslashes and control characters.
#[inline]
pub(super) fn odd(bytes: u8x16) -> u8x16 {
    bytes.simd_eq(u8x16::splat(b'\\')) | bytes.min(u8x16::splat(0x1f)).simd_eq(bytes)
}

/// The places of the quotes, in order.
pub struct Quotes<'a> {
    words: std::slice::Iter<'a, u64>,
    bits: u64,
    /// The place of the first byte behind the word at work.
    next: usize,
}

impl Iterator for Quotes<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.bits = *self.words.next()?;
            self.next += BLOCK;
        }
        let place = self.next - BLOCK + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of texts that fill no, one and two blocks and some of the next.
    #[test]
    fn quotes_are_where_they_are_and_odd_bytes_are_seen() {
        let mut map = QuoteMap::default();
        for length in [1, 15, 16, 17, 63, 64, 65, 130] {
            for (place, byte) in (0..length).flat_map(|place| (0..=255_u8).map(move |byte| (place, byte))) {
                let mut text = vec![b'x'; length];
                text[place] = byte;
                text[length / 2] = b'"';
                let expected: Vec<usize> = (0..length).filter(|at| text[*at] == b'"').collect();
                let odd = text.iter().any(|byte| matches!(byte, b'\\' | 0..0x20 | 0x80..));
                let found = map.of(&text).map(|quotes| quotes.collect::<Vec<_>>());
                assert_eq!(found, (!odd).then_some(expected), "byte {byte} at {place} of {length}");
            }
        }
        assert_eq!(map.of("\"ü\"".as_bytes()).unwrap().collect::<Vec<_>>(), [0, 3]);
        assert!(map.of(b"\"\xfc\"").is_none());
        assert_eq!(map.of(b"").unwrap().next(), None);
    }
}
