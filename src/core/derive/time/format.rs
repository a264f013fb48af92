//! A declared format: what stands in a text of a time, in the notation of `strptime`.
//!
//! Only directives that every text fits in one way: fixed numbers of digits, English names of months, offsets. What a format
//! lacks, says twice or leaves open is refused here, when the configuration is read.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A format that gives a whole date, with or without a time of day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeFormat {
    text: String,
    pub(super) items: Vec<FormatItem>,
}

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormatItem {
    /// Text that stands there as it is.
    Literal(String),
    /// What a directive stands for.
    Field(Field),
}

/// What a directive stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    ShortYear,
    Month,
    MonthName,
    ShortMonthName,
    Day,
    DayOfYear,
    Hour,
    HourOfHalf,
    Half,
    Minute,
    Second,
    Fraction,
    Offset,
    OffsetWithColon,
}

/// The directives, and what each says of a time: no format says anything twice.
const DIRECTIVES: &[(&str, Field, &str)] = &[
    ("%Y", Field::Year, "year"),
    ("%y", Field::ShortYear, "year"),
    ("%m", Field::Month, "month"),
    ("%b", Field::ShortMonthName, "month"),
    ("%B", Field::MonthName, "month"),
    ("%d", Field::Day, "day"),
    ("%j", Field::DayOfYear, "day of the year"),
    ("%H", Field::Hour, "hour"),
    ("%I", Field::HourOfHalf, "hour"),
    ("%p", Field::Half, "half of the day"),
    ("%M", Field::Minute, "minute"),
    ("%S", Field::Second, "second"),
    ("%f", Field::Fraction, "fraction of a second"),
    ("%z", Field::Offset, "offset"),
    ("%:z", Field::OffsetWithColon, "offset"),
];

/// Short forms of several directives.
const SHORT: &[(&str, &str)] = &[("%F", "%Y-%m-%d"), ("%T", "%H:%M:%S")];

/// What needs what: the first without the second leaves open which time is meant.
const NEEDS: &[(&str, &str, &str)] = &[
    ("half of the day", "hour", "%I"),
    ("minute", "hour", "%H"),
    ("second", "minute", "%M"),
    ("fraction of a second", "second", "%S"),
    ("offset", "hour", "%H"),
];

impl TimeFormat {
    /// Parses the notation; the error is a sentence that names what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<TimeFormat, String> {
        let items = items(text).map_err(|directive| unknown(text, &directive))?;
        let format = TimeFormat { text: text.to_owned(), items };
        format.check().map_err(|fault| format!("`{text}`: {fault}"))?;
        Ok(format)
    }

    /// Whether it has a time of day; else a text of it is a date.
    pub fn has_time(&self) -> bool {
        self.says("hour")
    }

    /// Whether its texts carry their offset.
    pub fn has_offset(&self) -> bool {
        self.says("offset")
    }

    fn fields(&self) -> impl Iterator<Item = (Field, &'static str)> {
        self.items.iter().filter_map(|item| match item {
            FormatItem::Field(field) => {
                DIRECTIVES.iter().find(|(_, known, _)| known == field).map(|(_, f, says)| (*f, *says))
            }
            FormatItem::Literal(_) => None,
        })
    }

    fn says(&self, what: &str) -> bool {
        self.fields().any(|(_, says)| says == what)
    }

    fn has(&self, wanted: Field) -> bool {
        self.fields().any(|(field, _)| field == wanted)
    }

    fn check(&self) -> Result<(), String> {
        for (n, (_, says)) in self.fields().enumerate() {
            if self.fields().take(n).any(|(_, before)| before == says) {
                return Err(format!("the {says} stands there twice: leave one out"));
            }
        }
        let by_month = self.says("month") && self.says("day");
        if !self.says("year") || !(by_month || self.says("day of the year")) {
            return Err("a date needs a year (%Y or %y), and a month (%m, %b or %B) with a day (%d), or %j".to_owned());
        }
        if self.says("day of the year") && (self.says("month") || self.says("day")) {
            return Err("%j is the day of the year: leave out %j, or the month and the day".to_owned());
        }
        for (what, needed, directive) in NEEDS {
            if self.says(what) && !self.says(needed) {
                return Err(format!("it has the {what} without the {needed}: add {directive}"));
            }
        }
        if self.has(Field::HourOfHalf) != self.says("half of the day") {
            return Err("%I counts to 12 and needs %p (AM or PM); %H counts to 23 and has none".to_owned());
        }
        for pair in self.items.windows(2) {
            let [FormatItem::Field(Field::Fraction), next] = pair else { continue };
            let digits = match next {
                FormatItem::Literal(text) => text.starts_with(|c: char| c.is_ascii_digit()),
                FormatItem::Field(field) => !matches!(
                    field,
                    Field::MonthName | Field::ShortMonthName | Field::Half | Field::Offset | Field::OffsetWithColon
                ),
            };
            if digits {
                return Err("%f takes every digit that follows: put something else behind it".to_owned());
            }
        }
        Ok(())
    }
}

/// The pieces of a text; the error is the directive that is none.
fn items(text: &str) -> Result<Vec<FormatItem>, String> {
    let mut items = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, directive) = rest.split_at(at);
        literal(before, &mut items);
        let short = SHORT.iter().find(|(name, _)| directive.starts_with(name));
        let field = DIRECTIVES.iter().find(|(name, ..)| directive.starts_with(name));
        let length = match (short, field) {
            (Some((name, long)), _) => {
                items.extend(self::items(long)?);
                name.len()
            }
            (None, Some((name, field, _))) => {
                items.push(FormatItem::Field(*field));
                name.len()
            }
            (None, None) if directive.starts_with("%%") => {
                literal("%", &mut items);
                2
            }
            (None, None) => return Err(directive.chars().take(2).collect()),
        };
        rest = directive.get(length..).unwrap_or_default();
    }
    literal(rest, &mut items);
    Ok(items)
}

fn literal(text: &str, items: &mut Vec<FormatItem>) {
    if !text.is_empty() {
        items.push(FormatItem::Literal(text.to_owned()));
    }
}

fn unknown(text: &str, directive: &str) -> String {
    let known: Vec<&str> = DIRECTIVES.iter().map(|(name, ..)| *name).chain(["%F", "%T", "%%"]).collect();
    format!("`{text}`: `{directive}` cannot be read: use {}", known.join(" "))
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for TimeFormat {
    type Error = String;

    fn try_from(text: String) -> Result<TimeFormat, String> {
        TimeFormat::parse(&text)
    }
}

impl From<TimeFormat> for String {
    fn from(format: TimeFormat) -> String {
        format.text
    }
}
