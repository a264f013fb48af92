//! Crash points: places where a test makes the process abort, one for each row of the crash table.
//!
//! Nothing but a build with the feature `failpoints` contains them; there, the environment variable
//! `FAILPOINTS` of the `fail` crate arms them, such as `after_apply=3*off->return`.

use crate::protocol::machines::machine::CrashPoint;

/// Aborts the process at a machine's crash point if a test armed it.
#[inline]
pub fn at(CrashPoint(name): CrashPoint) {
    point(name);
}

/// Aborts the process here if a test armed this point.
#[inline]
pub fn point(name: &str) {
    point_with(name, || {});
}

/// The same, after the worst that the disk may have made of it by then.
#[inline]
pub fn point_with(name: &str, worst: impl FnOnce()) {
    #[cfg(feature = "failpoints")]
    fail::eval(name, |_| abort(name, worst));
    #[cfg(not(feature = "failpoints"))]
    let _ = (name, worst);
}

/// Only the first thread that comes here says so; shards that reach the same point before the process is gone wait.
#[cfg(feature = "failpoints")]
fn abort(name: &str, worst: impl FnOnce()) -> ! {
    static FIRST: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held_to_the_end = FIRST.lock();
    worst();
    eprintln!("crash point {name}");
    std::process::abort()
}
