//! A nats-server of the demo's own: free loopback port, temporary directory, ended by its process id.
//!
//! Nothing is written before the server has told its name: another one may have taken the port.

use crate::app::exit::{Exit, UNAVAILABLE};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long the server may take to listen.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// A running server.
pub struct PrivateServer {
    child: Child,
    directory: PathBuf,
    url: String,
    version: String,
}

impl PrivateServer {
    /// Starts a server with JetStream; `program` is looked up in PATH if it is a plain name.
    pub async fn start(program: &Path) -> Result<PrivateServer, Exit> {
        let name = format!("sidestream-demo-{}", std::process::id());
        let directory = std::env::temp_dir().join(&name);
        let failed = |what: String| Exit::new(UNAVAILABLE, what, "scripts/demo finds or gets a nats-server by itself");
        std::fs::create_dir_all(&directory)
            .map_err(|error| failed(format!("cannot create {}: {error}", directory.display())))?;
        let child = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", "-1", "-n", &name, "-js", "-sd"])
            .arg(directory.join("nats"))
            .arg("--ports_file_dir")
            .arg(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for us: the engine drains before its server goes.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let child = child.map_err(|error| failed(format!("cannot run {}: {error}", program.display())))?;
        let mut server = PrivateServer { child, directory, url: String::new(), version: String::new() };
        match server.wait_until_ready(&name).await {
            Ok(()) => Ok(server),
            Err(why) => {
                server.stop().await;
                Err(failed(format!("nats-server did not start: {why}")))
            }
        }
    }

    async fn wait_until_ready(&mut self, name: &str) -> Result<(), String> {
        let pid = self.child.id().ok_or("it ended at once")?;
        let program = "nats-server";
        let file = self.directory.join(format!("{program}_{pid}.ports"));
        let until = Instant::now() + READY_WITHIN;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended with {status}"));
            }
            if let Some(url) = url_in(&file, &self.directory) {
                let (found, version) = greeting(&url).await.map_err(|error| error.to_string())?;
                if found != name {
                    return Err(format!("{url} belongs to server {found}, not to ours"));
                }
                (self.url, self.version) = (url, version);
                return Ok(());
            }
            if Instant::now() > until {
                return Err("it does not listen after 15 s".to_owned());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where its files are, and room for others.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Ends the server and removes its directory.
    pub async fn stop(&mut self) {
        // What it held was only ever the demo's.
        let _ = self.child.kill().await;
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The address in the ports file, whose name begins with the program's own name.
fn url_in(file: &Path, directory: &Path) -> Option<String> {
    let written = std::fs::read(file).ok().or_else(|| {
        let entries = std::fs::read_dir(directory).ok()?;
        let ports = entries.flatten().find(|entry| entry.path().extension().is_some_and(|e| e == "ports"))?;
        std::fs::read(ports.path()).ok()
    })?;
    let ports: serde_json::Value = serde_json::from_slice(&written).ok()?;
    ports.get("nats")?.get(0)?.as_str().map(str::to_owned)
}

/// The server's name and version, from the first line that it sends to every client.
async fn greeting(url: &str) -> std::io::Result<(String, String)> {
    let stream = TcpStream::connect(url.trim_start_matches("nats://")).await?;
    let mut line = String::new();
    BufReader::new(stream).take(64 * 1024).read_line(&mut line).await?;
    let info: serde_json::Value = serde_json::from_str(line.trim_start_matches("INFO ").trim())?;
    let text = |field: &str| info.get(field).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    Ok((text("server_name"), text("version")))
}
