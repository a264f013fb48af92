//! Waiting for a condition with a deadline, the only way in which these tests let time pass.

use std::time::{Duration, Instant};

/// No single condition of a test takes longer on a busy machine, or it has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until `look` gives something; fails the test with `what` when it takes longer than [`DEADLINE`].
pub fn wait_until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(DEADLINE, what, look)
}

/// The same with a deadline of its own.
pub fn wait_within<T>(deadline: Duration, what: &str, look: impl FnMut() -> Option<T>) -> T {
    try_within(deadline, look).unwrap_or_else(|| panic!("{what}: not within {deadline:?}"))
}

/// The same for what need not come.
pub fn try_within<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        pause();
    }
}

/// One pause between two looks at a condition.
#[allow(clippy::disallowed_methods, reason = "the pause of a loop that waits for a condition with a deadline")]
pub fn pause() {
    std::thread::sleep(PAUSE);
}
