//! A fault that tests plant to see that a panic inside one event costs that event alone.
//!
//! Exists only in builds with the feature `failpoints`.

use super::event::Event;

/// The header that asks for it.
pub const HEADER: &str = "Test-Panic";

/// Panics on an event that carries the header.
#[allow(clippy::panic)]
pub fn panic_where_asked(event: &Event) {
    let headers = event.message.headers.as_deref();
    if headers.is_some_and(|list| list.iter().any(|(name, _)| name == HEADER)) {
        panic!("planted by a test");
    }
}
