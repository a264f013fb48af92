//! What is stored, as bytes: rows, de-duplication chunks, marks, checkpoints and plans.
//!
//! Every value begins with the version of its kind (`version`), every number in a key is big endian so that keys sort by it, and
//! decoding never panics, whatever the bytes. No store is named here and nothing is read or written; the
//! checkpointer and the start put these bytes into a `Space` of their choice.
//!
//! In a key group's space: `00` the mark, `01…` rows, `02…` de-duplication chunks, `03…` events that wait. In the meta space: the
//! text keys `checkpoint`, `floor`, `format` and `plan/…`, and `01…` and `02…` of what every shard has.

pub mod error;
pub mod version;
pub mod bytes;
pub mod parts;
pub mod row;
pub mod parked;
pub mod dedup;
pub mod mark;
pub mod meta;
pub mod shape;
pub mod plan_text;
pub mod space;
pub mod engine;

pub use dedup::{DEDUP, DedupEntry, decode_dedup, dedup_key, dedup_position, encode_dedup};
pub use engine::StateEngine;
pub use error::RecordError;
pub use mark::{FLOOR_KEY, GroupMark, MARK_KEY};
pub use meta::{CHECKPOINT_KEY, Checkpoint, FORMAT_KEY, PlanSince, Rewind, StoreFormat};
pub use parked::{ParkedReader, WAITING, encode_parked, remove_parked};
pub use parts::{StoreChange, VALUE_LIMIT};
pub use plan_text::{PLANS, PlanReader, encode_plan, read_plan};
pub use row::{ROWS, RowName, RowReader, RowView, encode_row, remove_row, row_prefix_of_key, row_prefix_of_table};
pub use space::{Batch, Space};
