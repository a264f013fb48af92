//! A call into fjall that comes back with a port error, whatever fjall does.
//!
//! fjall panics on some damage. The caller's own code never runs in here, lest its panics be taken for damage.

use crate::adapters::directory::files::{failed, unreadable};
use crate::ports::store::StoreError;
use ::fjall::{Error, LsmError};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs one call and sorts its failure: what the file system refused is `Io`, all else is damage.
pub fn guarded<T>(path: &Path, what: &str, call: impl FnOnce() -> ::fjall::Result<T>) -> Result<T, StoreError> {
    let error = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error,
        Err(panic) => return Err(unreadable(path, format!("{what}: fjall panicked: {}", words(panic.as_ref())))),
    };
    match error {
        // fjall's own lock on its directory, behind ours: another program.
        Error::Locked => Err(StoreError::Locked { path: path.display().to_string() }),
        // A file that ends too early or is not there is damage, not a refusal of the file system.
        Error::Io(source) | Error::Storage(LsmError::Io(source)) if !is_damage(source.kind()) => {
            Err(failed(path, what)(source))
        }
        other => Err(unreadable(path, format!("{what}: {other:?}"))),
    }
}

/// Closes a database with its handle: waits for its threads, which know the directory by its name and must not write
/// into one that takes its place.
pub fn close(db: ::fjall::Database, rows: ::fjall::Keyspace) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop((rows, db))));
}

fn is_damage(kind: ErrorKind) -> bool {
    use ErrorKind::{AlreadyExists, InvalidData, InvalidInput, NotFound, Other, UnexpectedEof};
    matches!(kind, UnexpectedEof | InvalidData | InvalidInput | NotFound | AlreadyExists | Other)
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
