//! The checked configuration, as the rest of the program sees it.
//!
//! Plain data without a trace of TOML: who holds a `Config` need not check it again. What decides outcomes
//! is in `plan`; everything beside it may change between two starts without changing one output.

use crate::core::ids::KEY_GROUPS;
use crate::core::plan::check::{Entities, Severity, check};
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::template::Template;
use crate::core::record::StateEngine;
use crate::protocol::gateway::judge::Validate;
use crate::protocol::lake::columns::Column;
use crate::protocol::lake::layout::FolderLayout;
use crate::protocol::lake::table::FileFormat;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The configuration that ships with the program: the language school's job.
pub const SHIPPED: &str = include_str!("../../config.toml");

/// Everything that the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `[nats]`: the way to the server.
    pub nats: NatsSection,
    /// `[input]`: where events come from.
    pub input: InputSection,
    /// `[output]`: where outcomes go; subject, mark and size limit are in `plan`.
    pub output: OutputSection,
    /// `[dead_letters]`: their own stream; their subject is in `plan`.
    pub dead_letters: DeadLettersSection,
    /// `[redrives.provision]`: how the stream that remembers redrives is made.
    pub redrives: ProvisionSection,
    /// `[engine]`: how the work is cut.
    pub engine: EngineSection,
    /// `[state]`: where the rows live.
    pub state: StateSection,
    /// `[http]`: the engine's own endpoint.
    pub http: HttpSection,
    /// `[lake]`: files of everything that the output stream holds, where there is the section.
    pub lake: Option<LakeSection>,
    /// `[gateway]`: events over HTTP, where there is the section.
    pub gateway: Option<GatewaySection>,
    /// What decides outcomes.
    pub plan: PlanSpec,
}

/// `[nats]`. At most one way of proving who we are is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsSection {
    /// The servers as written, comma-separated. May hold a login before `@`, which is never shown.
    pub url: Secret,
    /// A `.creds` file with a user's JWT and seed.
    pub credentials_file: Option<PathBuf>,
    /// A file with an nkey seed.
    pub nkey_file: Option<PathBuf>,
    /// A user name; `password_file` is set with it.
    pub user: Option<String>,
    /// A file with the user's password, so that no secret stands in the configuration.
    pub password_file: Option<PathBuf>,
    /// A file with a token.
    pub token_file: Option<PathBuf>,
    /// `[nats.tls]`, where there is one.
    pub tls: Option<TlsSection>,
    /// Where the JetStream API answers, for what says nothing of its own.
    pub api: Option<Api>,
    /// What the subjects of answers begin with.
    pub inbox_prefix: String,
    /// How long one server may take to let us in.
    pub connect_timeout: Duration,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a login or permission that was there before may be refused.
    pub auth_patience: Duration,
    /// Whether servers that a server names may be used, too.
    pub discover_servers: bool,
}

/// A text that no message and no debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(not shown)")
    }
}

/// Where a JetStream API answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Api {
    /// In a domain.
    Domain(String),
    /// Under a prefix, such as that of an import from another account.
    Prefix(String),
}

/// `[nats.tls]`: having the section means that the connection must be encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSection {
    /// PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own PEM certificate; `key_file` is set with it.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`.
    pub key_file: Option<PathBuf>,
    /// Whether the handshake comes before the server's first line.
    pub first: bool,
}

/// `[input]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSection {
    /// The stream's name.
    pub stream: String,
    /// The subjects that `provision` gives it, at least one, none overlapping another.
    pub subjects: Vec<String>,
    /// How `provision` makes the stream.
    pub provision: ProvisionSection,
    /// Where its JetStream API answers, if not where `[nats]` says.
    pub api: Option<Api>,
}

/// `[output]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSection {
    /// The stream's name; it is the lane, dead letters included.
    pub stream: String,
    /// How `provision` makes the stream.
    pub provision: ProvisionSection,
    /// Where its JetStream API answers, if not where `[nats]` says.
    pub api: Option<Api>,
}

/// `[dead_letters]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLettersSection {
    /// A stream that sources the dead letters from the output stream, if they get one of their own.
    pub stream: Option<String>,
    /// How `provision` makes that stream.
    pub provision: ProvisionSection,
}

/// `[input.provision]` and its like: how `provision` makes a stream. One that exists is never altered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProvisionSection {
    /// When messages go; only the input may have another than `Limits`.
    pub retention: Retention,
    /// How long messages are kept, in seconds; `None` for ever.
    pub max_age_s: Option<u64>,
    /// How large the stream may become; `None` without a limit.
    pub max_bytes: Option<u64>,
    /// Copies in a cluster; `None` where the operator does not say.
    pub replicas: Option<usize>,
    /// The cluster that the stream is placed in.
    pub placement_cluster: Option<String>,
    /// Tags that the servers of the stream must have.
    pub placement_tags: Vec<String>,
    /// Whether the stream's files are compressed (S2).
    pub compressed: bool,
}

