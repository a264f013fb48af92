//! `sidestream state export`: a state directory as a file.
//!
//! Refused while an engine runs. The file has its name only once it is whole and durable; the directory stays as it is.

use super::FileProgress;
use super::error::FileError;
use super::layout::spaces;
use super::write::StateFileWriter;
use crate::adapters::directory::Manifest;
use crate::adapters::directory::files::sync;
use crate::app::disk::OpenedState;
use crate::app::disk_read::look;
use crate::app::exit::{CONFIG, Exit, NO, UNAVAILABLE, USAGE};
use crate::commands::state_file::target::WriteTarget;
use crate::config::StateSection;
use crate::core::ids::Position;
use crate::core::record::StoreFormat;
use crate::ports::store::Store;
use std::fs::File;
use std::io::{BufWriter, Error, Write};
use std::path::Path;

/// What was exported.
#[derive(Clone, Copy, Debug)]
pub struct Exported {
    /// S.
    pub position: Position,
    /// Entries of the file.
    pub entries: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The sum over its blocks.
    pub sum: u64,
}

/// Writes the state of a directory, which stays as it is, into a new file or to standard output.
pub fn export(
    state: &StateSection,
    target: &WriteTarget,
    tell: &mut dyn FnMut(FileProgress),
) -> Result<Exported, Exit> {
    if let WriteTarget::File(file) = target
        && file.exists()
    {
        let what = format!("{} is there already", file.display());
        return Err(Exit::new(USAGE, what, "name a new file"));
    }
    if !state.path.join("FORMAT").exists() {
        let what = format!("{} holds no state", state.path.display());
        return Err(Exit::new(UNAVAILABLE, what, "correct state.path"));
    }
    let look = look(state)?;
    let OpenedState { store, disk } = &look.opened;
    let Some(record) = &disk.checkpoint else {
        let what = format!("{} holds no checkpoint yet: there is nothing to export", state.path.display());
        return Err(Exit::new(NO, what, ""));
    };
    let format = Manifest::read(&state.path)?.map_or_else(StoreFormat::first, |manifest| manifest.format);
    let (entries, bytes, sum) = match target {
        WriteTarget::Stdout => {
            let (_, sums) =
                dump(store.as_ref(), &format, std::io::stdout().lock(), Path::new("standard output"), tell)?;
            sums
        }
        WriteTarget::File(file) => {
            let failed = |error: Error| FileError::Io(error).exit(file);
            let part = part(file)?;
            let (out, sums) = dump(store.as_ref(), &format, File::create(&part).map_err(failed)?, file, tell)?;
            out.sync_all().map_err(failed)?;
            std::fs::rename(&part, file).map_err(failed)?;
            sync(file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
            sums
        }
    };
    Ok(Exported { position: record.position, entries, bytes, sum })
}

/// Writes every entry; returns what was written to, and how many entries, bytes and which sum that made.
fn dump<W: Write>(
    store: &dyn Store,
    format: &StoreFormat,
    out: W,
    name: &Path,
    tell: &mut dyn FnMut(FileProgress),
) -> Result<(W, (u64, u64, u64)), Exit> {
    let failed = |error: Error| FileError::Io(error).exit(name);
    let mut writer = StateFileWriter::new(BufWriter::with_capacity(1 << 20, out), format).map_err(failed)?;
    let total = store.disk_bytes();
    for space in spaces() {
        let mut refused = None;
        store.scan(space, b"", &mut |key, value| {
            refused = writer.entry(space, key, value).err();
            refused.is_none()
        })?;
        if let Some(error) = refused {
            return Err(failed(error));
        }
        tell(FileProgress { done: writer.bytes, total: total.max(writer.bytes), entries: writer.entries });
    }
    let entries = writer.entries;
    let (out, sum, bytes) = writer.finish().map_err(failed)?;
    let out = out.into_inner().map_err(|error| failed(error.into_error()))?;
    Ok((out, (entries, bytes, sum)))
}

/// The file's name until it is whole.
fn part(file: &Path) -> Result<std::path::PathBuf, Exit> {
    let Some(name) = file.file_name() else {
        return Err(Exit::new(CONFIG, format!("{} names no file", file.display()), ""));
    };
    let mut name = name.to_owned();
    name.push(".part");
    Ok(file.with_file_name(name))
}
