//! How many files a day a layout makes at the present rate: the newest messages of the output stream, sorted as the lake would.

use super::job::{LakeJob, sorter};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::SourceOptions;
use crate::adapters::nats::streams;
use crate::app::exit::Exit;
use crate::app::reader::StreamReader;
use crate::core::ids::Position;
use crate::protocol::lake::row::{LakeMessage, LakeRow};
use std::collections::BTreeSet;

/// Messages that are looked at.
const SAMPLE: u64 = 20_000;
/// Files of a day from which on a lake gets slow to read and dear to keep.
pub const MANY_FILES: u64 = 5_000;

/// What is to be expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Messages that were looked at.
    pub sample: u64,
    /// Rows a second.
    pub rows_per_s: f64,
    /// Folders that these rows belong to.
    pub folders: u64,
    /// Publications a day.
    pub cuts: u64,
    /// Files a day, at most.
    pub files: u64,
    /// Bytes of event texts in one file on the average.
    pub bytes_per_file: u64,
}

/// Looks at the newest messages.
pub async fn forecast(job: &LakeJob, connection: &Connection) -> Result<Forecast, Exit> {
    let stream = &job.config.output.stream;
    let state = streams::state(connection, stream).await?;
    let after = Position(state.last.saturating_sub(SAMPLE));
    let mut reader = StreamReader::after(connection, stream, state, after, SourceOptions::default());
    let mut sorter = sorter(&job.made())?;
    let (mut folders, mut bytes, mut sample) = (BTreeSet::new(), 0_u64, 0_u64);
    let mut ends = None;
    loop {
        let messages = reader.next().await?;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let LakeMessage::Row(mut row) = LakeRow::read(&message) else { continue };
            let belongs = sorter.sort(&mut row);
            folders.insert((belongs.table, belongs.values));
            bytes += row.body.len() as u64;
            sample += 1;
            let stored = message.stored_at.0;
            ends = Some((ends.map_or(stored, |(first, _)| first), stored));
        }
    }
    reader.close().await;
    let seconds = ends.map_or(0.0, |(first, last)| (last - first).max(1) as f64 / 1e9);
    if sample == 0 || seconds <= 0.0 {
        return Ok(Forecast::default());
    }
    let rows_per_s = sample as f64 / seconds;
    let size = bytes as f64 / sample as f64;
    let day = 86_400.0;
    let by_age = day / job.lake.max_age.as_secs_f64();
    let by_size = rows_per_s * size * day / job.lake.max_spool_bytes as f64;
    let cuts = by_age.max(by_size).ceil();
    // No more files than rows.
    let files = (cuts * folders.len() as f64).min(rows_per_s * day).max(1.0);
    Ok(Forecast {
        sample,
        rows_per_s,
        folders: folders.len() as u64,
        cuts: cuts as u64,
        files: files as u64,
        bytes_per_file: (rows_per_s * size * day / files) as u64,
    })
}
