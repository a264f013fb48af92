//! `[lake]`: files of everything that the output stream holds.
//!
//! Nothing here looks at a folder: what is there is found out at start.

use super::super::draft::ConfigDraft;
use super::super::place::Placed;
use super::super::section::SectionReader;
use super::super::settings::{LakePlace, LakeSection};
use super::lake_place::place;
use super::paths::path;
use crate::core::plan::check::KeyPath;
use crate::protocol::lake::columns::{Column, ColumnType};
use crate::protocol::lake::delta::fixed;
use crate::protocol::lake::layout::FolderLayout;
use crate::protocol::lake::table::{FileFormat, LakeTable};
use std::path::PathBuf;
use std::time::Duration;

/// `lake.partition` where the operator leaves it out.
const PARTITION: &str = "event_date={date}/event_type={type}";

pub(super) fn lake(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    if !root.has("lake") {
        // Asking makes the name known, so that a misspelt one is recognised.
        root.node("lake");
        return;
    }
    draft.places.write(KeyPath::of(["lake"]).name(), root.key_place("lake"));
    let state = draft.state.as_ref().map(|state| state.path.clone()).unwrap_or_default();
    if let Some(section) = root.optional("lake") {
        draft.lake = read(section, state);
    }
}

fn read(mut section: SectionReader<'_, '_>, state: PathBuf) -> Option<LakeSection> {
    if !cfg!(feature = "archive") {
        let hint = "take a build with the feature `archive`, as releases are";
        section.report.error_with(section.place, "this build has no lake", hint);
    }
    let place = place(&mut section);
    let format = section.choice("format", &[("parquet", FileFormat::Parquet), ("ndjson", FileFormat::Ndjson)]);
    let format = format.or(FileFormat::Parquet);
    let partition = section.parsed("partition", FolderLayout::parse);
    let why = "from a second to a day: each publication makes a file in each folder that has rows";
    let max_age = section.integer("max_age_s", 1..=86_400, why).or(900);
    let why = "rows wait there until they are published; the disk must have the room";
    let spool = section.integer("max_spool_bytes", 1_048_576..=1 << 40, why).or(4 << 30);
    let why = "smaller files are slow to read, larger ones slow to skip; counted before compression";
    // Into a bucket a file goes in one request, out of memory.
    let (target_default, target_most) =
        if matches!(place, Some(LakePlace::Bucket(_))) { (128 << 20, 1 << 31) } else { (1 << 30, 1 << 36) };
    let target = section.integer("target_file_bytes", 65_536..=target_most, why).or(target_default);
    let mut beside = state.into_os_string();
    beside.push("-lake");
    let spool_path = path(&mut section, "spool_path").or(beside.into());
    let table = section.choice("table", &[("delta", true), ("none", false)]);
    if let (Some(FileFormat::Ndjson), Some(Placed { value: true, place })) = (format, table.valid()) {
        section.report.error_with(*place, "Delta has no tables of NDJSON", "write `table = \"none\"`, or take Parquet");
    }
    let delta = table.or(true).map(|delta| delta && format == Some(FileFormat::Parquet));
    let names: Vec<String> = partition.valid().map_or_else(
        || FolderLayout::parse(PARTITION).map(|layout| layout.names().map(str::to_owned).collect()).unwrap_or_default(),
        |layout| layout.value.names().map(str::to_owned).collect(),
    );
    if let Some(Placed { value, place }) = partition.valid()
        && let Some(name) = value.names().find(|name| is_fixed(name))
    {
        let message = format!("`{name}` is a column of every file");
        section.report.error_with(*place, message, format!("name the folder otherwise, such as `event_{name}`"));
    }
    let columns = columns(&mut section, &names);
    section.finish();
    Some(LakeSection {
        place: place?,
        format: format?,
        partition: partition.or(FolderLayout::parse(PARTITION).expect("the default is a layout"))?,
        max_age: Duration::from_secs(max_age?),
        max_spool_bytes: spool?,
        target_file_bytes: target?,
        spool_path: spool_path?,
        delta: delta?,
        columns: columns?,
    })
}

fn is_fixed(name: &str) -> bool {
    LakeTable::ALL.iter().flat_map(|table| fixed(*table)).any(|(known, _)| *known == name)
}

/// `[lake.columns]`: `NAME = { at = PLACE, type = TYPE }`.
fn columns(section: &mut SectionReader<'_, '_>, folders: &[String]) -> Option<Vec<Column>> {
    if !section.has("columns") {
        section.node("columns");
        return Some(Vec::new());
    }
    let mut columns = Some(Vec::new());
    for (name, entry) in section.named("columns")? {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fault = if !name.bytes().all(good) || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            Some(format!("`{name}` is no column's name: lower-case letters, digits and `_`"))
        } else if is_fixed(name) || folders.contains(name) {
            Some(format!("`{name}` is a column of every file, or a folder's"))
        } else {
            None
        };
        if let Some(fault) = fault {
            section.report.error(entry.key, fault);
            columns = None;
        }
        let Some(mut column) = section.enter(format!("[lake.columns.{name}]"), entry.key, &entry.node) else {
            columns = None;
            continue;
        };
        column.require("at", "`at = \"properties.language\"`");
        column.require("type", "`type = \"text\"`");
        let at = column.parsed("at", |text| match text.split('.').any(str::is_empty) || text.starts_with('$') {
            true => Err(format!("`{text}` is no dotted path in the event's JSON")),
            false => Ok(text.to_owned()),
        });
        let kind = column.choice::<ColumnType>("type", &ColumnType::NAMED);
        column.finish();
        match (at.value(), kind.value(), &mut columns) {
            (Some(at), Some(kind), Some(columns)) => columns.push(Column { name: name.clone(), at, kind }),
            _ => columns = None,
        }
    }
    columns
}
