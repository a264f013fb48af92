//! What a start writes before anything else, while the disk may refuse and the machine die.
//!
//! The order is the session's; what is written is the product's business.

use super::context::Context;
use super::model::Disk;
use super::process::Process;
use sidestream::core::state::changes::State;
use sidestream::engine::ending::End;
use sidestream::engine::rewrite::{follow, write_first};
use sidestream::protocol::facts::{Disk as Known, Rewind};
use sidestream::protocol::prepare::Prepared;
use sidestream::protocol::start::{Start, StartKind};

/// A directory's account as it was read, as of the lane's rewinds, and those that it does not know of yet.
#[derive(Clone, Copy)]
pub struct Directory<'a> {
    pub raw: &'a Known,
    pub known: &'a Known,
    pub news: &'a [Rewind],
}

impl Process {
    /// Writes, and loads what is there then.
    pub fn write_first(
        &mut self,
        context: &mut Context,
        start: &Start,
        prepared: &Prepared,
        directory: Directory<'_>,
    ) -> Result<Vec<State>, End> {
        let Directory { raw, known, news } = directory;
        let next = Disk::new();
        context.note_what_is_held(&self.disk, raw, news);
        if context.random.per_mille(if news.is_empty() { 30 } else { 400 }) {
            // The disk refuses in the middle of what follows.
            let left = context.random.below(40) as usize;
            self.disk.fail_after(Some(left));
            next.fail_after(Some(left));
        }
        self.follow(context, start, news, known)?;
        let replaced =
            start.kind != StartKind::Resume && (known.lost || known.checkpoint.is_some() || !known.marks.is_empty());
        let written = write_first(if replaced { &next } else { &self.disk }, &prepared.first, &prepared.record);
        if written.is_ok() && replaced {
            // The new directory takes the old one's place whole.
            self.disk.restore(&next.snapshot());
            self.durable = 0;
        }
        let states = written.and_then(|()| self.load(start, prepared.ids));
        let states = states.map_err(|error| {
            context.count("disk refused at a start");
            End::Store(error)
        })?;
        self.disk.fail_after(None);
        let pure = start.kind != StartKind::Resume;
        context.follow(&start.rewinds, pure, self.consent.accept_rewind);
        if pure || !start.rewinds.is_empty() {
            // What was consented to holds by what is written now, also where the lane loses it again.
            self.consent.accept_rewind = false;
        }
        Ok(states)
    }

    /// Moves the directory behind a rewind, as far as the disk takes it; sometimes the machine dies of it.
    fn follow(&mut self, context: &mut Context, start: &Start, news: &[Rewind], known: &Known) -> Result<(), End> {
        if start.kind != StartKind::Resume || news.is_empty() {
            return Ok(());
        }
        // S moves back to the floor, if it was beyond.
        self.durable = self.durable.min(known.checkpoint.as_ref().map_or(0, |record| record.position.0));
        let followed = follow(&self.disk, news, known);
        if followed.is_err() {
            context.count("died while it followed a rewind");
            if context.random.per_mille(500) {
                let random = &mut context.random;
                self.disk.power_cut(&mut |_| random.per_mille(500));
            }
        }
        followed.map_err(End::Store)
    }
}
