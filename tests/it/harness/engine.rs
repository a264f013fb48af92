//! The engine as what it is: a process with a command line, a first line, a log, signals and an exit code.

use super::wait::{DEADLINE, wait_until, wait_within};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// A process of `sidestream run`; dropping it kills it, and shows its log when the test has failed.
pub struct Engine {
    child: Child,
    name: String,
    address: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Engine {
    /// Runs a configuration with these overrides; returns after the first line on standard output.
    pub fn start(name: &str, config: &Path, sets: &[(String, String)]) -> Engine {
        Engine::armed(name, config, sets, &[], "")
    }

    /// The same with flags, and with crash points that are armed, in the notation of the `fail` crate.
    pub fn armed(name: &str, config: &Path, sets: &[(String, String)], flags: &[&str], failpoints: &str) -> Engine {
        Engine::within(name, config, sets, flags, &[("FAILPOINTS", failpoints.to_owned())])
    }

    /// The same with flags, in an environment of its own.
    pub fn within(
        name: &str,
        config: &Path,
        sets: &[(String, String)],
        flags: &[&str],
        environment: &[(&str, String)],
    ) -> Engine {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
        command.arg("run").arg("--config").arg(config).args(flags);
        command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("NO_COLOR", "1");
        command.env("FAILPOINTS", "").envs(environment.iter().map(|(key, value)| (key, value)));
        for (key, value) in sets {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        Engine::of(name, command)
    }

    /// Runs a command that becomes the engine; returns after the first line on standard output.
    pub fn of(name: &str, command: Command) -> Engine {
        let mut engine = Engine::spawn(name, command);
        let mut stdout = BufReader::new(engine.child.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = tell.send(line);
            let _ = stdout.read_to_end(&mut Vec::new());
        });
        let line = told.recv_timeout(DEADLINE).unwrap_or_default();
        let address = line.trim_end().strip_prefix("http://");
        engine.address = address.unwrap_or_else(|| panic!("{name}: first line {line:?}: {}", engine.log())).to_owned();
        engine
    }

    /// Where its HTTP server listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn spawn(name: &str, mut command: Command) -> Engine {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, into) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        let reader = std::thread::spawn(move || {
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Engine { child, name: name.to_owned(), address: String::new(), log, reader: Some(reader) }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log holds a text.
    pub fn wait_for_log(&mut self, text: &str) {
        wait_until(&format!("{} logs {text:?}", self.name), || {
            let over = self.child.try_wait().unwrap();
            let there = self.log().contains(text);
            assert!(there || over.is_none(), "{} ended ({over:?}) before it logged {text:?}", self.name);
            there.then_some(())
        });
    }

    /// The number behind `name=` in the first log line about a start.
    pub fn start_says(&self, name: &str) -> Option<u64> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains("already_out"))?;
        let digits = line.split_once(name)?.1.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    /// Sends a signal by process id, such as `-TERM`, `-STOP` or `-CONT`.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success(), "{} is gone", self.name);
    }

    /// Ends the process with SIGKILL.
    pub fn kill(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "{} ended by itself: {}", self.name, self.log());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end by itself: its exit code and its whole log.
    pub fn exited(self, within: Duration) -> (Option<i32>, String) {
        let (status, log) = self.ended(within);
        (status.code(), log)
    }

    /// Waits for the process to end by itself.
    pub fn ended(mut self, within: Duration) -> (ExitStatus, String) {
        let what = format!("the end of {}", self.name);
        let status = wait_within(within, &what, || self.child.try_wait().unwrap());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status, self.log())
    }

    /// Asks the process to stop and expects a clean end.
    pub fn drain(self) -> String {
        self.signal("-TERM");
        let name = self.name.clone();
        let (code, log) = self.exited(DEADLINE);
        assert_eq!(code, Some(0), "{name}: {log}");
        log
    }

    /// Whether the process still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.name, self.log());
        }
    }
}
