//! `sidestream state export`: a state directory as a file.
//!
//! Takes the directory's lock, so no engine runs meanwhile. The file has its name only once it is whole and durable.

use super::Progress;
use super::error::FileError;
use super::layout::spaces;
use super::write::Writer;
use crate::adapters::directory::Manifest;
use crate::adapters::directory::files::sync;
use crate::app::disk::{Opened, open_as_it_is};
use crate::app::exit::{CONFIG, Exit, NO, UNAVAILABLE, USAGE};
use crate::config::StateSection;
use crate::core::ids::Position;
use crate::core::record::Format;
use std::fs::File;
use std::io::BufWriter;
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

/// Writes the state of a directory into a new file.
pub fn export(state: &StateSection, file: &Path, tell: &mut dyn FnMut(Progress)) -> Result<Exported, Exit> {
    if file.exists() {
        let what = format!("{} is there already", file.display());
        return Err(Exit::new(USAGE, what, "name a new file"));
    }
    if !state.path.join("FORMAT").exists() {
        let what = format!("{} holds no state", state.path.display());
        return Err(Exit::new(UNAVAILABLE, what, "correct state.path"));
    }
    let Opened { store, disk } = open_as_it_is(state)?;
    let format = Manifest::read(&state.path)?.map_or_else(Format::first, |manifest| manifest.format);
    let Some(record) = disk.checkpoint else {
        let what = format!("{} holds no checkpoint yet: there is nothing to export", state.path.display());
        return Err(Exit::new(NO, what, ""));
    };
    let part = part(file)?;
    let failed = |error: std::io::Error| FileError::Io(error).exit(file);
    let out = BufWriter::with_capacity(1 << 20, File::create(&part).map_err(failed)?);
    let mut writer = Writer::new(out, &format).map_err(failed)?;
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
        tell(Progress { done: writer.bytes, total: total.max(writer.bytes), entries: writer.entries });
    }
    let entries = writer.entries;
    let (out, sum) = writer.finish().map_err(failed)?;
    let out = out.into_inner().map_err(|error| failed(error.into_error()))?;
    out.sync_all().map_err(failed)?;
    let bytes = out.metadata().map_err(failed)?.len();
    std::fs::rename(&part, file).map_err(failed)?;
    sync(file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    Ok(Exported { position: record.position, entries, bytes, sum })
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
