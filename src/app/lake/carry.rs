//! Doing what the lake's writer says, until it says to follow the output stream.

use super::interval::Interval;
use super::job::LakeJob;
use super::place;
use super::project::Projection;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::adapters::nats::streams;
use crate::app::exit::{CONFIG, Exit, OWNED};
use crate::core::ids::Position;
use crate::engine::crash;
use crate::ports::lake::{Created, LakeError, LakeStore};
use crate::protocol::lake::entry::{EntryKind, LakeEntry};
use crate::protocol::lake::plan_files::Planned;
use crate::protocol::lake::row::{LakeMessage, LakeRow};
use crate::protocol::lake::writer::{EntryDraft, LakeAct, LakeWriter, Stopped, StoreAnswer, StoreObject};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Messages taken at a time.
const BATCH: usize = 1_000;
/// Before an answer that was not sure is asked for.
const PAUSE: Duration = Duration::from_millis(500);

/// A writer and what it works with.
pub(super) struct Carrier<'a> {
    pub(super) job: &'a LakeJob,
    pub(super) store: &'a dyn LakeStore,
    pub(super) connection: &'a Connection,
    pub(super) writer: LakeWriter,
    /// The rows to be published next.
    pub(super) interval: Interval,
    /// Their files, while they are being published.
    pub(super) planned: Vec<Planned>,
    pub(super) projection: Projection,
}

