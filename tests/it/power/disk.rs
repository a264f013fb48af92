//! A model of a disk under a file system that promises what POSIX promises, and nothing more.
//!
//! A file's content survives a power cut as of its last `fsync` or `fdatasync`, a directory's names as of its last
//! `fsync`. What came after survives in part: any sectors, any names, any lengths, as `Survival` says. Nothing here
//! knows who wrote.

use super::recording::Call;
use sidestream::generate::Random;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// A disk writes such a piece whole or not at all.
pub const SECTOR: usize = 512;

/// Which syncs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Honest {
    /// As they are promised; `sync_file_range` promises nothing.
    All,
    /// `fdatasync` does nothing, which is how the adapter syncs the database; `sync_file_range` keeps what it covers of
    /// the file's durable length, as it does on a disk without a cache.
    WithoutDataSync,
}

/// What survives of everything that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    Nothing,
    Everything,
    /// What was called before this call's number, as a journal keeps it; the last call is torn.
    Before(u64),
    /// What was called after this call's number: the late overtook the early.
    After(u64),
    /// Each sector and each name this often in a thousand.
    Share(u32),
}

#[derive(Debug)]
enum Node {
    File { durable: Vec<u8>, pending: Vec<(u64, Change)> },
    Directory { durable: Names, now: Names, pending: Vec<(u64, NameChange)> },
}

type Names = BTreeMap<String, usize>;

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, data: Vec<u8> },
    Length(usize),
}

/// One name goes, another comes; both or neither.
#[derive(Clone, Debug)]
struct NameChange {
    goes: Option<String>,
    comes: Option<(String, usize)>,
}

/// The disk under one directory, the root.
#[derive(Debug)]
pub struct Disk {
    nodes: Vec<Node>,
    inodes: HashMap<u64, usize>,
    honest: Honest,
    calls: u64,
}

impl Disk {
    /// A disk on which all that is under `root` is durable.
    pub fn load(root: &Path, honest: Honest) -> Disk {
        let mut disk = Disk { nodes: Vec::new(), inodes: HashMap::new(), honest, calls: 0 };
        disk.load_node(root);
        disk
    }

    fn load_node(&mut self, path: &Path) -> usize {
        let data = fs::metadata(path).unwrap();
        let number = self.nodes.len();
        self.inodes.insert(data.ino(), number);
        if data.is_file() {
            self.nodes.push(Node::File { durable: fs::read(path).unwrap(), pending: Vec::new() });
            return number;
        }
        self.nodes.push(directory(Names::new()));
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: Names = entries.map(|name| (name.clone(), self.load_node(&path.join(name)))).collect();
        self.nodes[number] = directory(names);
        number
    }

    /// How many calls it has seen.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Takes the next call of a recording.
    pub fn call(&mut self, call: &Call) {
        self.calls += 1;
        match call {
            Call::Made { name, inode, directory: is_directory } => {
                let new = self.nodes.len();
                let file = Node::File { durable: Vec::new(), pending: Vec::new() };
                self.nodes.push(if *is_directory { directory(Names::new()) } else { file });
                // The number may have been another file's, which is gone.
                self.inodes.insert(*inode, new);
                let (parent, name) = self.parent(name);
                self.rename(parent, NameChange { goes: None, comes: Some((name, new)) });
            }
            Call::Wrote { inode, at, data } => {
                self.change(*inode, Change::Write { at: *at as usize, data: data.clone() });
            }
            Call::Truncated { inode, length } => self.change(*inode, Change::Length(*length as usize)),
            Call::Synced { inode } => self.sync(self.inodes[inode]),
            Call::SyncedData { inode } if self.honest == Honest::All => self.sync(self.inodes[inode]),
            Call::SyncedRange { inode, at, length } if self.honest == Honest::WithoutDataSync => {
                self.sync_range(self.inodes[inode], *at as usize, *length as usize);
            }
            Call::SyncedData { .. } | Call::SyncedRange { .. } => {}
            Call::Renamed { name, to } => {
                let ((parent, name), (to_parent, to)) = (self.parent(name), self.parent(to));
                assert_eq!(parent, to_parent, "a renaming between directories is not modelled");
                let node = self.names(parent)[&name];
                self.rename(parent, NameChange { goes: Some(name), comes: Some((to, node)) });
            }
            Call::Unlinked { name } => {
                let (parent, name) = self.parent(name);
                self.rename(parent, NameChange { goes: Some(name), comes: None });
            }
        }
    }

    fn names(&self, node: usize) -> &Names {
        match &self.nodes[node] {
            Node::Directory { now, .. } => now,
            Node::File { .. } => panic!("a file where a directory should be"),
        }
    }

    /// The directory that holds a path, and the path's last name.
    fn parent(&self, path: &str) -> (usize, String) {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let last = parts.pop().unwrap().to_owned();
        (parts.into_iter().fold(0, |node, part| self.names(node)[part]), last)
    }

    fn rename(&mut self, parent: usize, change: NameChange) {
        let at = self.calls;
        let Node::Directory { now, pending, .. } = &mut self.nodes[parent] else { panic!("a name in a file") };
        change.apply(now);
        pending.push((at, change));
    }

    fn change(&mut self, inode: u64, change: Change) {
        let at = self.calls;
        let Node::File { pending, .. } = &mut self.nodes[self.inodes[&inode]] else { panic!("a write to names") };
        pending.push((at, change));
    }

