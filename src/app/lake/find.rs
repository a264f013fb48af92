//! Finding a key's events in the lake, without any other program.

use super::log;
use crate::adapters::lake::encode;
use crate::app::exit::{CONFIG, Exit};
use crate::ports::lake::{FileRow, LakeStore};
use crate::protocol::lake::table::{FileFormat, LakeTable};

/// What is looked for.
#[derive(Clone, Debug)]
pub struct FindRequest {
    /// The key.
    pub key: String,
    /// From this time on, in microseconds since 1970; rows without a time of their own always count.
    pub from_us: Option<i64>,
    /// Before this time.
    pub to_us: Option<i64>,
}

impl FindRequest {
    fn takes(&self, row: &FileRow) -> bool {
        let time = row.event_time_us;
        let from = self.from_us.is_none_or(|from| time.is_none_or(|time| time >= from));
        let to = self.to_us.is_none_or(|to| time.is_none_or(|time| time < to));
        row.key.as_deref() == Some(self.key.as_str()) && from && to
    }
}

/// Visits the texts of a key's events in their order within each file, file by file in the order of the log; `false` ends it.
pub fn find(store: &dyn LakeStore, wanted: &FindRequest, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<u64, Exit> {
    let mut found = 0;
    let mut go_on = true;
    for number in log::numbers(store)? {
        let (entry, _) = log::read(store, number)?;
        // Within an entry the rows of a key may stand in several folders: they are put back into their order.
        let mut rows: Vec<FileRow> = Vec::new();
        for file in entry.files.iter().filter(|file| file.table == LakeTable::Events) {
            if entry.made.format == FileFormat::Ndjson {
                let hint = "use `zstdcat`, jq or DuckDB; a lake with format = \"parquet\" has a column for keys";
                return Err(Exit::new(CONFIG, "lines of NDJSON do not say their keys", hint));
            }
            let Some(open) = store.open(&file.path)? else {
                return Err(Exit::new(CONFIG, format!("{} is not there", file.path), "run `sidestream lake audit`"));
            };
            encode::read(entry.made.format, file.table, open, &mut |row| {
                if wanted.takes(&row) {
                    rows.push(row);
                }
                true
            })?;
        }
        rows.sort_by_key(|row| row.id);
        for row in rows {
            found += 1;
            go_on = go_on && visit(&row.text);
        }
        if !go_on {
            break;
        }
    }
    Ok(found)
}
