//! A bed with a lake: the shipped job with envelopes, an engine, and the oracle's verdict on the lake.

use super::seaweed::Seaweed;
use crate::harness::bed::Bed;
use crate::harness::command::{Ran, begin, ended};
use crate::harness::dump::dump;
use crate::harness::engine::Engine;
use crate::harness::load::{publish, school};
use crate::harness::streams::OUTPUT;
use serde_json::Value;
use sidestream::generate::School;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// A bed with a lake, and events that become outputs and dead letters.
pub struct Stage {
    pub bed: Bed,
    pub school: School,
    /// The lake's folder, or a copy of its bucket.
    pub lake: PathBuf,
    pub bucket: Option<(Arc<Seaweed>, String)>,
}

impl Stage {
    /// The shipped configuration with `output.envelope` and these lines of `[lake]`.
    pub fn new(seed: u64, lines: &str) -> Stage {
        Stage::over("config.toml", seed, lines)
    }

    /// The same over another configuration, named from the repository's root.
    pub fn over(config: &str, seed: u64, lines: &str) -> Stage {
        let mut bed = Bed::with_config(config);
        let lake = bed.dir.path().join("lake");
        let text = std::fs::read_to_string(&bed.config).unwrap();
        let text = text.replace("\n[output]\n", "\n[output]\nenvelope = true\n");
        assert!(text.contains("envelope"), "{config} has no [output]");
        let text = format!("{text}\n[lake]\nurl = {:?}\n{lines}\n", lake.display().to_string());
        bed.config = bed.dir.path().join("config.toml");
        std::fs::write(&bed.config, text).unwrap();
        Stage { bed, school: school(seed, 100), lake, bucket: None }
    }

    /// The same in a bucket of a server with S3's interface.
    pub fn in_bucket(server: &Arc<Seaweed>, seed: u64, lines: &str) -> Stage {
        let mut stage = Stage::new(seed, lines);
        let bucket = server.bucket();
        let text = std::fs::read_to_string(&stage.bed.config).unwrap();
        let (before, after) = text.split_once("\n[lake]\n").unwrap();
        let after = after.split_once('\n').unwrap().1;
        let access =
            format!("endpoint = \"http://{}\"\ncredentials_file = {:?}\n", server.s3(), server.credentials(None));
        let text = format!("{before}\n[lake]\nurl = \"s3://{bucket}/a/lake\"\n{after}\n[lake.s3]\n{access}");
        std::fs::write(&stage.bed.config, text).unwrap();
        stage.bucket = Some((Arc::clone(server), bucket));
        stage
    }

    /// Replaces a text of the configuration.
    pub fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.bed.config).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&self.bed.config, text.replace(from, to)).unwrap();
    }

    /// Copies what the bucket holds into the folder that the judges read.
    pub fn mirror(&self) {
        let Some((server, bucket)) = &self.bucket else { return };
        let _ = std::fs::remove_dir_all(&self.lake);
        let mut copied = readers("mirror", &self.lake);
        copied.arg("--from").arg(format!("{}/buckets/{bucket}/a/lake", server.filer_url()));
        let copied = copied.output().unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    }

    /// Publishes events and lets an engine without a lake of its own work them off.
    pub fn process(&mut self, events: u64) {
        publish(&mut self.bed.wire, &mut self.school, events).unwrap();
        let config = self.bed.config.clone();
        let text = std::fs::read_to_string(&config).unwrap();
        let without = text.split("\n[lake]\n").next().unwrap().to_owned();
        self.bed.config = self.bed.dir.path().join("engine.toml");
        std::fs::write(&self.bed.config, without).unwrap();
        let engine = self.bed.engine("state", &[]);
        self.bed.finish();
        engine.drain();
        self.bed.config = config;
    }

    /// Runs `lake …` to its end.
    pub fn lake(&self, arguments: &[&str]) -> Ran {
        ended(self.begin(arguments, ""))
    }

    /// Starts `lake …`, with failpoints armed.
    pub fn begin(&self, arguments: &[&str], failpoints: &str) -> Child {
        let all: Vec<&str> = ["lake"].into_iter().chain(arguments.iter().copied()).collect();
        begin(&self.bed, &all, failpoints)
    }

    /// `lake …` as a command that has not begun.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
        command.arg("lake").args(arguments).arg("--config").arg(&self.bed.config);
        command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("FAILPOINTS", "");
        command
    }

    /// Stores what the output stream holds now.
    pub fn store(&self) {
        let ran = self.lake(&["run", "--once"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    /// The oracle's verdict, and the product's own.
    pub fn assert_clean(&mut self, arguments: &[&str]) -> Value {
        self.mirror();
        let output = self.bed.dir.path().join("lane.ndjson");
        dump(&mut self.bed.wire, OUTPUT, &output).unwrap();
        let mut judge = readers("judge", &self.lake);
        let judged = judge.arg("--output").arg(&output).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&judged.stderr).into_owned();
        assert!(judged.status.success(), "{said}");
        let audited = self.lake(&["audit", "--json"]);
        assert_eq!(audited.code, Some(0), "{audited:?}");
        let found: Value = serde_json::from_slice(&judged.stdout).unwrap();
        assert_eq!(audited.json()[0]["rows"], found["rows"], "{audited:?}");
        found
    }

    /// The same, and all that the output stream holds is stored.
    pub fn assert_whole(&mut self, arguments: &[&str]) -> Value {
        let found = self.assert_clean(arguments);
        assert_eq!(found["rows"].as_u64(), Some(self.bed.last(OUTPUT)), "{found}");
        found
    }
}

/// `lake run` as a process of its own that follows the stream.
pub fn writer(stage: &Stage, name: &str) -> Engine {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(["lake", "run", "--config"]).arg(&stage.bed.config);
    command.env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("NO_COLOR", "1").env("FAILPOINTS", "");
    for (key, value) in stage.bed.sets_of(name, &[]) {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    Engine::of(name, command)
}

/// The readers' program over a lake; `work` is what it is to do.
pub fn readers(work: &str, lake: &Path) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", readers_path()).arg("-B").arg(root.join("tests/oracle/lake.py")).arg(work);
    command.arg("--lake").arg(lake);
    command
}

/// Where Python finds DuckDB and deltalake.
pub fn readers_path() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lake-readers");
    let brought = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
    assert!(brought.status.success(), "run scripts/lake-readers once, or skip the tests of lake:: by name");
    String::from_utf8(brought.stdout).unwrap().trim().to_owned()
}