impl Carrier<'_> {
    /// Carries acts out until the writer wants to follow.
    pub(super) async fn carry(&mut self, mut act: LakeAct) -> Result<(), Exit> {
        let mut publishing = None;
        loop {
            self.writer.clock(now_ms());
            let before = self.writer.head().next;
            act = match act {
                LakeAct::Create(object, text) => {
                    let entry = LakeEntry::parse(&text).map_err(Exit::broken)?;
                    let act = self.create(object, &text, entry.kind == EntryKind::Claim).await?;
                    publishing = matches!(object, StoreObject::Log(_)).then_some(entry);
                    act
                }
                LakeAct::Read(object) => {
                    let text = self.store.read(&object.path())?;
                    let text = text.map(String::from_utf8).transpose().map_err(Exit::broken)?;
                    self.writer.read(text.as_deref())
                }
                LakeAct::Fill(entry) => {
                    let bytes = self.fill(&entry).await?;
                    self.writer.filled(&bytes)
                }
                LakeAct::Follow { anew } => {
                    if anew {
                        tracing::warn!("another writer published rows: what was spooled is read again");
                        self.interval.clear()?;
                    }
                    return Ok(());
                }
                LakeAct::Stop(why) => return Err(stopped(why)),
            };
            // The head moves when an entry is published, by whomever.
            if self.writer.head().next != before
                && let Some(entry) = publishing.take()
            {
                self.job.metrics.lake().published(&entry);
                self.projection.add(self.store, &entry)?;
            }
        }
    }

    /// Publishes what is spooled.
    pub(super) async fn cut(&mut self) -> Result<(), Exit> {
        let Some((to, lane)) = self.interval.last else { return Ok(()) };
        let began = Instant::now();
        let head = self.writer.head();
        self.planned = self.interval.plan(head.next, head.to, to);
        let draft = EntryDraft {
            kind: EntryKind::Commit,
            to,
            lane,
            lane_created: self.lane_created().await?,
            rows: self.interval.figures().rows,
            fallbacks: self.interval.fallbacks,
            files: self.planned.iter().map(|planned| planned.file.clone()).collect(),
        };
        let (rows, files) = (draft.rows, draft.files.len());
        let act = self.writer.cut(draft);
        self.carry(act).await?;
        for (column, values) in self.job.lake.columns.iter().zip(&self.interval.misfits) {
            self.job.metrics.lake_misfits(&column.name, *values);
        }
        self.job.metrics.lake().fallbacks(self.interval.fallbacks);
        self.interval.clear()?;
        self.planned.clear();
        self.job.metrics.lake_committed(began.elapsed().as_secs_f64());
        let head = self.writer.head();
        tracing::info!(entry = head.next - 1, rows, files, to = %to, ms = began.elapsed().as_millis() as u64, "published");
        Ok(())
    }

    /// Gives up rows that are gone.
    pub(super) async fn give_up(&mut self, to: crate::protocol::lake::row::LakeRowId) -> Result<(), Exit> {
        let lane_created = self.lane_created().await?;
        let draft =
            EntryDraft { kind: EntryKind::Gap, to, lane: 0, lane_created, rows: 0, fallbacks: 0, files: Vec::new() };
        let act = self.writer.cut(draft);
        self.carry(act).await
    }

    async fn lane_created(&self) -> Result<i64, Exit> {
        Ok(streams::state(self.connection, &self.job.config.output.stream).await?.created.0)
    }

    async fn create(&mut self, object: StoreObject, text: &str, claims: bool) -> Result<LakeAct, Exit> {
        match object {
            StoreObject::Intent(_) if !claims => {
                crash::point("lake_before_the_intent");
            }
            StoreObject::Log(_) if !claims => {
                crash::point("lake_after_the_files");
            }
            _ => {}
        }
        let answer = match self.store.create(&object.path(), text.as_bytes()) {
            Ok(Created::Here) => StoreAnswer::Created,
            Ok(Created::Before) => StoreAnswer::Exists,
            Err(LakeError::Unsure { what, source }) => {
                tracing::warn!(what, source = source.map(|source| source.to_string()), "asking whether it was created");
                self.job.metrics.lake().failed();
                tokio::time::sleep(PAUSE).await;
                StoreAnswer::Unsure
            }
            Err(refused) => return Err(refused.into()),
        };
        match object {
            StoreObject::Intent(_) if claims => {
                crash::point("lake_during_the_claim");
            }
            StoreObject::Intent(_) => {
                crash::point("lake_after_the_intent");
            }
            StoreObject::Log(_) if !claims => {
                crash::point("lake_after_the_record");
            }
            StoreObject::Log(_) => {}
        }
        Ok(self.writer.created(answer))
    }

    /// The files of an entry: of what is spooled, or of the same rows read once more.
    async fn fill(&mut self, entry: &LakeEntry) -> Result<Vec<u64>, Exit> {
        let ours = self.planned.iter().map(|planned| &planned.file).eq(&entry.files);
        if ours {
            return self.interval.write(&self.planned, self.store);
        }
        tracing::info!(entry = entry.n, writer = entry.writer, rows = entry.rows, "carrying out an intent once more");
        let mut interval = self.read_again(entry).await?;
        let to = entry.to.ok_or_else(|| Exit::broken("an entry with files has a last row"))?;
        let planned = interval.plan(entry.n, entry.from, to);
        if !planned.iter().map(|planned| &planned.file).eq(&entry.files) {
            return Err(lost(entry, &self.job.config.output.stream, interval.figures().rows));
        }
        interval.write(&planned, self.store)
    }

    /// The rows of an entry, from the output stream.
    async fn read_again(&self, entry: &LakeEntry) -> Result<Interval, Exit> {
        let stream = &self.job.config.output.stream;
        let state = streams::state(self.connection, stream).await?;
        let head = self.writer.head();
        let place = place::behind(self.connection, stream, &state, head).await?;
        let mut interval = Interval::new(&entry.made, &self.job.lake.spool_path)?;
        let options = SourceOptions::default();
        let mut source = Source::open(self.connection, stream, Position(place.after), options).await?;
        'reading: loop {
            let messages = source.next_until(BATCH, state.last).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let LakeMessage::Row(row) = LakeRow::read(&message) else { continue };
                if Some(row.id) <= entry.from {
                    continue;
                }
                if Some(row.id) > entry.to {
                    break 'reading;
                }
                interval.push(row, message.sequence)?;
            }
        }
        let _ = source.close().await;
        Ok(interval)
    }
}

fn lost(entry: &LakeEntry, stream: &str, found: u64) -> Exit {
    let shown =
        |id: Option<crate::protocol::lake::row::LakeRowId>| id.map_or("the beginning".to_owned(), |id| id.to_string());
    let what = format!(
        "entry {} of the lake is decided and not carried out: {} rows behind {} up to {}, of which {stream} has {found}, or others",
        entry.n,
        entry.rows,
        shown(entry.from),
        shown(entry.to)
    );
    let hint =
        format!("let {stream} have these rows again (they are computed from the input), then start the lake once more");
    Exit::new(CONFIG, what, hint)
}

/// The end of a writer that may not go on.
pub(super) fn stopped(why: Stopped) -> Exit {
    match why {
        Stopped::Superseded { writer, epoch } => Exit::new(
            OWNED,
            format!("a later writer has the lake: {writer}, epoch {epoch}"),
            "one lake has one writer: stop one of the two, or set another lake.url",
        ),
        Stopped::Broken(why) => Exit::broken(why),
    }
}

fn now_ms() -> i64 {
    // Before 1970 there was no clock that this runs on.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
