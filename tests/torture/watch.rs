//! What engines take of the machine: resident memory and open files, sampled while they run.
//!
//! The kernel keeps the peak of the memory itself; open files are counted at every look.

use std::collections::BTreeSet;
use std::fs;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bound of an engine's resident memory in MiB: three times the 85 MiB that was the most in two hours of torture, with
/// rounds of up to 120,000 events, some of 20 KB, and 2,000 users. It is there to see growth without end.
pub const MOST_MEMORY_MIB: u64 = 256;
/// Bound of an engine's open files: two connections a start, a few of the store, the pages' workers, and slack.
pub const MOST_FILES: u64 = 128;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// The most that any engine took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Most {
    pub memory_mib: u64,
    pub files: u64,
    pub looks: u64,
}

impl Most {
    /// The greater of each.
    pub fn or(self, other: Most) -> Most {
        Most {
            memory_mib: self.memory_mib.max(other.memory_mib),
            files: self.files.max(other.files),
            looks: self.looks + other.looks,
        }
    }
}

/// Looks at the engines of a round until it is dropped.
pub struct Watch {
    tell: Option<Sender<u32>>,
    most: Arc<Mutex<Most>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins, with nothing to look at.
    pub fn start() -> Watch {
        let (tell, told) = channel();
        let most = Arc::new(Mutex::new(Most::default()));
        let into = most.clone();
        let thread = std::thread::spawn(move || look(&told, &into));
        Watch { tell: Some(tell), most, thread: Some(thread) }
    }

    /// Looks at this process, too, as long as it lives.
    pub fn add(&self, pid: u32) {
        if let Some(tell) = &self.tell {
            let _ = tell.send(pid);
        }
    }

    /// The most so far.
    pub fn most(&self) -> Most {
        *self.most.lock().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tell = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(told: &Receiver<u32>, most: &Mutex<Most>) {
    let mut pids = BTreeSet::new();
    loop {
        match told.recv_timeout(PAUSE) {
            Ok(pid) => drop(pids.insert(pid)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        pids.retain(|pid| match sample(*pid) {
            Some(found) => {
                let mut most = most.lock().unwrap();
                *most = most.or(found);
                true
            }
            None => false,
        });
    }
}

/// Peak memory and open files of a process; `None` once it is gone.
fn sample(pid: u32) -> Option<Most> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.split_ascii_whitespace().next()?.parse().ok()?;
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
    Some(Most { memory_mib: kib / 1_024, files, looks: 1 })
}

/// The state letter of a process, such as `T` for a stopped one.
pub fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
