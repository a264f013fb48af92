//! The service files: their command lines are run here as they stand, under a user without rights and on a root file
//! system that is read-only, as far as the machine that tests may do that.
//!
//! No image is built and no service manager runs here; what those make of the files is not tested.

use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::wait::wait_until;
use sidestream::config::{Config, Overrides, SHIPPED};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// The user of the image and of the pods.
const USER: &str = "65532";
/// What the documents promise, and less than any of the files grants.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The JSON array behind a keyword of the Dockerfile.
fn dockerfile(keyword: &str) -> Vec<String> {
    let text = file("deploy/Dockerfile");
    let line = text.lines().find_map(|line| line.strip_prefix(keyword)).unwrap_or_else(|| panic!("no {keyword}"));
    serde_json::from_str(line).unwrap()
}

/// The engine's command line of each file.
fn command_lines() -> Vec<(&'static str, Vec<String>)> {
    let program = dockerfile("ENTRYPOINT ");
    let unit = file("deploy/sidestream.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let pod = file("deploy/kubernetes.yaml");
    let arguments = pod.split_once("            - run\n").unwrap().1;
    let arguments = arguments.lines().map_while(|line| line.strip_prefix("            - "));
    let pod: Vec<String> = ["run"].into_iter().chain(arguments).map(str::to_owned).collect();
    vec![
        ("Dockerfile", [program.clone(), dockerfile("CMD ")].concat()),
        ("sidestream.service", start.split(' ').map(str::to_owned).collect()),
        ("kubernetes.yaml", [program, pod].concat()),
    ]
}

/// A machine as the files expect it, under one directory: the program, the configuration, the state.
struct Machine {
    dir: tempfile::TempDir,
    port: u16,
}

impl Machine {
    fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine { dir, port: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
        std::fs::set_permissions(machine.dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_sidestream"), machine.path("sidestream")).unwrap();
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml"), machine.path("config.toml")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A directory for one engine's state, which belongs to the user.
    fn state(&self, name: &str) -> PathBuf {
        let state = self.path(name);
        std::fs::create_dir(&state).unwrap();
        if is_root() {
            let owner = format!("{USER}:{USER}");
            assert!(Command::new("chown").arg(owner).arg(&state).status().unwrap().success());
        }
        state
    }

    /// One argument with this machine's paths and port.
    fn here(&self, argument: &str, state: &Path) -> String {
        argument
            .replace("/usr/local/bin/sidestream", &self.path("sidestream").display().to_string())
            .replace("/etc/sidestream/config.toml", &self.path("config.toml").display().to_string())
            .replace("/var/lib/sidestream", &state.display().to_string())
            .replace(":8080", &format!(":{}", self.port))
    }

    /// A command line as the service would run it: no environment, no rights, nothing to write to but the state.
    fn command(&self, line: &[String], state: &Path) -> Command {
        let line = line.iter().map(|argument| self.here(argument, state));
        let mut command = if is_root() && may_unshare() {
            let mut command = Command::new("unshare");
            let script = "mount --make-rprivate / && mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro / && \
                 exec setpriv --reuid=65532 --regid=65532 --clear-groups --no-new-privs --bounding-set=-all \"$@\"";
            command.args(["-m", "sh", "-c", script]).arg(state).args(line);
            command
        } else {
            println!("not root, or no mount namespaces: run as the user at hand, on the file system as it is");
            let mut line = line;
            let mut command = Command::new(line.next().unwrap());
            command.args(line);
            command
        };
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/");
        command
    }

    /// The image's health check, with flags of its own.
    fn health(&self, state: &Path, flags: &[&str]) -> (Option<i32>, String) {
        let line = dockerfile("  CMD ");
        assert_eq!(line[1], "health");
        let line: Vec<String> = line.into_iter().chain(flags.iter().map(|&flag| flag.to_owned())).collect();
        let Output { status, stdout, stderr } = self.command(&line, state).output().unwrap();
        (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    }
}

fn is_root() -> bool {
    String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap().trim() == "0"
}

fn may_unshare() -> bool {
    Command::new("unshare").args(["-m", "true"]).output().is_ok_and(|output| output.status.success())
}

#[test]
fn the_command_lines_of_the_service_files_run_without_rights_and_drain_in_time() {
    let mut bed = Bed::new();
    let machine = Machine::new();
    for (file, line) in command_lines() {
        let state = machine.state(file);
        let mut command = machine.command(&line, &state);
        command.env("SIDESTREAM_NATS_URL", bed.server.url());
        // The unit and the pod's readiness leave http.listen at 8080 of the configuration.
        if !line.iter().any(|argument| argument.contains("http.listen")) {
            command.arg("--set").arg(format!("http.listen=127.0.0.1:{}", machine.port));
        }
        let engine = Engine::of(file, command);
        wait_until(&format!("{file}: ready"), || (machine.health(&state, &["--ready"]).0 == Some(0)).then_some(()));
        assert_eq!(machine.health(&state, &[]), (Some(0), "ready\n".to_owned()), "{file}");
        if is_root() {
            let status = std::fs::read_to_string(format!("/proc/{}/status", engine.pid())).unwrap();
            let ids = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
            assert_eq!(ids("Uid:"), [USER; 4].join("\t"), "{file}");
            if may_unshare() {
                assert_eq!((ids("CapEff:"), ids("CapBnd:")), ("0".repeat(16), "0".repeat(16)), "{file}");
            }
        }
        bed.finish();
        engine.signal("-TERM");
        let (code, log) = engine.exited(DRAINED_WITHIN);
        assert_eq!(code, Some(0), "{file}: {log}");
        assert!(state.join("state").is_dir(), "{file}: the state is where the volume is");
        let (code, said) = machine.health(&state, &[]);
        assert_eq!(code, Some(69), "{file}: {said}");
    }
    assert_eq!(bed.assert_clean().0, 3);
}

#[test]
fn health_answers_no_while_the_engine_cannot_reach_its_server() {
    let bed = Bed::new();
    let machine = Machine::new();
    let state = machine.state("state");
    let (_, line) = command_lines().swap_remove(0);
    let mut command = machine.command(&line, &state);
    // Nobody listens there.
    command.env("SIDESTREAM_NATS_URL", "nats://127.0.0.1:1");
    let engine = Engine::of("unreachable", command);
    wait_until("the first attempt", || machine.health(&state, &["--ready"]).1.contains("waiting").then_some(()));
    assert_eq!(machine.health(&state, &["--ready"]).0, Some(1));
    assert_eq!(machine.health(&state, &[]).0, Some(0), "alive: a restart would not mend it");
    engine.signal("-TERM");
    let (code, log) = engine.exited(DRAINED_WITHIN);
    assert_eq!(code, Some(0), "{log}");
    drop(bed);
}

#[test]
fn the_unit_restarts_after_what_passes_and_not_after_what_stays() {
    let unit = file("deploy/sidestream.service");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    let never: Vec<u8> = value("RestartPreventExitStatus").split(' ').map(|code| code.parse().unwrap()).collect();
    use sidestream::app::exit::{BROKEN, CONFIG, OWNED, UNAVAILABLE, USAGE};
    assert_eq!(never, [USAGE, OWNED]);
    for (code, why) in [
        (UNAVAILABLE, "a server that is away comes back"),
        (CONFIG, "a stream, a login or a permission is mended elsewhere"),
        (BROKEN, "another program on the output stream is stopped elsewhere"),
    ] {
        assert!(!never.contains(&code), "{why}");
    }
    assert_eq!((value("Restart"), value("KillSignal")), ("on-failure", "SIGTERM"));
    let seconds: Vec<u64> =
        ["RestartSec", "RestartSteps", "RestartMaxDelaySec"].iter().map(|key| value(key).parse().unwrap()).collect();
    assert!(seconds[0] >= 5 && seconds[1] >= 4 && seconds[2] >= 60, "the pause grows: {seconds:?}");
    assert!(file("deploy/kubernetes.yaml").contains("restartPolicy: Always\n      # SIGTERM"), "so does the pod");
    // The pod, the container and the unit grant more than a drain takes.
    let seconds = |path: &str, key: &str| -> u64 {
        let text = file(path);
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap().to_owned();
        line.trim_start_matches([':', '=', ' ']).trim_end_matches('s').parse().unwrap()
    };
    for (path, key) in [
        ("deploy/sidestream.service", "TimeoutStopSec"),
        ("deploy/compose.yaml", "stop_grace_period"),
        ("deploy/kubernetes.yaml", "terminationGracePeriodSeconds"),
    ] {
        assert!(seconds(path, key) >= 2 * DRAINED_WITHIN.as_secs(), "{path}: {key}");
    }
}

#[test]
fn the_compose_file_watches_the_engine_as_the_example_does() {
    let example = file("dashboards/prometheus.yaml");
    let rest = |text: &str| text.split_once("\nglobal:").unwrap().1.to_owned();
    let here =
        rest(&example).replace("127.0.0.1:8080", "sidestream:8080").replace("  # http.listen of every engine", "");
    assert_eq!(rest(&file("deploy/prometheus.compose.yaml")), here);
    let compose = file("deploy/compose.yaml");
    for path in compose.lines().filter_map(|line| line.trim().strip_prefix("- .")?.split(':').next()) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(format!(".{path}"));
        assert!(path.exists(), "{} is mounted and not there", path.display());
    }
}

/// The pod's limit bears what the shipped configuration may keep in memory, by the figures of the documents.
#[test]
fn the_pods_memory_bears_the_shipped_configuration() {
    let pod = file("deploy/kubernetes.yaml");
    let limit = pod.lines().find_map(|line| line.trim().strip_prefix("limits: {memory: ")?.strip_suffix("Mi}"));
    let limit: u64 = limit.unwrap().parse::<u64>().unwrap() << 20;
    let (config, _) = Config::parse("config.toml", SHIPPED, &Overrides::default()).unwrap();
    let rows = config.state.cache_rows as u64 * 1_100;
    let ids = config.plan.dedup_window_s * 125 * 57;
    let rest = 480 << 20;
    assert!(!pod.contains("cache_rows="), "the pod runs with the shipped number of rows");
    assert!(limit >= rows + ids + rest, "{limit} bytes are less than {rows} + {ids} + {rest}");
    for figure in ["1.1 KB", "57 bytes"] {
        assert!(pod.contains(figure) && file("config.toml").contains(figure), "{figure}");
    }
    assert!(file("docs/benchmarks.md").contains("1036 MiB"), "the measurement behind 1.1 KB a row");
}
