//! How a lane message names the rewinds of the input that it stands behind.
//!
//! After k rewinds the stream part of `Sidestream-Position` is `NAME/k`, and `Sidestream-Rewinds` lists the last of them:
//! all that are known on a marker, the newest one alone on every other message, so that its size is bounded. Without
//! rewinds there is neither. A stream's name has no slash.

use super::header::as_written;
use crate::core::ids::{LaneSequence, Position};
use crate::core::record::Rewind;
use std::fmt::Write;

/// Which of its floor's messages a marker is: no event has so many outputs.
pub const MARKER: u32 = u32::MAX;

/// How many rewinds a list of them stands behind.
pub fn count(rewinds: &[Rewind]) -> u32 {
    rewinds.last().map_or(0, |last| last.number)
}

/// The stream part of `Sidestream-Position`.
pub fn stream(name: &str, rewinds: &[Rewind]) -> String {
    match count(rewinds) {
        0 => name.to_owned(),
        count => format!("{name}/{count}"),
    }
}

/// The value of `Sidestream-Rewinds` that lists these.
pub fn list(rewinds: &[Rewind]) -> String {
    let mut text = String::new();
    for rewind in rewinds {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{}@{}", rewind.floor, rewind.lane);
    }
    text
}

/// The stream's name and the rewinds, from the stream part and the list of a message; `None` for what we do not write.
pub fn read<'a>(part: &'a str, list: Option<&str>) -> Option<(&'a str, Vec<Rewind>)> {
    let (name, count) = match part.split_once('/') {
        Some((name, count)) => (name, as_written::<u32>(count)?),
        None => (part, 0),
    };
    let without = count == 0 && name == part;
    if name.is_empty() || without != list.is_none() {
        return None;
    }
    let mut rewinds = Vec::new();
    for item in list.into_iter().flat_map(|list| list.split(',')) {
        let (floor, lane) = item.split_once('@')?;
        let (floor, lane) = (Position(as_written(floor)?), LaneSequence(as_written(lane)?));
        // Numbered below, once it is known how many there are.
        rewinds.push(Rewind { number: 0, floor, lane });
    }
    let before = count.checked_sub(u32::try_from(rewinds.len()).ok()?)?;
    for (number, rewind) in (before + 1..).zip(&mut rewinds) {
        rewind.number = number;
    }
    rewinds.is_sorted_by(|a, b| a.lane < b.lane).then_some((name, rewinds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewind(number: u32, floor: u64, lane: u64) -> Rewind {
        Rewind { number, floor: Position(floor), lane: LaneSequence(lane) }
    }

    #[test]
    fn rewinds_survive_a_round_trip() {
        let all = [rewind(2, 90, 101), rewind(3, 95, 140)];
        assert_eq!((stream("IN", &all), list(&all)), ("IN/3".to_owned(), "90@101,95@140".to_owned()));
        assert_eq!(read("IN/3", Some("90@101,95@140")), Some(("IN", all.to_vec())));
        assert_eq!(read("IN/3", Some("95@140")), Some(("IN", vec![rewind(3, 95, 140)])), "the newest one alone");
        assert_eq!((stream("IN", &[]), read("IN", None)), ("IN".to_owned(), Some(("IN", vec![]))));
    }

    #[test]
    fn what_is_not_written_so_is_not_ours() {
        for (part, list) in [
            ("IN", Some("90@101")),
            ("IN/1", None),
            ("IN/0", None),
            ("IN/0", Some("90@101")),
            ("IN/01", Some("90@101")),
            ("/1", Some("90@101")),
            ("IN/1/1", Some("90@101")),
            ("IN/1", Some("90@101,95@140")),
            ("IN/2", Some("90@101,95@101")),
            ("IN/1", Some("90")),
            ("IN/1", Some("090@101")),
            ("IN/1", Some("")),
        ] {
            assert_eq!(read(part, list), None, "{part} {list:?}");
        }
    }
}
