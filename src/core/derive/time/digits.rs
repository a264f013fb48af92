//! A text of fixed shape, read from its beginning: so many digits, then this character.

/// What is left of a text.
pub(super) struct Digits<'t>(pub(super) &'t [u8]);

impl Digits<'_> {
    /// A number of exactly so many digits.
    pub(super) fn number(&mut self, digits: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    }

    /// The same, within bounds.
    pub(super) fn within(&mut self, digits: usize, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
        self.number(digits).filter(|number| bounds.contains(number))
    }

    /// One of these characters.
    pub(super) fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        bytes.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// A text as it stands.
    pub(super) fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    /// One of these names, in small or large letters; which one.
    pub(super) fn name(&mut self, names: &[&str]) -> Option<u32> {
        let begins =
            |name: &&str| self.0.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()));
        let (n, name) = names.iter().enumerate().find(|(_, name)| begins(name))?;
        self.0 = self.0.get(name.len()..)?;
        u32::try_from(n).ok()
    }

    /// A fraction of a second, all digits that stand here, as nanoseconds: digits beyond the ninth are cut.
    pub(super) fn fraction(&mut self) -> Option<u32> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(length).filter(|(digits, _)| !digits.is_empty())?;
        self.0 = rest;
        let digits = digits.iter().map(|byte| u32::from(byte - b'0')).chain(std::iter::repeat(0));
        Some(digits.take(9).fold(0, |nanos, digit| nanos * 10 + digit))
    }

    /// An offset, `+02:00` or `+0200`, in seconds.
    pub(super) fn offset(&mut self, colon: bool) -> Option<i64> {
        let sign = self.one_of(b"+-")?;
        let hours = self.within(2, 0..=23)?;
        if colon {
            self.literal(":")?;
        }
        let seconds = i64::from(hours * 3_600 + self.within(2, 0..=59)? * 60);
        Some(if sign == b'-' { -seconds } else { seconds })
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
