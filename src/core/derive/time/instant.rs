//! A time, and the calendar that it has in UTC.

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds since 1970.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;
const DAY: i64 = 86_400;

/// A time of the years 0001 to 9999, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    seconds: i64,
    nanos: u32,
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
}

impl Time {
    /// Seconds since 1970, which may be negative, and nanoseconds from there on, fewer than 10^9; `None` outside the years.
    pub fn new(seconds: i64, nanos: u32) -> Option<Time> {
        ((FIRST..=LAST).contains(&seconds) && nanos < 1_000_000_000).then_some(Time { seconds, nanos })
    }

    /// A day and the seconds since its midnight, fewer than none or more than a day's where an offset says so.
    pub(super) fn of(date: Date, seconds: i64, nanos: u32) -> Option<Time> {
        Time::new(date.days() * DAY + seconds, nanos)
    }

    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since that second.
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// Its day in UTC, and the seconds since midnight.
    pub(super) fn date(self) -> (Date, u32) {
        (Date::of(self.seconds.div_euclid(DAY)), self.seconds.rem_euclid(DAY) as u32)
    }
}

impl Date {
    /// A day that the calendar has, in the years 0001 to 9999.
    pub(super) fn new(year: u32, month: u32, day: u32) -> Option<Date> {
        let longest = match month {
            2 if Date::leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        ((1..=9999).contains(&year) && (1..=longest).contains(&day)).then_some(Date { year, month, day })
    }

    /// A year's n-th day, from 1.
    pub(super) fn ordinal(year: u32, day: u32) -> Option<Date> {
        let january = Date::new(year, 1, 1)?;
        (1..=365 + u32::from(Date::leap(year))).contains(&day).then(|| Date::of(january.days() + i64::from(day) - 1))
    }

    fn leap(year: u32) -> bool {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    }

    /// Days since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: years begin
    /// in March, so that the leap day is the last one, and 400 of them (an era) have 146,097 days.
    fn days(self) -> i64 {
        let year = self.year - u32::from(self.month <= 2);
        let (era, of_era) = (year / 400, year % 400);
        let of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        let day = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        i64::from(era * 146_097 + day) - 719_468
    }

    /// The same back: `civil_from_days`. The day has to be in the years 0000 to 9999.
    fn of(days: i64) -> Date {
        let day = (days + 719_468) as u32;
        let (era, day) = (day / 146_097, day % 146_097);
        let of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Date { year: era * 400 + of_era + u32::from(month <= 2), month, day }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_what_jiff_says() {
        let mut day = jiff::civil::Date::constant(1, 1, 1);
        for days in FIRST / DAY..=LAST / DAY {
            let date = Date { year: day.year() as u32, month: day.month() as u32, day: day.day() as u32 };
            assert_eq!((Date::of(days), date.days()), (date, days), "{day}");
            assert_eq!(Date::new(date.year, date.month, date.day), Some(date), "{day}");
            assert_eq!(Date::ordinal(date.year, day.day_of_year() as u32), Some(date), "{day}");
            day = day.tomorrow().unwrap_or(day);
        }
    }

    #[test]
    fn what_the_calendar_does_not_have_is_no_date() {
        for (year, month, day) in
            [(0, 1, 1), (10_000, 1, 1), (2019, 0, 1), (2019, 13, 1), (2019, 1, 0), (2019, 1, 32), (2019, 4, 31)]
        {
            assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
        }
        for (year, february) in [(2019, 28), (2020, 29), (1900, 28), (2000, 29)] {
            assert!(Date::new(year, 2, february).is_some(), "{year}");
            assert_eq!(Date::new(year, 2, february + 1), None, "{year}");
            assert_eq!(Date::ordinal(year, 338 + february), None, "{year}");
        }
        assert_eq!(Date::ordinal(2019, 0), None);
    }

    #[test]
    fn the_years_have_two_ends() {
        assert_eq!(Time::new(FIRST - 1, 999_999_999), None);
        assert_eq!(Time::new(LAST + 1, 0), None);
        assert_eq!(Time::new(0, 1_000_000_000), None);
        assert!(Time::new(FIRST, 0).is_some() && Time::new(LAST, 999_999_999).is_some());
    }
}
