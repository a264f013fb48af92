//! A call into sled that comes back with a port error, whatever sled does.
//!
//! sled panics on some damage. A panic that was caught here has left sled's own state unknown: who calls this
//! never uses the database again after `Unreadable`. The caller's own code never runs in here, lest its panics
//! be taken for damage.

use crate::adapters::directory::files::{failed, unreadable};
use crate::ports::store::StoreError;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs one call and sorts its failure: what the file system refused is `Io`, all else is damage.
pub fn guarded<T>(path: &Path, what: &str, call: impl FnOnce() -> ::sled::Result<T>) -> Result<T, StoreError> {
    let error = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error,
        Err(panic) => return Err(unreadable(path, format!("{what}: sled panicked: {}", words(panic.as_ref())))),
    };
    match error {
        // A file that ends too early is damage, not a refusal of the file system.
        ::sled::Error::Io(source) if !is_damage(source.kind()) => {
            // sled's own lock on its file, behind ours: an older build or another program.
            if source.to_string().contains("could not acquire lock") {
                return Err(StoreError::Locked { path: path.display().to_string() });
            }
            Err(failed(path, what)(source))
        }
        other => Err(unreadable(path, format!("{what}: {other}"))),
    }
}

/// Closes a database. sled's destructor syncs and panics when it cannot; what mattered was synced before.
pub fn close(db: ::sled::Db) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
}

fn is_damage(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::NotFound)
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
