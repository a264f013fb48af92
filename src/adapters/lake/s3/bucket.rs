//! The bucket: an object is created by one request with `If-None-Match: *`, which a store refuses where the name is taken.
//!
//! A create whose answer is lost, or says nothing (`409`, `5xx`), is sent again: it cannot come about twice. But the first may
//! have come about, so that "it was there" may mean an object of this very call. Who is told so reads it.

use super::answers::{failure, gone, is_about_the_bucket, says_nothing};
use super::calls::Calls;
use super::credentials::Credentials;
use crate::ports::lake::{Created, LakeError, LakeStore, Staged};
use futures_util::future::join_all;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where it is tried out whether creates exclude each other.
const PROBES: &str = "_sidestream/probes";
/// Creates of one probe at the same time.
const RACERS: usize = 8;

/// The longest that a request takes: a file goes up in one.
const REQUEST: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(3);
/// What the store says it failed at is tried again for so long; the lake's writer has a patience of its own.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(2), base: 2.0 },
    max_retries: 4,
    retry_timeout: Duration::from_secs(5),
};

/// Before a create is sent again of which nothing is known.
const AGAIN: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(300), Duration::from_secs(1)];

/// Which bucket, and how it is reached.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// Its name.
    pub bucket: String,
    /// The lake's place in it; empty for all of it.
    pub prefix: String,
    /// Its address where it is not Amazon's.
    pub endpoint: Option<String>,
    /// Its region; the environment's, else `us-east-1`, where it is left out.
    pub region: Option<String>,
    /// The file of its keys; the environment's where it is left out.
    pub credentials_file: Option<PathBuf>,
    /// A local folder for files that have no name yet.
    pub staging: PathBuf,
}

/// A lake's bucket.
#[derive(Debug)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    calls: Calls,
    prefix: String,
    shown: String,
    staging: PathBuf,
    writer: String,
    staged: AtomicU64,
}

impl Bucket {
    /// The bucket; nothing is asked of it yet. `writer` names what is staged by this process.
    pub fn new(settings: &BucketSettings, writer: &str) -> Result<Bucket, LakeError> {
        let credentials = Credentials::find(settings.credentials_file.as_deref())?;
        if credentials.is_none() && settings.endpoint.is_some() {
            return Err(LakeError::Unsuitable {
                what: "there are no keys for the lake's bucket".to_owned(),
                hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or lake.s3.credentials_file"
                    .to_owned(),
            });
        }
        let shown = format!("s3://{}", [&settings.bucket, &settings.prefix].map(String::as_str).join("/"));
        let options = ClientOptions::new()
            .with_timeout(REQUEST)
            .with_connect_timeout(CONNECT)
            .with_allow_http(settings.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http:")));
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&settings.bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_disable_bulk_delete(true)
            .with_client_options(options)
            .with_retry(RETRY);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &settings.region {
            builder = builder.with_region(region);
        }
        if let Some(Credentials { key_id, secret, token }) = credentials {
            builder = builder.with_access_key_id(key_id).with_secret_access_key(secret);
            builder = token.into_iter().fold(builder, AmazonS3Builder::with_token);
        }
        let store = builder.build().map_err(|error| failure(&format!("{shown} cannot be used"), &error))?;
        Ok(Bucket {
            store: Arc::new(store),
            calls: Calls::new()?,
            prefix: settings.prefix.clone(),
            shown: shown.trim_end_matches('/').to_owned(),
            staging: settings.staging.clone(),
            writer: writer.to_owned(),
            staged: AtomicU64::new(0),
        })
    }

    fn key(&self, path: &str) -> Result<Key, LakeError> {
        let whole = if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) };
        // Paths are percent-encoded already, and `parse` takes them as they are.
        Key::parse(whole).map_err(|error| failure(&format!("{path} is no name of an object"), &error.into()))
    }

    fn put(&self, path: &str, bytes: Vec<u8>) -> Result<Created, LakeError> {
        let (store, key) = (Arc::clone(&self.store), self.key(path)?);
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from(bytes);
        let answer = self.calls.wait(async move {
            let mut answer = store.put_opts(&key, payload.clone(), options.clone()).await;
            for pause in AGAIN {
                match &answer {
                    Err(error) if says_nothing(error) => {}
                    _ => break,
                }
                tokio::time::sleep(pause).await;
                answer = store.put_opts(&key, payload.clone(), options.clone()).await;
            }
            answer
        })?;
        self.created(path, answer.map(drop))
    }

    fn created(&self, path: &str, answer: Result<(), Error>) -> Result<Created, LakeError> {
        match answer {
            Ok(()) => Ok(Created::Here),
            Err(Error::AlreadyExists { .. }) => Ok(Created::Before),
            // An object to be created need not be there: what is missing is the bucket.
            Err(Error::NotFound { .. }) => Err(gone(&self.shown)),
            Err(error) => Err(failure(&format!("cannot create {}/{path}", self.shown), &error)),
        }
    }

    fn found<T>(&self, path: &str, answer: Result<T, Error>) -> Result<Option<T>, LakeError> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(error @ Error::NotFound { .. }) if is_about_the_bucket(&error) => Err(gone(&self.shown)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(&format!("cannot read {}/{path}", self.shown), &error)),
        }
    }

    /// Creates one object several times at once; how often that succeeded, and whether an answer is missing.
    fn race(&self, path: &str) -> Result<(usize, Option<LakeError>), LakeError> {
        let (store, key) = (Arc::clone(&self.store), self.key(path)?);
        let answers = self.calls.wait(async move {
            join_all((0..RACERS).map(|racer| {
                let (store, key) = (Arc::clone(&store), key.clone());
                let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
                async move { store.put_opts(&key, PutPayload::from(racer.to_string()), options).await.map(drop) }
            }))
            .await
        })?;
        let (mut won, mut missing) = (0, None);
        for answer in answers {
            match self.created(path, answer) {
                Ok(Created::Here) => won += 1,
                Ok(Created::Before) => {}
                Err(unsure @ LakeError::Unsure { .. }) => missing = Some(unsure),
                Err(refused) => return Err(refused),
            }
        }
        Ok((won, missing))
    }
}

