//! The proof of a lake: its log is without a hole, its files hold what the log says, and that is what the output stream holds.
//!
//! Both sides are compared by digests of every row's text and number. Of rows that the output stream does not have any more only
//! the first two can be told; they are counted as unproven.

use super::interval::{Interval, contents};
use super::job::LakeJob;
use super::log;
use super::orphans::orphans;
use super::place;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::SourceOptions;
use crate::adapters::nats::streams;
use crate::app::exit::Exit;
use crate::app::reader::StreamReader;
use crate::core::ids::Position;
use crate::ports::lake::LakeStore;
use crate::protocol::lake::entry::{EntryKind, File, LakeEntry};
use crate::protocol::lake::row::{LakeMessage, LakeRow, LakeRowId};
use serde::Serialize;

/// The most findings that a report shows.
const SHOWN: usize = 20;

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LakeAuditReport {
    /// Whether nothing is wrong.
    pub clean: bool,
    /// Published entries.
    pub entries: u64,
    /// Files that the log names.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows that were compared with the output stream, byte for byte.
    pub proven: u64,
    /// Rows that the output stream does not have any more.
    pub unproven: u64,
    /// Rows of the output stream that are not published yet.
    pub pending: u64,
    /// Gaps that somebody accepted.
    pub gaps: u64,
    /// How many things are wrong.
    pub wrong: u64,
    /// The first of them.
    pub findings: Vec<String>,
}

impl LakeAuditReport {
    fn wrong(&mut self, what: String) {
        self.wrong += 1;
        if self.findings.len() < SHOWN {
            self.findings.push(what);
        }
    }
}

/// Audits the lake as it is now.
pub async fn audit(
    job: &LakeJob,
    store: &dyn LakeStore,
    connection: &Connection,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<LakeAuditReport, Exit> {
    let mut report = LakeAuditReport::default();
    // The log first: whatever it names, the output stream has had by then.
    let entries = log::all(store)?;
    chain(&entries, &mut report);
    for file in entries.iter().flat_map(|entry| entry.files.iter().map(move |file| (entry, file))) {
        whole(store, file, &mut report)?;
    }
    for orphan in orphans(store, &entries)? {
        report.wrong(format!("{orphan} is named by no entry"));
    }
    against_the_lane(job, &entries, connection, &mut report, progress).await?;
    report.clean = report.wrong == 0;
    Ok(report)
}

/// Entries follow each other without a hole, in numbers and in rows.
fn chain(entries: &[LakeEntry], report: &mut LakeAuditReport) {
    let (mut to, mut epoch, mut after): (Option<LakeRowId>, u64, String) = (None, 0, String::new());
    for (n, entry) in (0..).zip(entries) {
        report.entries += 1;
        report.gaps += u64::from(entry.kind == EntryKind::Gap);
        if entry.n != n || entry.from != to || entry.epoch < epoch || entry.after != after {
            report.wrong(format!("entry {} does not follow the one before it", entry.n));
        }
        if entry.rows != entry.files.iter().map(|file| file.rows).sum::<u64>() {
            report.wrong(format!("entry {} has other rows than its files", entry.n));
        }
        (to, epoch, after) = (entry.to, entry.epoch, LakeEntry::fingerprint(&entry.text()));
    }
}

/// A file holds what its entry says.
fn whole(store: &dyn LakeStore, (entry, file): (&LakeEntry, &File), report: &mut LakeAuditReport) -> Result<(), Exit> {
    report.files += 1;
    report.rows += file.rows;
    report.bytes += file.bytes.unwrap_or_default();
    let length = store.length(&file.path)?;
    match contents(store, &entry.made, file) {
        Ok(Some(found)) if found.matches(file) && length == file.bytes => {}
        Ok(Some(found)) => {
            report.wrong(format!("{} holds {} rows, or others than its entry says", file.path, found.rows))
        }
        Ok(None) => report.wrong(format!("{} is not there", file.path)),
        Err(exit) => report.wrong(format!("{} cannot be read: {}", file.path, exit.message)),
    }
    Ok(())
}

/// The files that the output stream's rows would make are those that the log names.
async fn against_the_lane(
    job: &LakeJob,
    entries: &[LakeEntry],
    connection: &Connection,
    report: &mut LakeAuditReport,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), Exit> {
    let stream = &job.config.output.stream;
    let state = streams::state(connection, stream).await?;
    let first = streams::message_from(connection, stream, state.first.max(1), ">").await?;
    let first = first.as_ref().and_then(place::id_of);
    let mut reader = StreamReader::after(connection, stream, state, Position(0), SourceOptions::default());
    // Of an entry that reaches before the first row that is left, perhaps all rows are left, and perhaps not.
    let left = |entry: &&LakeEntry| entry.kind == EntryKind::Commit && first.is_some() && entry.to >= first;
    let may_lack = |entry: &LakeEntry| state.first > 1 && entry.from < first;
    report.unproven = entries.iter().filter(|entry| !left(entry)).map(|entry| entry.rows).sum();
    let mut wanted = entries.iter().filter(left);
    let mut open: Option<(&LakeEntry, Interval)> = None;
    let mut next = wanted.next();
    loop {
        let messages = reader.next().await?;
        if messages.is_empty() {
            break;
        }
        progress(reader.read, state.messages);
        for message in messages {
            let LakeMessage::Row(row) = LakeRow::read(&message) else { continue };
            loop {
                if let Some((entry, interval)) = &mut open {
                    if Some(row.id) <= entry.to {
                        interval.push(row, message.sequence)?;
                        break;
                    }
                    prove(entry, interval, may_lack(entry), report);
                    open = None;
                }
                match next {
                    None => {
                        report.pending += 1;
                        break;
                    }
                    Some(entry) if Some(row.id) <= entry.from => break,
                    Some(entry) => {
                        open = Some((entry, Interval::new(&entry.made, &job.lake.spool_path)?));
                        next = wanted.next();
                    }
                }
            }
        }
    }
    reader.close().await;
    if let Some((entry, interval)) = &mut open {
        prove(entry, interval, may_lack(entry), report);
    }
    for entry in next.into_iter().chain(wanted) {
        report.wrong(format!("entry {} has rows that {stream} does not have", entry.n));
    }
    Ok(())
}

fn prove(entry: &LakeEntry, interval: &Interval, may_lack: bool, report: &mut LakeAuditReport) {
    let Some(to) = entry.to else { return };
    let planned = interval.plan(entry.n, entry.from, to);
    let same = |(planned, file): (&File, &File)| *planned == File { bytes: None, ..file.clone() };
    let equal =
        planned.len() == entry.files.len() && planned.iter().map(|planned| &planned.file).zip(&entry.files).all(same);
    if equal {
        report.proven += entry.rows;
    } else if may_lack {
        report.unproven += entry.rows;
    } else {
        let found = interval.figures().rows;
        report.wrong(format!(
            "entry {} has {} rows, and the output stream {found} there, or others",
            entry.n, entry.rows
        ));
    }
}
