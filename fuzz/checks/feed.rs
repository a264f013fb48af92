//! Numbers and texts out of a fuzzer's bytes, for checks that build values of their own.
//!
//! Never fails: where the bytes are spent, everything is zero or empty.

/// What is left of an input.
pub struct Feed<'a>(pub &'a [u8]);

impl<'a> Feed<'a> {
    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    /// The next two bytes as a number.
    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next eight bytes as a number.
    pub fn long(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Up to so many bytes.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A few bytes behind their length; every eighth length is for thousands of them, which are then repeated.
    pub fn stretched(&mut self) -> Vec<u8> {
        let length = self.byte();
        let some = self.bytes(usize::from(length & 0x1f));
        match length >> 5 {
            7 if !some.is_empty() => some.iter().copied().cycle().take(usize::from(self.short() % 8_000)).collect(),
            _ => some.to_vec(),
        }
    }

    /// The same as text.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.stretched()).into_owned()
    }
}
