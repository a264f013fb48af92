//! Reading and writing the numbers and texts that records are made of.
//!
//! A varint is LEB128 as in Protocol Buffers: seven bits a byte, lowest first, the top bit set on all but the last.
//! Signed numbers are zigzag-coded first. Nothing here knows a record.

use super::error::RecordError;
use super::version::{LAST_VERSION, RecordKind};

/// Appends an unsigned number as a varint: 1 to 10 bytes.
pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        // The mask keeps seven bits, so the cast keeps them all.
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number as a zigzag varint, so that small negative ones stay short.
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends a length and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A place in bytes that moves forward and never past the end.
#[derive(Clone, Copy, Debug)]
pub struct RecordCursor<'a> {
    rest: &'a [u8],
}

impl<'a> RecordCursor<'a> {
    /// At the first byte.
    pub fn new(bytes: &'a [u8]) -> RecordCursor<'a> {
        RecordCursor { rest: bytes }
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(RecordError::Damaged("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(RecordError::Damaged("it ends too early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The version byte of a kind of record: any that this build reads.
    pub fn version(&mut self, kind: RecordKind) -> Result<u8, RecordError> {
        let [found] = self.array()?;
        match found {
            0 => Err(RecordError::Damaged("it has no version")),
            _ if found <= kind.newest() => Ok(found),
            _ if found > LAST_VERSION => Err(RecordError::Damaged("its version is none")),
            _ => Err(RecordError::Later { kind, found, known: kind.newest() }),
        }
    }

    /// A varint. One that does not fit 64 bits or has needless bytes is damaged, so that a number has one encoding.
    pub fn varint(&mut self) -> Result<u64, RecordError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                let needless = byte == 0 && shift > 0;
                return if needless { Err(RecordError::Damaged("a number has needless bytes")) } else { Ok(number) };
            }
        }
        Err(RecordError::Damaged("a number exceeds 64 bits"))
    }

    /// A zigzag varint.
    pub fn signed(&mut self) -> Result<i64, RecordError> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A varint that fits 16 bits.
    pub fn short(&mut self) -> Result<u16, RecordError> {
        u16::try_from(self.varint()?).map_err(|_| RecordError::Damaged("a number exceeds 16 bits"))
    }

    /// The next `length` bytes as text.
    pub fn text(&mut self, length: u64) -> Result<&'a str, RecordError> {
        let length = usize::try_from(length).map_err(|_| RecordError::Damaged("it ends too early"))?;
        std::str::from_utf8(self.take(length)?).map_err(|_| RecordError::Damaged("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, unsigned);
            put_signed(&mut bytes, signed);
            let mut cursor = RecordCursor::new(&bytes);
            prop_assert_eq!(cursor.varint().unwrap(), unsigned);
            prop_assert_eq!(cursor.signed().unwrap(), signed);
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn a_number_has_one_encoding(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut cursor = RecordCursor::new(&bytes);
            if let Ok(number) = cursor.varint() {
                let mut again = Vec::new();
                put_varint(&mut again, number);
                prop_assert_eq!(&bytes[..bytes.len() - cursor.rest().len()], &again[..]);
            }
        }
    }

    #[test]
    fn extremes_are_pinned() {
        for (number, bytes) in [(0, vec![0]), (127, vec![127]), (128, vec![0x80, 1]), (300, vec![0xac, 2])] {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            assert_eq!(out, bytes);
        }
        let mut out = Vec::new();
        put_signed(&mut out, -1);
        assert_eq!(out, [1]);
        assert!(RecordCursor::new(&[0xff; 10]).varint().is_err());
        assert!(RecordCursor::new(&[0x80, 0]).varint().is_err());
    }
}
