//! Crash points: places where a test makes the process abort, one for each row of the crash table.
//!
//! Nothing but a build with the feature `failpoints` contains them; there, the environment variable
//! `FAILPOINTS` of the `fail` crate arms them, such as `after_apply=3*off->return`.

/// Aborts the process here if a test armed this point.
#[inline]
pub fn point(name: &str) {
    point_with(name, || {});
}

/// The same, after the worst that the disk may have made of it by then.
#[inline]
pub fn point_with(name: &str, worst: impl FnOnce()) {
    #[cfg(feature = "failpoints")]
    fail::eval(name, |_| {
        worst();
        eprintln!("crash point {name}");
        std::process::abort()
    });
    #[cfg(not(feature = "failpoints"))]
    let _ = (name, worst);
}
