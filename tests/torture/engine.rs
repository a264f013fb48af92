//! The engine under torture: a process whose log is a file, which may end in any way without ending the run.
//!
//! It judges nothing: whether an end was allowed is said by who struck the blow.

use crate::harness::wait::{try_within, wait_within};
use crate::plan::Start;
use crate::shim::Control;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long an engine may take for anything that it does by itself; machines under torture are busy.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// What an engine logs when it begins anew after trouble with the lane or the connection, or makes its consumer again.
const NOTICED: [&str; 2] = ["starting again", "the source starts its consumer again"];

/// What an engine is started with, beside its settings.
pub struct Launch<'a> {
    pub binary: &'a Path,
    pub config: &'a Path,
    /// Where logs go.
    pub dir: &'a Path,
    pub url: &'a str,
    pub state: &'a Path,
    pub flags: &'a [&'a str],
    /// The library between the engine and libc, and its control.
    pub shim: Option<(&'a Path, Control)>,
}

/// A running engine; dropping it kills it.
pub struct Engine {
    child: Child,
    /// Counts the engines of a round.
    pub number: u32,
    /// Where it keeps its state.
    pub state: PathBuf,
    pub start: Start,
    pub shim: Option<Control>,
    log: PathBuf,
    said: PathBuf,
    ended: Option<ExitStatus>,
}

impl Engine {
    /// Starts the process and returns at once.
    pub fn launch(number: u32, launch: Launch<'_>, start: &Start) -> Engine {
        let log = launch.dir.join(format!("engine-{number:03}.log"));
        let said = launch.dir.join(format!("engine-{number:03}.out"));
        let mut command = Command::new(launch.binary);
        command.arg("run").arg("--config").arg(launch.config).args(launch.flags);
        command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env_remove("FAILPOINTS");
        command.env("NO_COLOR", "1");
        let sets = [
            format!("nats.url={}", launch.url),
            "http.listen=127.0.0.1:0".to_owned(),
            format!("state.path={}", launch.state.display()),
            format!("state.cache_rows={}", start.cache_rows),
            format!("engine.shards={}", start.shards),
            format!("engine.checkpoint_interval_ms={}", start.interval_ms),
            format!("engine.max_in_flight_slices={}", start.slices),
        ];
        for set in &sets {
            command.arg("--set").arg(set);
        }
        if let Some((library, control)) = &launch.shim {
            command.env("LD_PRELOAD", library).env("SIDESTREAM_TORTURE_SHIM", control.path());
        }
        let mut into = File::create(&log).unwrap();
        writeln!(into, "-- {} {}", launch.flags.join(" "), sets.join(" ")).unwrap();
        command.stdin(Stdio::null()).stdout(File::create(&said).unwrap()).stderr(into);
        let child = command.spawn().unwrap();
        let shim = launch.shim.map(|(_, control)| control);
        let state = launch.state.to_owned();
        Engine { child, number, state, start: start.clone(), shim, log, said, ended: None }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.ended = self.ended.or_else(|| self.child.try_wait().unwrap());
        self.ended
    }

    /// The exit code of an end by itself, for which it has so long.
    pub fn exit_code(&mut self, within: Duration) -> i32 {
        let what = format!("the end of engine {}", self.number);
        let status = wait_within(within, &what, || self.ended());
        status.code().unwrap_or_else(|| panic!("engine {} ended by {status}", self.number))
    }

    /// Sends a signal, such as `-STOP`.
    pub fn signal(&mut self, signal: &str) {
        assert_eq!(self.ended(), None, "engine {} ended by itself: {}", self.number, self.tail());
        assert!(Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap().success());
    }

    /// Ends it with SIGKILL, which must find it alive.
    pub fn kill(&mut self) {
        assert_eq!(self.ended(), None, "engine {} ended by itself: {}", self.number, self.tail());
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        self.ended = Some(status);
        assert_eq!(status.signal(), Some(9), "engine {} ended by {status} before the blow", self.number);
    }

    /// The last lines of its log.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// Where its HTTP server listens, once it has said so.
    pub fn address(&self) -> Option<SocketAddr> {
        let said = fs::read_to_string(&self.said).ok()?;
        said.lines().next()?.strip_prefix("http://")?.parse().ok()
    }

    /// A page of its HTTP server: status and body; `None` while it does not answer.
    pub fn page(&self, path: &str) -> Option<(u16, String)> {
        let address = self.address()?;
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Whether it says that it is connected, recovered and not draining.
    pub fn is_ready(&self) -> bool {
        self.page("/readyz").is_some_and(|(status, _)| status == 200)
    }

    /// A number of its metrics page.
    pub fn metric(&self, name: &str) -> Option<u64> {
        let (_, page) = self.page("/metrics")?;
        let line =
            page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))?;
        line.rsplit(' ').next()?.parse::<f64>().ok().map(|number| number as u64)
    }

    /// How many shards its metrics page shows.
    pub fn shards(&self) -> usize {
        let page = self.page("/metrics").map(|(_, page)| page).unwrap_or_default();
        page.lines().filter(|line| line.starts_with("sidestream_state_rows{")).count()
    }

    /// How often it has noticed trouble with the lane, the connection or its consumer.
    pub fn noticed(&self) -> usize {
        let log = self.log();
        NOTICED.iter().map(|words| log.matches(words).count()).sum()
    }

    /// Waits until it has noticed more than that, or says that it did not.
    pub fn notices(&mut self, more_than: usize) -> bool {
        try_within(PATIENCE, || (self.noticed() > more_than || self.ended().is_some()).then_some(())).is_some()
            && self.noticed() > more_than
    }

    /// The number behind `name=` in its first line about a start; `None` before there is one.
    pub fn start_says(&self, name: &str) -> Option<u64> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("already_out"))?;
        let rest = line.split_once(&format!("{name}="))?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
