//! Random times against jiff: the same texts are times, and they are the same times.
//!
//! Deliberate differences: jiff reads more than a format writes, so a text counts for it only where writing it again gives
//! the same text, but for -00:00; and its times end two days before the year 9999 does.

use crate::core::derive::tests::fixture::value;
use crate::core::derive::time::format::TimeFormat;
use crate::core::derive::time::instant::Time;
use crate::core::derive::time::unix::{self, Unit};
use crate::core::derive::time::write::WriteTime;
use crate::core::derive::time::{rfc3339, spec::read_time};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

/// The first and the last second that both know.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_207_199;

const FORMATS: &[&str] = &[
    "%Y-%m-%d-%H.%M.%S.%f",
    "%d.%m.%Y",
    "%Y%m%d",
    "%Y%j",
    "%d/%b/%Y:%T %z",
    "%FT%H%:z",
    "%B %d, %Y %I:%M %p",
    "%y-%m-%dT%T",
    "%H%M%S %Y%m%d",
    "%p%I %F 100%%",
];

fn text(time: Time, form: WriteTime) -> String {
    let mut out = Vec::new();
    time.write(form, &mut out);
    String::from_utf8(out).unwrap()
}

fn timestamp(time: Time) -> Timestamp {
    known(time).unwrap()
}

/// The time as jiff has it, which may be none in the last two days.
fn known(time: Time) -> Option<Timestamp> {
    Timestamp::new(time.seconds(), time.nanos() as i32).ok()
}

/// jiff's reading of a text by a format, where it writes the same again.
fn by_jiff(format: &str, text: &str, offset: i32) -> Option<Timestamp> {
    // jiff takes nine digits of a fraction, and writes the zeros at its end or not.
    let digits = |text: &str| text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (cut, aside) = match format.strip_suffix(".%f") {
        Some(rest) => (text.len() - digits(text).saturating_sub(9), Some(rest)),
        None => (text.len(), None),
    };
    let broken = BrokenDownTime::parse(format, text.get(..cut)?).ok()?;
    let again = broken.to_string(aside.unwrap_or(format)).ok()?;
    let shown = if aside.is_some() { text.get(..text.len() - digits(text) - 1)? } else { text };
    // An offset of none behind UTC is jiff's +00:00. RFC 3339 has both.
    let none = ["00:00", "0000"].into_iter().find(|none| format.ends_with('z') && shown.ends_with(none));
    let shown = match none.and_then(|none| shown.strip_suffix(none)?.strip_suffix('-').map(|rest| (rest, none))) {
        Some((rest, none)) => format!("{rest}+{none}"),
        None => shown.to_owned(),
    };
    if !again.eq_ignore_ascii_case(&shown) {
        return None;
    }
    let time = broken.to_time().unwrap_or(jiff::civil::Time::midnight());
    let date = broken.to_date().ok().filter(|date| date.year() > 0)?;
    // jiff knows offsets of seconds and of more than a day.
    let minutes = |offset: &Offset| offset.seconds() % 60 == 0 && offset.seconds().abs() < 86_400;
    let offset = broken.offset().or(Offset::from_seconds(offset).ok()).filter(minutes)?;
    let zoned = DateTime::from_parts(date, time).to_zoned(TimeZone::fixed(offset)).ok()?;
    Some(zoned.timestamp()).filter(|time| time.as_second() >= FIRST)
}