    fn sync(&mut self, node: usize) {
        match &mut self.nodes[node] {
            Node::File { durable, pending } => pending.drain(..).for_each(|(_, change)| change.apply(durable)),
            Node::Directory { durable, now, pending } => {
                durable.clone_from(now);
                pending.clear();
            }
        }
    }

    fn sync_range(&mut self, node: usize, from: usize, length: usize) {
        let Node::File { durable, pending } = &mut self.nodes[node] else { panic!("a range of names") };
        let until = (from + length).min(durable.len());
        for (_, change) in pending {
            if let Change::Write { at, data } = change {
                let (from, until) = (from.max(*at), until.min(*at + data.len()));
                if from < until {
                    durable[from..until].copy_from_slice(&data[from - *at..until - *at]);
                }
            }
        }
    }

    /// The content of a file of the root as the process saw it, whatever is durable; empty when there is none.
    pub fn seen(&self, name: &str) -> Vec<u8> {
        let Some(node) = self.names(0).get(name) else { return Vec::new() };
        let Node::File { durable, pending } = &self.nodes[*node] else { panic!("{name} is a directory") };
        let mut content = durable.clone();
        pending.iter().for_each(|(_, change)| change.clone().apply(&mut content));
        content
    }

    /// Cuts the power: writes what survives into a new directory.
    pub fn cut(&self, survival: Survival, random: &mut Random, into: &Path) {
        self.write(0, &mut Cut { survival, random }, into);
    }

    fn write(&self, node: usize, cut: &mut Cut<'_>, path: &Path) {
        match &self.nodes[node] {
            Node::File { durable, pending } => write_sparse(path, &cut.file(durable, pending)),
            Node::Directory { durable, pending, .. } => {
                let mut names = durable.clone();
                let survivors = pending.iter().filter(|(at, _)| cut.survives(*at));
                survivors.for_each(|(_, change)| change.apply(&mut names));
                fs::create_dir(path).unwrap();
                names.iter().for_each(|(name, node)| self.write(*node, cut, &path.join(name)));
            }
        }
    }
}

/// Writes a file with holes where there are only zeros: a journal may be given 64 MiB and use little of it.
fn write_sparse(path: &Path, content: &[u8]) {
    const PIECE: usize = 64 * 1024;
    let file = fs::File::create(path).unwrap();
    file.set_len(content.len() as u64).unwrap();
    for (n, piece) in content.chunks(PIECE).enumerate() {
        if piece.iter().any(|byte| *byte != 0) {
            file.write_all_at(piece, (n * PIECE) as u64).unwrap();
        }
    }
}

fn directory(names: Names) -> Node {
    Node::Directory { durable: names.clone(), now: names, pending: Vec::new() }
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        if let Some(name) = &self.goes {
            names.remove(name);
        }
        if let Some((name, node)) = &self.comes {
            names.insert(name.clone(), *node);
        }
    }
}

impl Change {
    fn apply(self, content: &mut Vec<u8>) {
        match self {
            Change::Length(length) => content.resize(length, 0),
            Change::Write { at, data } => {
                content.resize(content.len().max(at + data.len()), 0);
                content[at..at + data.len()].copy_from_slice(&data);
            }
        }
    }
}

struct Cut<'a> {
    survival: Survival,
    random: &'a mut Random,
}

impl Cut<'_> {
    /// Whether a sector, a name or a length survives that a call of this number changed.
    fn survives(&mut self, call: u64) -> bool {
        match self.survival {
            Survival::Nothing => false,
            Survival::Everything => true,
            Survival::Before(last) if call == last => self.random.per_mille(500),
            Survival::Before(last) => call < last,
            Survival::After(first) => call > first,
            Survival::Share(share) => self.random.per_mille(share),
        }
    }

    fn file(&mut self, durable: &[u8], pending: &[(u64, Change)]) -> Vec<u8> {
        let mut content = durable.to_vec();
        for (call, change) in pending {
            match change {
                Change::Length(length) if self.survives(*call) => content.resize(*length, 0),
                Change::Length(_) => {}
                Change::Write { at, data } => {
                    // The new length may be on disk before the data is; what is read there then is anything.
                    if content.len() < at + data.len() && self.survives(*call) {
                        let noise = self.random.per_mille(500);
                        let fill = if noise { self.random.bits() as u8 } else { 0 };
                        content.resize(at + data.len(), fill);
                    }
                    self.sectors(*call, *at, data, &mut content);
                }
            }
        }
        content
    }

    fn sectors(&mut self, call: u64, at: usize, data: &[u8], content: &mut Vec<u8>) {
        let mut from = 0;
        while from < data.len() {
            let until = data.len().min((at + from) / SECTOR * SECTOR + SECTOR - at);
            if self.survives(call) {
                content.resize(content.len().max(at + until), 0);
                content[at + from..at + until].copy_from_slice(&data[from..until]);
            }
            from = until;
        }
    }
}

impl Survival {
    /// One of them, for a cut after so many calls of which about the last hundred may be unsynced.
    pub fn any(random: &mut Random, calls: u64) -> Survival {
        let near = calls.saturating_sub(random.below(40));
        match random.below(8) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            2 | 3 => Survival::Before(near),
            4 => Survival::After(near),
            5 => Survival::Share(100),
            6 => Survival::Share(900),
            _ => Survival::Share(500),
        }
    }
}
