//! Times as text: RFC 3339, with its shape looked at here.
//!
//! The readers of libraries take more: no seconds, a second 60, a comma, a time zone behind. What two of them read
//! differently is no time here.

use super::digits::Digits;
use super::instant::{Date, Time};

/// `2022-02-14T15:40:00.5+01:00`: `T`, `t` or a blank, seconds below 60, any number of digits of a fraction (those beyond
/// the ninth are cut), `Z`, `z` or an offset.
pub fn read(text: &str) -> Option<Time> {
    let mut text = Digits(text.as_bytes());
    let date = day(&mut text)?;
    text.one_of(b"Tt ")?;
    let hours = text.within(2, 0..=23)?;
    text.literal(":")?;
    let minutes = text.within(2, 0..=59)?;
    text.literal(":")?;
    let seconds = text.within(2, 0..=59)?;
    let nanos = if text.one_of(b".").is_some() { text.fraction()? } else { 0 };
    let offset = if text.one_of(b"Zz").is_some() { 0 } else { text.offset(true)? };
    text.end()?;
    Time::of(date, i64::from(hours * 3_600 + minutes * 60 + seconds) - offset, nanos)
}

/// `2022-02-14`: the midnight with which it begins.
pub(super) fn date(text: &str) -> Option<Time> {
    let mut text = Digits(text.as_bytes());
    let date = day(&mut text)?;
    text.end()?;
    Time::of(date, 0, 0)
}

fn day(text: &mut Digits<'_>) -> Option<Date> {
    let year = text.number(4)?;
    text.literal("-")?;
    let month = text.number(2)?;
    text.literal("-")?;
    Date::new(year, month, text.number(2)?)
}
