//! A real nats-server on loopback, one for each test that wants one.
//!
//! Nothing is written to a server before its name has been read back from it: two runs on one machine must
//! never meet. The process is ended by its own id, never by a name.

use sidestream::adapters::nats::connect::NatsSettings;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// How long a server may take to say that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// What the server logs when clients may connect.
const READY: &str = "Server is ready";

/// A running server; dropping it kills the process and removes its store.
pub struct Server {
    child: Option<Child>,
    port: u16,
    name: String,
    dir: tempfile::TempDir,
    /// Whether it greets whoever connects; otherwise its certificate tells that it is ours.
    greets: bool,
}

impl Server {
    /// Starts a server with JetStream and defaults.
    pub fn start() -> Server {
        Server::start_with("")
    }

    /// Starts a server with more lines in its configuration file.
    pub fn start_with(more: &str) -> Server {
        Server::try_start(more).unwrap_or_else(|log| panic!("nats-server did not start: {log}"))
    }

    /// The same; the error is the log of a server that did not start.
    pub fn try_start(more: &str) -> Result<Server, String> {
        Server::begin(more, true)
    }

    /// A server that waits for a TLS handshake instead of greeting.
    pub fn start_silent(more: &str) -> Server {
        Server::begin(more, false).unwrap_or_else(|log| panic!("nats-server did not start: {log}"))
    }

    fn begin(more: &str, greets: bool) -> Result<Server, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sidestream-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().unwrap();
        let mut server = Server { child: None, port: 0, name, dir, greets };
        // Between the release of a free port and the server's bind somebody else may take it: then take another.
        for _ in 0..10 {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            server.configure(more);
            match server.launch() {
                Ok(()) => return Ok(server),
                Err(log) if log.contains("address already in use") => continue,
                Err(log) => return Err(log),
            }
        }
        Err("no free port for nats-server in ten attempts".to_owned())
    }

    /// Gives a running server other lines in its configuration file, which it reads at once.
    pub fn reload_with(&self, more: &str) {
        self.configure(more);
        self.signal("-HUP");
    }

    fn configure(&self, more: &str) {
        let text = format!(
            "listen: \"127.0.0.1:{}\"\nserver_name: \"{}\"\njetstream {{ store_dir: \"{}\" }}\n{more}\n",
            self.port,
            self.name,
            self.dir.path().join("store").display()
        );
        std::fs::write(self.config(), text).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("server.conf")
    }

    /// Starts the process and waits until it is ready and proven to be ours; the error is its log.
    fn launch(&mut self) -> Result<(), String> {
        let mut child = Command::new(binary())
            .arg("-c")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        self.child = Some(child);
        let (sender, lines) = mpsc::channel();
        // The thread ends with the server's log; until then it keeps the pipe from filling up.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut said = String::new();
        loop {
            match lines.recv_timeout(READY_WITHIN) {
                Ok(line) if line.contains(READY) => break,
                Ok(line) => said.push_str(&format!("{line}\n")),
                Err(_) => {
                    self.kill();
                    return Err(said);
                }
            }
        }
        if self.greets {
            assert_eq!(name_at(self.address()), self.name, "somebody else's server answers on our port");
        }
        Ok(())
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The same as a URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// Settings that reach it without credentials.
    pub fn settings(&self) -> NatsSettings {
        NatsSettings { url: self.url(), ..NatsSettings::default() }
    }

    /// The directory of a stream, for tests that put an older copy in its place while the server is down.
    pub fn stream_dir(&self, stream: &str) -> PathBuf {
        self.dir.path().join("store/jetstream/$G/streams").join(stream)
    }

    /// Where it keeps everything that outlives it.
    pub fn store_dir(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// The name that it tells its clients and the other members of its cluster.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the process runs.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// The id of the process, which must run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Ends the process as a power cut of the process would: no clean-up, the store stays.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Kills the process if it still runs and starts it again on the same port and store.
    pub fn restart(&mut self) {
        self.kill();
        self.launch().unwrap_or_else(|log| panic!("nats-server did not start again: {log}"));
    }

    /// Stops the process without ending it: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Sends a signal by process id, such as `-USR2` for lame duck mode.
    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The name in the INFO line that a NATS server greets with.
fn name_at(address: SocketAddr) -> String {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut line = String::new();
    BufReader::new(stream.take(64 * 1024)).read_line(&mut line).unwrap();
    let info: serde_json::Value = serde_json::from_str(line.trim_start_matches("INFO ")).unwrap();
    info["server_name"].as_str().unwrap().to_owned()
}

/// The server's binary: the environment, then the pinned one beside Cargo.toml, then a new enough one on PATH.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SIDESTREAM_NATS_SERVER") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "SIDESTREAM_NATS_SERVER names {}, which is no file", path.display());
        return path;
    }
    let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/nats-server-2.15.1/nats-server");
    if pinned.is_file() {
        return pinned;
    }
    let found = version("nats-server");
    match found {
        Some(version) if version >= (2, 14) => PathBuf::from("nats-server"),
        Some((major, minor)) => panic!(
            "the tests need nats-server 2.14 or later and PATH has {major}.{minor}: run scripts/nats-server once, \
             or set SIDESTREAM_NATS_SERVER"
        ),
        None => panic!(
            "the tests need nats-server 2.14 or later: run scripts/nats-server once, which puts it into .tools, \
             or set SIDESTREAM_NATS_SERVER"
        ),
    }
}

/// Major and minor version of a server binary, `None` when it does not run.
fn version(binary: &str) -> Option<(u32, u32)> {
    let output = Command::new(binary).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().rsplit(['v', ' ']).next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
