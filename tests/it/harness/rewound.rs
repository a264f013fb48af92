//! A lane behind rewinds of the input: which messages stand for events that are there, and whether these stand in order.

use super::dump::each;
use super::streams::OUTPUT;
use super::wire::Wire;

/// One message of the lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub sequence: u64,
    pub epoch: u64,
    pub position: u64,
    pub marker: bool,
    pub subject: String,
    pub payload: String,
}

/// Every message of the lane, read without any code of the product.
pub fn lines(wire: &mut Wire) -> Vec<Line> {
    let mut all = Vec::new();
    let read = each(wire, OUTPUT, |sequence, _, message| {
        let header = |wanted: &str| message.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let parts: Vec<&str> = header("Sidestream-Position").unwrap().split(':').collect();
        let epoch = parts[0].split_once('/').map_or(0, |(_, epoch)| epoch.parse().unwrap());
        assert_eq!(epoch > 0, header("Sidestream-Rewinds").is_some(), "{message:?}");
        all.push(Line {
            sequence,
            epoch,
            position: parts[1].parse().unwrap(),
            marker: parts[2] == u32::MAX.to_string(),
            subject: message.subject.clone(),
            payload: String::from_utf8_lossy(&message.payload).into_owned(),
        });
        Ok(())
    });
    read.unwrap();
    all
}

/// The outputs of events that are there, whose positions rise; and how many outputs stand for events that are gone.
pub fn present(lines: &[Line]) -> (Vec<&Line>, usize) {
    let markers: Vec<&Line> = lines.iter().filter(|line| line.marker).collect();
    for (number, marker) in (1..).zip(&markers) {
        assert_eq!((marker.epoch, &*marker.subject), (number, "dead.rewound"));
    }
    let mut there = Vec::new();
    for line in lines.iter().filter(|line| !line.marker) {
        let before = markers.iter().filter(|marker| marker.sequence < line.sequence).count();
        assert_eq!(line.epoch, before as u64, "{line:?}");
        if markers[before..].iter().all(|marker| line.position <= marker.position) {
            there.push(line);
        }
    }
    assert!(there.is_sorted_by(|a, b| a.position < b.position), "{there:?}");
    let gone = lines.len() - markers.len() - there.len();
    (there, gone)
}