impl LakeStore for Bucket {
    fn create(&self, path: &str, bytes: &[u8]) -> Result<Created, LakeError> {
        self.put(path, bytes.to_vec())
    }

    fn create_from(&self, path: &str, mut staged: Staged) -> Result<Created, LakeError> {
        let mut bytes = Vec::new();
        let read = staged.file.rewind().and_then(|()| staged.file.read_to_end(&mut bytes));
        read.map_err(|error| LakeError::io("cannot read a staged file", error))?;
        self.put(path, bytes)
    }

    fn staging(&self) -> Result<Staged, LakeError> {
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        let path = self.staging.join(format!("staged-{}-{number}", self.writer));
        let failed = |error| LakeError::io(format!("cannot create {}", path.display()), error);
        std::fs::create_dir_all(&self.staging).map_err(failed)?;
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(failed)?;
        // Without a name it is gone whenever this process ends.
        std::fs::remove_file(&path).map_err(failed)?;
        Ok(Staged { path: path.into_boxed_path(), file })
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, LakeError> {
        let (store, key) = (Arc::clone(&self.store), self.key(path)?);
        let answer = self.calls.wait(async move { store.get(&key).await?.bytes().await })?;
        Ok(self.found(path, answer)?.map(Vec::from))
    }

    fn open(&self, path: &str) -> Result<Option<File>, LakeError> {
        let Some(bytes) = self.read(path)? else { return Ok(None) };
        let mut file = self.staging()?.file.try_clone().map_err(|error| LakeError::io("a staged file", error))?;
        let written = file.write_all(&bytes).and_then(|()| file.rewind());
        written.map_err(|error| LakeError::io(format!("cannot keep {path}"), error))?;
        Ok(Some(file))
    }

    fn length(&self, path: &str) -> Result<Option<u64>, LakeError> {
        let (store, key) = (Arc::clone(&self.store), self.key(path)?);
        let answer = self.calls.wait(async move { store.head(&key).await })?;
        Ok(self.found(path, answer)?.map(|object| object.size))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        let (store, key) = (Arc::clone(&self.store), self.key(folder)?);
        let answer = self.calls.wait(async move { store.list_with_delimiter(Some(&key)).await })?;
        // A folder without objects is an empty list.
        let found = self.found(folder, answer)?.ok_or_else(|| gone(&self.shown))?;
        let objects = found.objects.into_iter().map(|object| object.location);
        let mut names: Vec<String> =
            objects.chain(found.common_prefixes).filter_map(|key| key.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    fn probe(&self) -> Result<(), LakeError> {
        let path = format!("{PROBES}/{}", self.writer);
        let (won, missing) = self.race(&path)?;
        let first = self.read(&path)?;
        let late = self.create(&path, b"late");
        let last = self.read(&path)?;
        let (store, key) = (Arc::clone(&self.store), self.key(&path)?);
        // What stays behind is a byte in a folder that readers pass over.
        let _ = self.calls.wait(async move { store.delete(&key).await })?;
        if won <= 1 && first.is_some() && first == last && late? == Created::Before {
            return Ok(());
        }
        if won <= 1
            && let Some(missing) = missing
        {
            return Err(missing);
        }
        Err(LakeError::Unsuitable {
            what: format!(
                "{} creates one object several times: {won} of {RACERS} creates of one name succeeded",
                self.shown
            ),
            hint: "two writers could not be told apart there: the lake needs a store that keeps to If-None-Match"
                .to_owned(),
        })
    }

    fn sweep(&self) -> Result<(), LakeError> {
        // Staged files have no names, and objects are created whole.
        Ok(())
    }
}
