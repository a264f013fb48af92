//! A text read by its declared format.
//!
//! Every number has as many digits as the format would write, so that a text that is read is a text that the format writes:
//! `1.2.2019` is none of `%d.%m.%Y`, where the readers of libraries take it.

use super::digits::Digits;
use super::format::{Field, FormatItem, TimeFormat};
use super::instant::{Date, Time};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const SHORT_MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What the fields of a text say; what a format lacks keeps its first value.
struct DateFields {
    year: u32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    offset: i64,
}

impl TimeFormat {
    /// The time of a text, to its last character; `offset` is its own where the text has none, in seconds.
    pub fn read(&self, text: &str, offset: i64) -> Option<Time> {
        let mut text = Digits(text.as_bytes());
        let mut read = DateFields {
            year: 0,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            offset,
        };
        for item in &self.items {
            match item {
                FormatItem::Literal(literal) => text.literal(literal)?,
                FormatItem::Field(field) => read.field(*field, &mut text)?,
            }
        }
        text.end()?;
        read.time()
    }
}

impl DateFields {
    fn field(&mut self, field: Field, text: &mut Digits<'_>) -> Option<()> {
        match field {
            Field::Year => self.year = text.number(4)?,
            Field::ShortYear => self.year = century(text.number(2)?),
            Field::Month => self.month = text.number(2)?,
            Field::MonthName => self.month = text.name(&MONTHS)? + 1,
            Field::ShortMonthName => self.month = text.name(&SHORT_MONTHS)? + 1,
            Field::Day => self.day = text.number(2)?,
            Field::DayOfYear => self.day_of_year = Some(text.number(3)?),
            Field::Hour => self.hour = text.within(2, 0..=23)?,
            // Either half may come first: both add to the hour. 12 is the hour 0 of its half.
            Field::HourOfHalf => self.hour += text.within(2, 1..=12)? % 12,
            Field::Half => self.hour += 12 * text.name(&["AM", "PM"])?,
            Field::Minute => self.minute = text.within(2, 0..=59)?,
            Field::Second => self.second = text.within(2, 0..=59)?,
            Field::Fraction => self.nanos = text.fraction()?,
            Field::Offset => self.offset = text.offset(false)?,
            Field::OffsetWithColon => self.offset = text.offset(true)?,
        }
        Some(())
    }

    fn time(self) -> Option<Time> {
        let date = match self.day_of_year {
            Some(day) => Date::ordinal(self.year, day),
            None => Date::new(self.year, self.month, self.day),
        };
        let seconds = self.hour * 3_600 + self.minute * 60 + self.second;
        Time::of(date?, i64::from(seconds) - self.offset, self.nanos)
    }
}

/// The year of two digits: 1969 to 2068, as POSIX has it.
fn century(year: u32) -> u32 {
    if year < 69 { 2000 + year } else { 1900 + year }
}