fn times() -> impl Strategy<Value = Time> {
    let seconds = prop_oneof![FIRST..=LAST, 0..4_102_444_800_i64, -100_000..100_000_i64];
    let nanos = prop_oneof![Just(0), 0..1_000_000_000_u32, (0..1_000_u32).prop_map(|ms| ms * 1_000_000)];
    (seconds, nanos).prop_map(|(seconds, nanos)| Time::new(seconds, nanos).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_is_what_jiff_writes_and_reads_back(time in times()) {
        let expected = timestamp(time).to_string();
        prop_assert_eq!(text(time, WriteTime::Rfc3339), format!("\"{expected}\""));
        prop_assert_eq!(rfc3339::read(&expected), Some(time));
        prop_assert_eq!(text(time, WriteTime::Date), format!("\"{}\"", timestamp(time).to_zoned(TimeZone::UTC).date()));
        for (form, unit) in [(WriteTime::Unix, Unit::S), (WriteTime::UnixMs, Unit::Ms)] {
            let number = text(time, form);
            prop_assert_eq!(unix::read(number.as_bytes(), unit), Some(time), "{}", number);
            prop_assert_eq!(read_time(&value(&number), unit), Ok(time));
        }
    }

    /// Every unit and every place of the point, by the arithmetic of whole numbers.
    #[test]
    fn numbers_are_read_exactly(nanos in -62_135_596_800_000_000_000..253_402_300_800_000_000_000_i128, extra in 0..100_u32, e in -30..30_i32) {
        for (unit, digits) in [(Unit::S, 9_i32), (Unit::Ms, 6), (Unit::Us, 3), (Unit::Ns, 0)] {
            // nanos * 10^2 + extra, the point moved: whole digits times a power of ten.
            let sign = if nanos < 0 { "-" } else { "" };
            let mantissa = format!("{}{extra:02}", nanos.unsigned_abs());
            let number = format!("{sign}{mantissa}e{}", -digits - 2);
            let moved = format!("{sign}0.{}{mantissa}e{}", "0".repeat(e.unsigned_abs() as usize), mantissa.len() as i32 - digits - 2 + e.abs());
            let expected = Time::new(nanos.div_euclid(1_000_000_000) as i64, nanos.rem_euclid(1_000_000_000) as u32);
            prop_assert_eq!(unix::read(number.as_bytes(), unit), expected, "{} {:?}", number, unit);
            prop_assert_eq!(unix::read(moved.as_bytes(), unit), expected, "{} {:?}", moved, unit);
        }
    }

    #[test]
    fn formats_read_what_jiff_writes(time in times(), n in 0..FORMATS.len(), hours in -23..24_i32) {
        let format = FORMATS[n];
        let offset = Offset::from_seconds(hours * 3_600).unwrap();
        let zoned = timestamp(time).to_zoned(TimeZone::fixed(offset));
        let written = strtime::format(format, &zoned).unwrap();
        let ours = TimeFormat::parse(format).unwrap().read(&written, i64::from(hours) * 3_600);
        prop_assert_eq!(ours.and_then(known), by_jiff(format, &written, hours * 3_600), "{} {}", format, written);
        prop_assert!(ours.is_some() || format.contains("%y") || zoned.year() < 1 , "{} {}", format, written);
    }

    #[test]
    fn formats_and_jiff_agree_on_changed_texts(
        time in times(), n in 0..FORMATS.len(), at in any::<prop::sample::Index>(), put in "[0-9a-zA-Z .:+-]{0,2}", cut in 0..2_usize,
    ) {
        let format = FORMATS[n];
        let mut written = strtime::format(format, &timestamp(time).to_zoned(TimeZone::UTC)).unwrap();
        let at = at.index(written.len());
        written.replace_range(at..(at + cut).min(written.len()), &put);
        let ours = TimeFormat::parse(format).unwrap().read(&written, 0);
        prop_assert_eq!(ours.and_then(known), by_jiff(format, &written, 0), "{} {}", format, written);
    }

    /// jiff takes more shapes than RFC 3339 has, and no tenth digit of a fraction; what both take is the same time.
    #[test]
    fn changed_rfc_3339_texts_are_the_same_times(time in times(), at in any::<prop::sample::Index>(), put in "[0-9TZtz .:+-]{0,2}", cut in 0..2_usize) {
        let mut written = timestamp(time).to_string();
        let at = at.index(written.len());
        written.replace_range(at..(at + cut).min(written.len()), &put);
        let digits = written.rsplit('.').next().map_or(0, |tail| tail.bytes().take_while(u8::is_ascii_digit).count());
        if let Some(ours) = rfc3339::read(&written).and_then(known).filter(|_| digits < 10) {
            prop_assert_eq!(Some(ours), written.parse().ok(), "{}", written);
        }
    }
}
