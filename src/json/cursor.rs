//! A cursor over a text that may or may not be JSON: it steps over whole pieces of RFC 8259 grammar.
//!
//! It knows no names and keeps no values, never goes back, and never recurses, so that a million nested
//! arrays cost a million small steps. `scan` and `splice` drive it. A step that fails leaves the cursor at
//! the offending byte and says what was expected there.

use super::quote_map::{QuoteMap, odd};
use wide::u8x16;

/// What was wrong at the cursor, as a phrase.
pub type Defect = &'static str;

/// Memory that scans use again and again.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The open containers of a value that is stepped over; true for objects.
    containers: Vec<bool>,
    pub(super) quote_map: QuoteMap,
}

/// The capacity that a scratch keeps; a hostile event's deep nesting is given back.
const SCRATCH_KEPT: usize = 1 << 16;

impl Scratch {
    fn trim(&mut self) {
        if self.containers.capacity() > SCRATCH_KEPT {
            self.containers = Vec::new();
        }
    }
}

/// A place in a text.
pub struct Cursor<'a> {
    /// What is left. It always is the end of the text, so that its length is the place.
    rest: &'a [u8],
    length: usize,
    deepest: usize,
    scratch: &'a mut Scratch,
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        self.scratch.trim();
    }
}

impl<'a> Cursor<'a> {
    /// A cursor at an offset of the text.
    pub fn new(text: &'a [u8], at: usize, scratch: &'a mut Scratch) -> Cursor<'a> {
        Cursor { rest: text.get(at..).expect("an offset of this text"), length: text.len(), deepest: 0, scratch }
    }

    /// The offset of the next byte.
    #[inline]
    pub fn at(&self) -> usize {
        self.length - self.rest.len()
    }

    /// Whether nothing is left.
    pub fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The largest number of containers that were open at once.
    pub fn deepest(&self) -> usize {
        self.deepest
    }

    /// The next byte; at the end a NUL, which no grammar rule begins with.
    #[inline]
    pub fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    /// Steps over so many bytes.
    #[inline]
    fn step(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Steps over white space.
    #[inline]
    pub fn space(&mut self) {
        // Most texts have none, and every byte that may follow it is larger.
        while self.peek() <= b' ' && matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.step(1);
        }
    }

    /// Steps over `byte` if it comes next.
    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let next = self.peek() == byte;
        if next {
            self.step(1);
        }
        next
    }

    /// Steps into the container whose opening byte comes next, up to its first item; false when it is empty
    /// (then it is behind the cursor). `depth` counts the containers around it.
    #[inline]
    pub fn open(&mut self, close: u8, depth: usize) -> bool {
        self.deepest = self.deepest.max(depth + 1);
        self.step(1);
        self.space();
        !self.eat(close)
    }

    /// Steps from behind an item to the next item of its container; false when there is none (then the
    /// container is behind the cursor).
    #[inline]
    pub fn more(&mut self, close: u8) -> Result<bool, Defect> {
        self.space();
        if self.eat(b',') {
            self.space();
            return Ok(true);
        }
        if self.eat(close) {
            return Ok(false);
        }
        Err(if close == b'}' { "expected `,` or `}`" } else { "expected `,` or `]`" })
    }

    /// Steps over a member's name and colon to its value: the name between its quotes, as it stands in the
    /// text, and whether there is a backslash in it.
    #[inline]
    pub fn name(&mut self) -> Result<(&'a [u8], bool), Defect> {
        if self.peek() != b'"' {
            return Err("expected a member name");
        }
        let quoted = self.rest;
        let escaped = self.string()?;
        let name = quoted.get(1..quoted.len() - self.rest.len() - 1).expect("both quotes were read");
        self.space();
        if !self.eat(b':') {
            return Err("expected `:`");
        }
        self.space();
        Ok((name, escaped))
    }

    /// Steps over the value that comes next, whatever it is. `depth` counts the containers around it.
    #[inline]
    pub fn skip(&mut self, depth: usize) -> Result<(), Defect> {
        match self.peek() {
            b'{' | b'[' => self.container(depth),
            _ => self.scalar(),
        }
    }

    /// Steps over an array or object, with the open containers on a stack of our own.
    fn container(&mut self, depth: usize) -> Result<(), Defect> {
        self.scratch.containers.clear();
        loop {
            let around = depth + self.scratch.containers.len();
            match self.peek() {
                b'{' => {
                    if self.open(b'}', around) {
                        self.scratch.containers.push(true);
                        self.name()?;
                        continue;
                    }
                }
                b'[' => {
                    if self.open(b']', around) {
                        self.scratch.containers.push(false);
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value ended: go on with its container, and with that one's if it ended too.
            loop {
                let Some(&object) = self.scratch.containers.last() else { return Ok(()) };
                if self.more(if object { b'}' } else { b']' })? {
                    if object {
                        self.name()?;
                    }
                    break;
                }
                self.scratch.containers.pop();
            }
        }
    }

    #[inline]
    fn scalar(&mut self) -> Result<(), Defect> {
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => Err("expected a value"),
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Defect> {
        self.rest = self.rest.strip_prefix(word).ok_or("expected a value")?;
        Ok(())
    }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?` (RFC 8259, section 6).
    fn number(&mut self) -> Result<(), Defect> {
        self.eat(b'-');
        // A digit after a leading zero is left for the caller, who expects no digit there.
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.step(1);
            if matches!(self.peek(), b'+' | b'-') {
                self.step(1);
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Defect> {
        if !self.peek().is_ascii_digit() {
            return Err("expected a digit");
        }
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.step(digits);
        Ok(())
    }

    /// Steps over the string whose opening quote comes next; true when there is a backslash in it.
    #[inline]
    fn string(&mut self) -> Result<bool, Defect> {
        self.step(1);
        self.plain();
        if self.eat(b'"') {
            return Ok(false);
        }
        self.escaped_string()?;
        Ok(true)
    }

    /// The rest of a string from its first escape on, or what is wrong there.
    #[cold]
    fn escaped_string(&mut self) -> Result<(), Defect> {
        loop {
            match self.rest.first() {
                Some(b'"') => {
                    self.step(1);
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err("control character in a string"),
                None => return Err("string without its end"),
            }
            self.plain();
        }
    }

    fn escape(&mut self) -> Result<(), Defect> {
        self.step(1);
        match self.peek() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.step(1);
                Ok(())
            }
            b'u' => {
                self.step(1);
                for _ in 0..4 {
                    if !self.peek().is_ascii_hexdigit() {
                        return Err("expected a hexadecimal digit");
                    }
                    self.step(1);
                }
                Ok(())
            }
            _ => Err("unknown escape in a string"),
        }
    }

    /// Steps over the characters of a string that mean themselves, sixteen bytes at a time.
    #[inline]
    fn plain(&mut self) {
        while let Some((chunk, after)) = self.rest.split_first_chunk::<16>() {
            let special = specials(u8x16::new(*chunk));
            if special != 0 {
                self.step(special.trailing_zeros() as usize);
                return;
            }
            self.rest = after;
        }
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        self.step(self.rest.iter().position(special).unwrap_or(self.rest.len()));
    }
}

/// A bit for each byte that is a quote, a backslash or a control character, the first byte's the lowest.
#[inline]
fn specials(bytes: u8x16) -> u32 {
    (bytes.simd_eq(u8x16::splat(b'"')) | odd(bytes)).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of texts that fill no, one, two and some of a third sixteen bytes.
    #[test]
    fn sixteen_bytes_at_once_stop_where_one_after_the_other_would() {
        let mut scratch = Scratch::default();
        for length in 0..40 {
            for (place, byte) in (0..length).flat_map(|place| (0..=255).map(move |byte| (place, byte))) {
                let mut text = vec![b'x'; length];
                if let Some(there) = text.get_mut(place) {
                    *there = byte;
                }
                // A second one behind it decides nothing.
                text.extend(*b"\"y\"");
                let expected = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
                let mut cursor = Cursor::new(&text, 0, &mut scratch);
                cursor.plain();
                assert_eq!(Some(cursor.at()), expected, "byte {byte} at {place} of {length}");
            }
        }
    }
}
