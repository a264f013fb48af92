//! Processes that are measured: `sidestream` itself, and this program in another role.
//!
//! Each has its log, and is ended and waited for; one that is dropped is killed.

use crate::Failure;
use crate::usage;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long a process may take for what takes moments.
const PATIENCE: Duration = Duration::from_secs(60);

/// One process.
pub struct Process {
    child: Child,
    /// Its number.
    pub pid: u32,
    /// When it was started.
    pub began: Instant,
    log: PathBuf,
    listen: String,
}

impl Process {
    /// `sidestream run` with the shipped configuration and these settings; its state lies in `place`.
    pub fn job(url: &str, place: &Path, settings: &[(&str, String)]) -> Result<Process, Failure> {
        // Free a moment ago, and nobody else's but by bad luck, which ends this process with words.
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = sidestream("run", url, place, settings);
        command.arg("--set").arg(format!("http.listen={listen}"));
        start(command, &place.join("log"), listen)
    }

    /// This very program as one of the forwarders.
    pub fn role(role: &str, url: &str, events: u64, place: &Path) -> Result<Process, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([role, url, &events.to_string()]);
        start(command, &place.join("log"), String::new())
    }

    /// Waits until the engine says that it is ready.
    pub async fn ready(&mut self) -> Result<(), Failure> {
        self.ready_within(PATIENCE).await
    }

    /// Waits until the engine says that it is ready, for so long at most.
    pub async fn ready_within(&mut self, patience: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + patience;
        loop {
            self.is_running()?;
            if self.get("/readyz").await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.failure("the engine does not become ready"));
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// A page of the engine, status line and headers included.
    async fn get(&self, path: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut connection = tokio::net::TcpStream::connect(&self.listen).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.listen);
        connection.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }

    /// An error when the process has ended.
    pub fn is_running(&mut self) -> Result<(), Failure> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.failure(&format!("the process ended early: {status}"))),
        }
    }

    /// CPU seconds used so far.
    pub fn cpu_s(&self) -> Option<f64> {
        usage::cpu_seconds(self.pid)
    }

    /// Asks it to end and waits until it has, which it must do without an error.
    pub async fn end(mut self) -> Result<(), Failure> {
        // The process has not been waited for, so the number is still its own.
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.pid)).status().await?;
        if !asked.success() {
            return Err(self.failure("the process ended by itself"));
        }
        let status =
            timeout(PATIENCE, self.child.wait()).await.map_err(|_| self.failure("the process does not end"))??;
        if status.success() { Ok(()) } else { Err(self.failure(&format!("the process ended badly: {status}"))) }
    }

    /// What went wrong, with the last lines of the log.
    pub fn failure(&self, what: &str) -> Failure {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(15).collect();
        let lines: Vec<&str> = lines.into_iter().rev().collect();
        format!("{what}\n{}", lines.join("\n")).into()
    }
}

/// `sidestream COMMAND` over the shipped configuration, with its state in `place`.
pub fn sidestream(command: &str, url: &str, place: &Path, settings: &[(&str, String)]) -> Command {
    let mut line = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    line.arg(command).arg("--config").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml"));
    let own = [("nats.url", url.to_owned()), ("state.path", place.join("state").display().to_string())];
    for (key, value) in own.iter().chain(settings) {
        line.arg("--set").arg(format!("{key}={value}"));
    }
    line
}

/// Publishes events at a rate and waits until the server has stored them all. Another seed makes other events: none is
/// a duplicate.
pub async fn generate(url: &str, place: &Path, rate: &str, count: u64, seed: u64) -> Result<(), Failure> {
    let mut line = sidestream("generate", url, place, &[]);
    line.args(["--rate", rate, "--count", &count.to_string(), "--seed", &seed.to_string(), "--users", "10000"]);
    let output = line.env_remove("SIDESTREAM_NATS_URL").stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("generate: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn start(mut command: Command, log: &Path, listen: String) -> Result<Process, Failure> {
    let file = File::create(log)?;
    let began = Instant::now();
    let child = command
        .env_remove("SIDESTREAM_NATS_URL")
        .env_remove("SIDESTREAM_LOG")
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        // A group of its own: Ctrl-C is for the bench, which ends its processes in order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().ok_or("the process ended at once")?;
    Ok(Process { child, pid, began, log: log.to_owned(), listen })
}
