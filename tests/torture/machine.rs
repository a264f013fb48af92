//! What this machine can do: which faults are possible here, and why others are not.
//!
//! Nothing is skipped in silence: every fault that is left out has its name and its reason in the summary.

use crate::fault::{Fault, Need};
use crate::shim;
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is possible here.
pub struct Machine {
    pub faults: Vec<Fault>,
    pub skipped: BTreeMap<String, String>,
    pub shim: Option<PathBuf>,
}

/// Looks at the machine, with room for probes in `dir`.
pub fn look(dir: &Path, wanted: &[Fault]) -> Machine {
    let mounts = Volume::can_be_mounted(dir);
    let library = shim::build(dir);
    let mut skipped = BTreeMap::new();
    let mut faults = Vec::new();
    for fault in wanted {
        let missing = match fault.need() {
            Need::Nothing => None,
            Need::Tmpfs => mounts.as_ref().err().map(|why| format!("no tmpfs can be mounted ({why})")),
            Need::Shim => library.as_ref().err().map(|why| format!("the library cannot be built ({why})")),
        };
        match missing {
            None => faults.push(*fault),
            Some(why) => drop(skipped.insert(fault.name().to_owned(), why)),
        }
    }
    skipped.insert("net-loss (netem)".to_owned(), network_emulation());
    skipped.insert("disk-loss (device-mapper)".to_owned(), device_mapper());
    Machine { faults, skipped, shim: library.ok() }
}

/// Why packets are not lost here: tried in a network namespace of its own, so that nobody else is slowed down.
fn network_emulation() -> String {
    let mut probe = Command::new("unshare");
    probe.args(["--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", "1%"]);
    match probe.output() {
        Err(error) => format!("unshare cannot be run ({error})"),
        Ok(output) if output.status.success() => "not built: the proxy cuts, delays and swallows instead".to_owned(),
        Ok(output) => format!("the kernel refuses it ({})", String::from_utf8_lossy(&output.stderr).trim()),
    }
}

/// Why no block device drops writes here.
fn device_mapper() -> String {
    if Path::new("/dev/mapper/control").exists() {
        "not built: the library lets fsync and writes fail instead".to_owned()
    } else {
        "the kernel has no device-mapper (/dev/mapper/control)".to_owned()
    }
}
