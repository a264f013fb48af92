//! The private server of one bench: its own port, its own directory, ended by its process id.

use crate::Failure;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub url: String,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
}

impl Server {
    /// Starts a server on a free loopback port and makes sure that it is this one that answers there.
    pub async fn start(binary: &Path, home: &Path) -> Result<Server, Failure> {
        let ports = home.join("ports");
        std::fs::create_dir(&ports)?;
        let name = format!("sidestream-bench-{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond());
        let log = std::fs::File::create(home.join("server.log"))?;
        let mut child = Command::new(binary)
            .args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--server_name", &name])
            .arg("--ports_file_dir")
            .arg(&ports)
            .arg("--store_dir")
            .arg(home.join("jetstream"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // A group of its own: Ctrl-C is for the bench, which ends the server after its users.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let pid = child.id().ok_or("the server ended at once")?;
        let deadline = Instant::now() + PATIENCE;
        let file = ports.join(format!("nats-server_{pid}.ports"));
        let url = loop {
            if let Some(url) = std::fs::read(&file).ok().and_then(|text| first_url(&text)) {
                break url;
            }
            if let Some(status) = child.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            if Instant::now() > deadline {
                return Err("the server names no port".into());
            }
            sleep(Duration::from_millis(10)).await;
        };
        let info = async_nats::connect(&url).await?.server_info();
        if info.server_name != name {
            return Err(format!("{url} is {}, not {name}: nothing was written to it", info.server_name).into());
        }
        Ok(Server { child, url, pid, version: info.version })
    }

    /// Ends the server and waits for its end.
    pub async fn stop(&mut self) {
        // What it holds is thrown away, so it need not put anything in order.
        let _ = self.child.kill().await;
    }
}

/// The client URL in a ports file, once the file is whole.
fn first_url(text: &[u8]) -> Option<String> {
    let ports: serde_json::Value = serde_json::from_slice(text).ok()?;
    Some(ports.get("nats")?.get(0)?.as_str()?.to_owned())
}
