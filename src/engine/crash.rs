//! Crash points: places where a test makes the process abort, one for each row of the crash table.
//!
//! Nothing but a build with the feature `failpoints` contains them; there, the environment variable
//! `FAILPOINTS` of the `fail` crate arms them, such as `after_apply=3*off->return`.

/// Aborts the process here if a test armed this point.
#[inline]
pub fn point(name: &str) {
    #[cfg(feature = "failpoints")]
    fail::eval(name, |_| {
        eprintln!("crash point {name}");
        std::process::abort()
    });
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}
