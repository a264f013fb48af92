//! A real Prometheus on loopback that scrapes one engine every second, and its HTTP API.
//!
//! Made from the shipped example, so that the example is tried out too. Ended by its process id.

use super::board::file;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running Prometheus; dropping it ends the process and removes its data.
pub(super) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

/// `prometheus` or `promtool`: where the environment says, beside Cargo.toml, or on PATH.
pub(super) fn program(name: &str) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/prometheus");
    let named = std::env::var_os("SIDESTREAM_PROMETHEUS").map(PathBuf::from);
    let found = named.into_iter().chain([beside]).map(|dir| dir.join(name)).find(|path| path.is_file());
    let program = found.unwrap_or_else(|| PathBuf::from(name));
    let runs = Command::new(&program).arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(runs, "{name} is missing: run scripts/prometheus once, or skip dashboards::with_prometheus by name");
    program
}

/// One value of an instant query, with its labels.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) labels: Value,
    pub(super) value: f64,
}

impl Prometheus {
    /// Starts one that scrapes `target`, with the shipped alerts.
    pub(super) fn start(target: &str) -> Prometheus {
        let program = program("prometheus");
        let dir = tempfile::tempdir().unwrap();
        let example = file("dashboards/prometheus.yaml");
        let replaced = example.replace("127.0.0.1:8080", target).replace("15s", "1s");
        assert!(replaced.contains(target) && replaced.contains("scrape_interval: 1s"), "the example is another");
        std::fs::write(dir.path().join("prometheus.yaml"), replaced).unwrap();
        std::fs::write(dir.path().join("alerts.yaml"), file("dashboards/alerts.yaml")).unwrap();
        // Somebody else may take the port between its release and the bind: then take another.
        for _ in 0..10 {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut child = Command::new(&program)
                .arg(format!("--config.file={}", dir.path().join("prometheus.yaml").display()))
                .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            match ready(&mut child) {
                Ok(()) => return Prometheus { child, address, _dir: dir },
                Err(log) => {
                    let _ = child.kill();
                    child.wait().unwrap();
                    assert!(log.contains("address already in use"), "prometheus did not start: {log}");
                }
            }
        }
        panic!("no free port for prometheus in ten attempts");
    }

    /// An instant query; what Prometheus calls an error fails the test.
    pub(super) fn query(&self, expr: &str) -> Vec<Sample> {
        let data = self.get(&format!("/api/v1/query?query={}", encoded(expr)));
        let result = data["result"].as_array().unwrap_or_else(|| panic!("{expr}: {data}"));
        let sample = |sample: &Value| Sample {
            labels: sample["metric"].clone(),
            value: sample["value"][1].as_str().unwrap().parse().unwrap(),
        };
        result.iter().map(sample).collect()
    }

    /// Every rule, with its state and health.
    pub(super) fn rules(&self) -> Vec<Value> {
        let data = self.get("/api/v1/rules");
        data["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }

    /// The state of an alert: `inactive`, `pending` or `firing`.
    pub(super) fn alert(&self, name: &str) -> String {
        let rule = self.rules().into_iter().find(|rule| rule["name"] == name);
        rule.unwrap_or_else(|| panic!("no alert {name}"))["state"].as_str().unwrap().to_owned()
    }

    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(READY_WITHIN)).unwrap();
        // HTTP 1.0, so that the answer comes in one piece and ends with the connection.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{path}: {body}"));
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the line that says so; the error is the log.
fn ready(child: &mut Child) -> Result<(), String> {
    let log = BufReader::new(child.stderr.take().unwrap());
    let (sender, lines) = mpsc::channel();
    // The thread ends with the log; until then it keeps the pipe from filling up.
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut said = String::new();
    loop {
        match lines.recv_timeout(READY_WITHIN) {
            Ok(line) if line.contains("ready to receive web requests") => return Ok(()),
            Ok(line) => said.push_str(&format!("{line}\n")),
            Err(_) => return Err(said),
        }
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
