//! SeaweedFS as a real server with S3's interface: one that all tests share, or one that a test may kill.
//!
//! Its filer shows the same objects by plain HTTP, without keys: the oracle reads them there, past the client under test.

use crate::harness::page::page;
use crate::harness::wait::{pause, try_within, wait_until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

/// The ports of one server: master, volume, filer and S3, each with one for its own kind beside it.
const PORTS: usize = 8;
/// How long a server may take until its buckets can be used.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running server; dropping it kills the process and removes its store.
pub struct Seaweed {
    child: Mutex<Option<Child>>,
    ports: [u16; PORTS],
    dir: tempfile::TempDir,
}

impl Seaweed {
    /// The one that is running for other tests, else a new one.
    pub fn shared() -> Arc<Seaweed> {
        static RUNNING: OnceLock<Mutex<Weak<Seaweed>>> = OnceLock::new();
        let mut running = RUNNING.get_or_init(Mutex::default).lock().unwrap();
        running.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Seaweed::start());
            *running = Arc::downgrade(&server);
            server
        })
    }

    /// A new server.
    pub fn start() -> Seaweed {
        // Between the release of free ports and the server's bind somebody else may take one: then take others.
        for _ in 0..5 {
            let listeners = [(); PORTS].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
            let ports = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
            drop(listeners);
            let dir = tempfile::tempdir().unwrap();
            let identities = r#"{"identities":[{"name":"lake","credentials":[{"accessKey":"key","secretKey":"SECRET"}],"actions":["Admin","Read","Write","List","Tagging"]}]}"#;
            let server = Seaweed { child: Mutex::new(None), ports, dir };
            std::fs::write(server.dir.path().join("s3.json"), identities.replace("SECRET", &server.secret())).unwrap();
            if server.launch() {
                return server;
            }
        }
        panic!("SeaweedFS did not start in five attempts");
    }

    /// Its own, so that no test's requests are taken by another run's server.
    fn secret(&self) -> String {
        self.dir.path().file_name().unwrap().to_string_lossy().into_owned()
    }

    /// A file with its keys, that nobody else may read.
    pub fn credentials(&self, secret: Option<&str>) -> PathBuf {
        use std::os::unix::fs::OpenOptionsExt;
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = self.dir.path().join(format!("keys-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        let secret = secret.map_or_else(|| self.secret(), str::to_owned);
        write!(file, "[default]\naws_access_key_id = key\naws_secret_access_key = {secret}\n").unwrap();
        path
    }

    fn launch(&self) -> bool {
        let [master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc] = self.ports;
        let mut command = Command::new(binary());
        command
            .arg("server")
            .arg("-dir")
            .arg(self.dir.path())
            .arg("-s3")
            .arg("-s3.config")
            .arg(self.dir.path().join("s3.json"));
        let flags = format!(
            "-ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port={master} -master.port.grpc={master_grpc} -volume.port={volume} -volume.port.grpc={volume_grpc} -filer.port={filer} -filer.port.grpc={filer_grpc} -s3.port={s3} -s3.port.grpc={s3_grpc} -s3.port.iceberg=0 -s3.port.lance=0 -s3.iam=false -s3.autoCreateBucket=false -master.volumeSizeLimitMB=64 -master.telemetry=false -master.electionTimeout=1s -master.heartbeatInterval=100ms -volume.max=100"
        );
        command.args(flags.split(' ')).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        *self.child.lock().unwrap() = Some(command.spawn().unwrap());
        let ready = try_within(READY_WITHIN, || {
            let ended = self.child.lock().unwrap().as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
            // A file that is stored means that filer, volume and master know each other.
            let stored = || filed(self.filer(), "PUT", "/ready", b"ready").is_some_and(|status| status < 300);
            let answers = || page(self.s3(), "/status").is_some();
            let ready = !ended && answers() && stored();
            if !ready && !ended {
                pause();
            }
            (ready || ended).then_some(ready)
        });
        ready == Some(true)
    }

    fn filer(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[4]).into()
    }

    /// Where S3's interface is.
    pub fn s3(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports[6]).into()
    }

    /// Makes a bucket that no other test has, and says its name.
    pub fn bucket(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lake-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let made = filed(self.filer(), "PUT", &format!("/buckets/{name}/"), b"");
        assert!(made.is_some_and(|status| status < 300), "{made:?}");
        name
    }

    /// Removes a bucket with all that is in it.
    pub fn remove(&self, bucket: &str) {
        let path = format!("/buckets/{bucket}?recursive=true");
        let removed = filed(self.filer(), "DELETE", &path, b"");
        assert!(removed.is_some_and(|status| status < 300), "{removed:?}");
        wait_until("the bucket to be gone", || {
            page(self.filer(), &format!("/buckets/{bucket}/")).is_some_and(|(status, _)| status == 404).then_some(())
        });
    }

    /// The filer's address as a URL.
    pub fn filer_url(&self) -> String {
        format!("http://{}", self.filer())
    }

    /// Kills it, as a power cut of its own would not: what it has written stays.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same ports and files.
    pub fn restart(&self) {
        assert!(self.launch(), "SeaweedFS did not start again");
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        self.kill();
    }
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/s3-server");
        let brought = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
        assert!(brought.status.success(), "run scripts/s3-server once, or skip the tests of lake::bucket by name");
        PathBuf::from(String::from_utf8(brought.stdout).unwrap().trim())
    })
}

/// A request to the filer; its status.
fn filed(filer: SocketAddr, method: &str, path: &str, body: &[u8]) -> Option<u16> {
    let within = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&filer, within).ok()?;
    stream.set_read_timeout(Some(within)).ok()?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {filer}\r\nContent-Length: {}\r\n\r\n", body.len()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}
