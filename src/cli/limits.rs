//! Limits of the process that would end it in the middle of its work: looked at before a runtime is built.

use crate::app::exit::{Exit, UNAVAILABLE};

/// Open files that every command needs: the runtime's own, connections, the state directory's.
const OPEN_FILES: u64 = 64;

/// Refuses to begin where the limit of open files is too low, because the runtime would panic over it.
pub(super) fn enough_open_files() -> Result<(), Exit> {
    // Only Linux has the file; elsewhere the limit shows when it is met.
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    match open_files(&limits) {
        Some(limit) if limit < OPEN_FILES => Err(Exit::new(
            UNAVAILABLE,
            format!("this process may open {limit} files at a time (RLIMIT_NOFILE); it needs at least {OPEN_FILES}"),
            "raise the limit: `ulimit -n 65536` in a shell, LimitNOFILE= in a systemd unit, --ulimit nofile= for a container",
        )),
        _ => Ok(()),
    }
}

/// The soft limit of open files, as `/proc/self/limits` has it; `None` where there is none.
fn open_files(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let line = |soft: &str| {
            format!("Limit  Soft Limit  Hard Limit  Units\nMax open files            {soft}      1048576     files\n")
        };
        assert_eq!(open_files(&line("16")), Some(16));
        assert_eq!(open_files(&line("unlimited")), None);
        assert_eq!(open_files(""), None);
    }
}