/// When a stream forgets a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// By age and size alone.
    #[default]
    Limits,
    /// Once every consumer has acknowledged it.
    Interest,
}

/// `[engine]`; `unknown_kinds` is in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSection {
    /// The number of shards; 0 stands for one per core.
    pub shards: usize,
    /// The time between two checkpoints, in milliseconds.
    pub checkpoint_interval_ms: u64,
    /// How many slices may be between intake and confirmation at once.
    pub max_in_flight_slices: usize,
}

/// `[state]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSection {
    /// The state directory; a relative path starts at the working directory.
    pub path: PathBuf,
    /// The database that keeps it.
    pub engine: StateEngine,
    /// How many clean rows all shards together keep in memory.
    pub cache_rows: usize,
}

/// `[http]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpSection {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether `/state` answers other machines, too.
    pub state_open: bool,
}

/// `[lake]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeSection {
    /// Where it is.
    pub place: LakePlace,
    /// What its files are.
    pub format: FileFormat,
    /// The folders in it.
    pub partition: FolderLayout,
    /// The age of a row after which it is published.
    pub max_age: Duration,
    /// The most bytes that wait for being published.
    pub max_spool_bytes: u64,
    /// The most bytes of event texts in one file.
    pub target_file_bytes: u64,
    /// Where what waits is kept.
    pub spool_path: PathBuf,
    /// Whether a Delta log is kept beside the files.
    pub delta: bool,
    /// The declared columns.
    pub columns: Vec<Column>,
}

/// `[gateway]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySection {
    /// The address to listen on; port 0 takes a free one. One that others reach has a tokens file.
    pub listen: SocketAddr,
    /// The tokens of those who may send; without it, whoever is on this machine.
    pub tokens_file: Option<PathBuf>,
    /// The subjects that events are published to.
    pub subject: Template,
    /// How much is asked of an event before it is stored.
    pub validate: Validate,
    /// Further headers of requests that are stored with their events.
    pub headers: Vec<String>,
    /// The largest body, unpacked.
    pub max_body_bytes: usize,
    /// The most events of a batch.
    pub max_batch: usize,
    /// The events that each sender may send a second; 0: no bound.
    pub rate_per_s: u64,
    /// The events that each sender may send at once.
    pub burst: u64,
    /// The bytes of all bodies in hand.
    pub max_in_flight_bytes: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// How long the stream may take to confirm an event.
    pub ack_timeout: Duration,
    /// How long a body may take to come.
    pub request_timeout: Duration,
}

/// `lake.url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LakePlace {
    /// A folder.
    Folder(PathBuf),
    /// A bucket with S3's interface.
    Bucket(BucketSection),
}

/// A bucket, and `[lake.s3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSection {
    /// Its name.
    pub bucket: String,
    /// The lake's place in it; empty where the lake has all of it.
    pub prefix: String,
    /// Its address where it is not Amazon's.
    pub endpoint: Option<String>,
    /// Its region, else the environment's.
    pub region: Option<String>,
    /// The file of its keys, else the environment's.
    pub credentials_file: Option<PathBuf>,
}

impl std::fmt::Display for LakePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.of("").trim_end_matches('/'))
    }
}

impl LakePlace {
    /// Where an object of the lake is, as other programs name it.
    pub fn of(&self, path: &str) -> String {
        match self {
            LakePlace::Folder(folder) => folder.join(path).display().to_string(),
            LakePlace::Bucket(BucketSection { bucket, prefix, .. }) if prefix.is_empty() => {
                format!("s3://{bucket}/{path}")
            }
            LakePlace::Bucket(BucketSection { bucket, prefix, .. }) => format!("s3://{bucket}/{prefix}/{path}"),
        }
    }
}

impl Config {
    /// Stops the program where a check was forgotten: what holds between the settings, one sentence each.
    pub(super) fn assert_relations(&self) {
        let plan = &self.plan;
        assert!(self.engine.shards <= usize::from(KEY_GROUPS), "every shard owns at least one key group");
        assert!(self.engine.max_in_flight_slices > 0, "at least one slice can be in flight");
        assert!(self.engine.checkpoint_interval_ms > 0, "time passes between two checkpoints");
        assert!(self.input.stream == plan.input_stream, "the plan names the stream that is read");
        assert!(self.input.stream != self.output.stream, "no output comes back as an event");
        assert!(self.nats.user.is_some() == self.nats.password_file.is_some(), "a user has a password");
        assert!(self.lake.is_none() || plan.envelope, "the lake is told what its rows are");
        let faults = check(plan, &Entities::default());
        let mistake = faults.iter().find(|fault| fault.severity == Severity::Mistake);
        assert!(mistake.is_none(), "the plan has a mistake: {mistake:?}");
    }
}
