//! The world of one round: a server with new streams, two proxies, a state disk, a load, and the engine at work.
//!
//! It starts, looks and waits; it strikes nothing. Questions go to the server directly, never through the proxies.

use crate::engine::{Engine, Launch, PATIENCE};
use crate::fault::Need;
use crate::frames::Frames;
use crate::harness::streams::{self, INPUT, OUTPUT};
use crate::harness::wait::{try_within, wait_within};
use crate::harness::wire::Wire;
use crate::load::Load;
use crate::plan::{Round, Start};
use crate::proxy::Proxy;
use crate::record::Record;
use crate::server::Server;
use crate::shim::Control;
use crate::volume::Volume;
use crate::watch::Watch;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Time within which an engine must be well again; a rebuild on a busy machine is the longest.
pub const RECOVERY: Duration = Duration::from_secs(180);
/// Outputs by which the lane has to grow until the engine is called well.
const GROWTH: u64 = 100;
/// The lag at which a blow falls under load.
const LAG: u64 = 500;

/// What all rounds use.
pub struct Tools {
    pub binary: PathBuf,
    pub config: PathBuf,
    /// The library between engine and libc, where it could be built.
    pub shim: Option<PathBuf>,
    pub began: Instant,
}

/// One round's world. The engine comes first, so that it is gone before its disk and its server.
pub struct World {
    engine: Option<Engine>,
    pub load: Option<Load>,
    pub record: Record,
    pub tools: Arc<Tools>,
    pub dir: PathBuf,
    pub volume: Volume,
    pub watch: Watch,
    pub server: Server,
    pub wire: Wire,
    pub proxy: Proxy,
    pub frames: Frames,
    _runtime: Runtime,
    journal: File,
    engines: u32,
    shimmed: bool,
}

