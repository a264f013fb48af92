//! A state directory's disk: a store that can lose what was not synced, refuse, and go back to an older content.
//!
//! A batch is there whole or not at all, and that is all that is promised of batches before a sync: a power cut may
//! keep a later one without an earlier one. Clones share one disk; a clone stands for the same directory opened again.

use sidestream::ports::store::{Batch, Space, Store, StoreError, Visit};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many entries a scan copies at a time.
const PAGE: usize = 256;

type Entries = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

/// Called after each batch that was applied: its space, itself, and how many batches are pending with it.
pub type Hook = Box<dyn FnMut(Space, &Batch, usize) + Send>;

/// The whole content of a directory at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(Entries);

/// The disk.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// What a power cut leaves in any case.
    durable: Entries,
    /// What was applied since the last sync, in order.
    pending: Vec<(Space, Batch)>,
    /// Both together: what readers see.
    visible: Entries,
    /// Operations that still succeed.
    left: Option<usize>,
    fail_sync: bool,
    batches: u64,
    syncs: u64,
    hook: Option<Hook>,
}

impl Disk {
    /// An empty disk.
    pub fn new() -> Disk {
        Disk::default()
    }

    /// The power goes. Of the pending batches those survive for whose index `keep` says so, each whole; indexes go
    /// from 0 in the order of `apply`. Everything left is durable.
    pub fn power_cut(&self, keep: &mut dyn FnMut(usize) -> bool) {
        let mut inner = self.inner();
        let mut durable = std::mem::take(&mut inner.durable);
        for (index, (space, batch)) in std::mem::take(&mut inner.pending).into_iter().enumerate() {
            if keep(index) {
                apply(&mut durable, space, &batch);
            }
        }
        inner.set(durable);
    }

    /// The next `n` operations (reads, scans, batches, syncs) succeed and all later ones fail; `None` ends that. A
    /// batch that failed is not there.
    pub fn fail_after(&self, n: Option<usize>) {
        self.inner().left = n;
    }

    /// Whether syncs fail. What was pending stays pending.
    pub fn fail_sync(&self, fail: bool) {
        self.inner().fail_sync = fail;
    }

    /// The content as readers see it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.inner().visible.clone())
    }

    /// Puts an older content in the place of this one, durably; counters and faults stay.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.inner().set(snapshot.0.clone());
    }

    /// The directory is removed.
    pub fn wipe(&self) {
        self.inner().set(Entries::new());
    }

    /// Another disk with this one's content, pending batches included; without its faults, counters and hook.
    pub fn fork(&self) -> Disk {
        let inner = self.inner();
        let (durable, pending, visible) = (inner.durable.clone(), inner.pending.clone(), inner.visible.clone());
        Disk(Arc::new(Mutex::new(Inner { durable, pending, visible, ..Inner::default() })))
    }

    /// Batches that were applied and no sync or power cut has seen since.
    pub fn pending(&self) -> usize {
        self.inner().pending.len()
    }

    /// Batches applied in all.
    pub fn batches(&self) -> u64 {
        self.inner().batches
    }

    /// Syncs that succeeded.
    pub fn syncs(&self) -> u64 {
        self.inner().syncs
    }

    /// Sets what is called after each batch. It may use the disk; batches that it applies are not reported to it.
    pub fn on_apply(&self, hook: Option<Hook>) {
        self.inner().hook = hook;
    }

    // Every change is whole before anything else can run: a panic elsewhere leaves a sound disk.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation, if the disk still does any.
    fn operate(&self, what: &str) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let mut inner = self.inner();
        match inner.left {
            Some(0) => Err(refused(what)),
            Some(left) => {
                inner.left = Some(left - 1);
                Ok(inner)
            }
            None => Ok(inner),
        }
    }

    /// The next entries of a scan, after `last` or from the prefix itself.
    fn page(&self, space: Space, prefix: &[u8], last: Option<Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let from = match last {
            None => Bound::Included((space, prefix.to_vec())),
            Some(last) => Bound::Excluded((space, last)),
        };
        let inner = self.inner();
        let entries = inner.visible.range((from, Bound::Unbounded));
        let inside = entries.take_while(|((at, key), _)| *at == space && key.starts_with(prefix));
        inside.take(PAGE).map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }
}

impl Inner {
    fn set(&mut self, content: Entries) {
        self.pending.clear();
        self.visible.clone_from(&content);
        self.durable = content;
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        let (batches, syncs, pending) = (inner.batches, inner.syncs, inner.pending.len());
        write!(f, "Disk {{ batches: {batches}, syncs: {syncs}, pending: {pending} }}")
    }
}

impl Store for Disk {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.operate("cannot read")?.visible.get(&(space, key.to_vec())).cloned())
    }

    fn scan(&self, space: Space, prefix: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        drop(self.operate("cannot scan")?);
        // Page by page, so that the visitor may use the disk.
        let mut last = None;
        loop {
            let page = self.page(space, prefix, last.take());
            for (key, value) in &page {
                if !visit(key, value) {
                    return Ok(());
                }
            }
            match page.into_iter().next_back() {
                Some((key, _)) => last = Some(key),
                None => return Ok(()),
            }
        }
    }

    fn apply(&self, space: Space, batch: &Batch) -> Result<(), StoreError> {
        let mut inner = self.operate("cannot write")?;
        apply(&mut inner.visible, space, batch);
        inner.pending.push((space, batch.clone()));
        inner.batches += 1;
        let (pending, hook) = (inner.pending.len(), inner.hook.take());
        drop(inner);
        if let Some(mut hook) = hook {
            hook(space, batch, pending);
            self.inner().hook.get_or_insert(hook);
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut inner = self.operate("cannot sync")?;
        if inner.fail_sync {
            return Err(refused("cannot sync"));
        }
        let Inner { durable, pending, .. } = &mut *inner;
        for (space, batch) in pending.drain(..) {
            apply(durable, space, &batch);
        }
        inner.syncs += 1;
        Ok(())
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}

fn apply(entries: &mut Entries, space: Space, batch: &Batch) {
    for (key, value) in &batch.changes {
        let key = (space, key.clone());
        match value {
            Some(value) => entries.insert(key, value.clone()),
            None => entries.remove(&key),
        };
    }
}

fn refused(what: &str) -> StoreError {
    let source = std::io::Error::other("the simulated disk refuses");
    StoreError::Io { path: "disk".to_owned(), what: what.to_owned(), source }
}