impl World {
    /// New streams on a new server; nothing runs yet.
    pub fn new(tools: Arc<Tools>, dir: &Path, round: &Round) -> World {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("plan.txt"), round.to_string()).unwrap();
        let server = Server::start();
        let mut wire = Wire::connect(server.address()).unwrap();
        streams::create(&mut wire);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let proxy = runtime.block_on(Proxy::start(server.address()));
        let address = proxy.url().trim_start_matches("nats://").parse().unwrap();
        let frames = runtime.block_on(Frames::start(address));
        World {
            engine: None,
            load: None,
            record: Record::default(),
            shimmed: round.steps.iter().any(|step| step.fault.need() == Need::Shim),
            tools,
            dir: dir.to_owned(),
            volume: Volume::make(dir.join("disk")),
            watch: Watch::start(),
            server,
            wire,
            proxy,
            frames,
            _runtime: runtime,
            journal: File::create(dir.join("journal.txt")).unwrap(),
            engines: 0,
        }
    }

    /// Writes a line into the round's journal.
    pub fn note(&mut self, line: &str) {
        let at = self.tools.began.elapsed().as_secs_f64();
        writeln!(self.journal, "{at:9.3} {line}").unwrap();
    }

    /// Starts an engine that is not the one at work.
    pub fn launch(&mut self, start: &Start, state: &Path, flags: &[&str]) -> Engine {
        self.launch_under(start, state, flags, |_| {})
    }

    /// The same, with its control set before it starts.
    pub fn launch_under(&mut self, start: &Start, state: &Path, flags: &[&str], set: impl FnOnce(&Control)) -> Engine {
        self.engines += 1;
        self.record.engine_starts += 1;
        let number = self.engines;
        let tools = self.tools.clone();
        let shim = tools.shim.as_deref().filter(|_| self.shimmed).map(|library| {
            let control = Control::create(self.dir.join(format!("engine-{number:03}.shim")));
            set(&control);
            (library, control)
        });
        let url = if start.direct { self.server.url() } else { self.frames.url() };
        let (binary, config) = (&tools.binary, &tools.config);
        let launch = Launch { binary, config, dir: &self.dir, url: &url, state, flags, shim };
        let engine = Engine::launch(number, launch, start);
        self.note(&format!("engine {number} starts: {start}, state {}, {flags:?}", state.display()));
        self.watch.add(engine.pid());
        engine
    }

    /// Starts the engine at work on the state of the one before.
    pub fn start(&mut self, start: &Start) {
        let state = self.engine().state.clone();
        let engine = self.launch(start, &state, &[]);
        self.engine = Some(engine);
    }

    /// Puts the first engine to work.
    pub fn begin(&mut self, engine: Engine) {
        self.engine = Some(engine);
    }

    /// The engine at work.
    pub fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("an engine is at work")
    }

    /// Puts another engine to work, and returns the one before.
    pub fn put_to_work(&mut self, engine: Engine) -> Engine {
        self.engine.replace(engine).expect("an engine was at work")
    }

    /// Kills the engine at work.
    pub fn kill_engine(&mut self) {
        self.engine().kill();
        let number = self.engine().number;
        self.record.engine_kills += 1;
        self.note(&format!("engine {number} killed"));
    }

    /// Kills the server; returns its process id.
    pub fn kill_server(&mut self) -> u32 {
        let pid = self.server.pid();
        self.server.kill();
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the server survived its kill");
        self.record.server_kills += 1;
        self.note(&format!("server {pid} killed"));
        pid
    }

    /// Asks the engine at work to stop, and expects a clean end.
    pub fn drain(&mut self) {
        self.engine().signal("-TERM");
        let code = self.exit_of_the_engine();
        assert_eq!(code, 0, "{}", self.engine().tail());
    }

    /// Waits for the engine at work to end by itself, and counts its exit code.
    pub fn exit_of_the_engine(&mut self) -> i32 {
        let mut engine = self.engine.take().expect("an engine is at work");
        let code = self.exit_of(&mut engine);
        self.engine = Some(engine);
        code
    }

    /// The same for any engine.
    pub fn exit_of(&mut self, engine: &mut Engine) -> i32 {
        let code = engine.exit_code(PATIENCE);
        *self.record.exits.entry(code).or_default() += 1;
        self.note(&format!("engine {} exited with {code}", engine.number));
        code
    }

    /// Asks the server until it answers.
    pub fn ask<T>(&mut self, mut question: impl FnMut(&mut Wire) -> io::Result<T>) -> T {
        wait_within(PATIENCE, "an answer of the server", || {
            if let Ok(answer) = question(&mut self.wire) {
                return Some(answer);
            }
            if let Ok(wire) = Wire::connect(self.server.address()) {
                self.wire = wire;
            }
            None
        })
    }

    /// The lane's last sequence.
    pub fn lane(&mut self) -> u64 {
        self.ask(|wire| streams::last(wire, OUTPUT))
    }

    /// The position of the lane's newest message.
    pub fn cause(&mut self) -> u64 {
        self.ask(streams::cause)
    }

    /// The input's last position.
    pub fn input(&mut self) -> u64 {
        self.ask(|wire| streams::last(wire, INPUT))
    }

    /// Waits until the engine is at work with events waiting for it; returns how many.
    pub fn under_load(&mut self) -> u64 {
        let before = self.lane();
        let mut looks = 0;
        wait_within(PATIENCE, "an engine under load", || {
            // In this order, so that the lag is rather more than this.
            let input = self.input();
            let lag = input.saturating_sub(self.cause());
            let engine = self.engine();
            assert!(engine.ended().is_none(), "engine {} ended by itself: {}", engine.number, engine.tail());
            // Only while it is needed: every event costs the oracle its time.
            if lag < LAG && looks % 50 == 0 {
                self.surge();
            }
            looks += 1;
            (lag >= LAG && self.lane() > before).then_some(lag)
        })
    }

    /// Puts a few thousand events before the engine.
    pub fn surge(&self) {
        if let Some(load) = &self.load {
            load.surge();
        }
    }

    /// Lets time pass under load, while the engine at work must stay alive.
    pub fn for_a_while(&mut self, time: Duration) {
        let engine = self.engine();
        let ended = try_within(time, || engine.ended());
        assert!(ended.is_none(), "engine {} ended by itself: {}", engine.number, engine.tail());
    }

    /// Waits until the engine at work says that it is ready and the lane grows; returns how long that took since the
    /// fault was over.
    pub fn recovered(&mut self, after: &str, healed: Instant) -> Duration {
        let before = self.lane();
        let reached = try_within(RECOVERY, || {
            let engine = self.engine();
            assert!(engine.ended().is_none(), "{after}: engine {} ended by itself: {}", engine.number, engine.tail());
            (engine.is_ready() && self.lane() >= before + GROWTH).then_some(())
        });
        let lane = self.lane();
        let engine = self.engine();
        assert!(reached.is_some(), "{after}: not well after {RECOVERY:?}, lane {before} to {lane}: {}", engine.tail());
        healed.elapsed()
    }
}
