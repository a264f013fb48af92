//! The lake's store by its configuration: a folder or a bucket.

use super::job::{LakeJob, follows, section};
use super::{log, root};
use crate::adapters::lake::folder::LakeFolder;
use crate::app::exit::{CONFIG, Exit};
use crate::config::{BucketSection, Config, LakePlace, LakeSection};
use crate::ports::lake::{LakeError, LakeStore};

/// The store for a writer of this name; a folder that is not there is made.
pub fn open(lake: &LakeSection, writer: &str) -> Result<Box<dyn LakeStore>, LakeError> {
    Ok(match &lake.place {
        LakePlace::Folder(path) => Box::new(LakeFolder::open(path, writer)?),
        LakePlace::Bucket(bucket) => self::bucket(bucket, lake, writer)?,
    })
}

/// The store for a reader; refuses a place where there is no lake.
pub fn reading(config: &Config) -> Result<Box<dyn LakeStore>, Exit> {
    let lake = section(config)?;
    let hint = "start it with `sidestream lake run`, or correct lake.url";
    let none = || Exit::new(CONFIG, format!("there is no lake in {}", lake.place), hint);
    match &lake.place {
        LakePlace::Folder(path) if !path.is_dir() => Err(none()),
        LakePlace::Folder(path) => Ok(Box::new(LakeFolder::at(path, "reader"))),
        LakePlace::Bucket(bucket) => {
            let store = self::bucket(bucket, lake, &format!("reader-{}", std::process::id()))?;
            root::read(&*store)?.ok_or_else(none)?;
            Ok(store)
        }
    }
}

/// Whether the lake's place suits the configuration, in a few words. A folder that is not there is not made; in one that is
/// there, and in a bucket, an object is created and removed.
pub fn suits(job: &LakeJob) -> Result<String, Exit> {
    let place = &job.lake.place;
    if let LakePlace::Folder(path) = place
        && !path.is_dir()
    {
        return Ok(format!("{place} is made at the first start"));
    }
    let store = open(&job.lake, &format!("check-{}", std::process::id()))?;
    store.probe()?;
    match (root::read(&*store)?, log::newest(&*store)?.1) {
        (Some(root), Some(newest)) => {
            follows(&newest.made, &job.made())?;
            Ok(format!("{place}: a lake of {} and {}", root.input, root.output))
        }
        _ => Ok(match place {
            LakePlace::Folder(_) => format!("{place}: a folder without a lake"),
            LakePlace::Bucket(_) => format!("{place}: a bucket's place without a lake"),
        }),
    }
}

#[cfg(feature = "archive")]
fn bucket(bucket: &BucketSection, lake: &LakeSection, writer: &str) -> Result<Box<dyn LakeStore>, LakeError> {
    use crate::adapters::lake::s3::bucket::{Bucket, BucketSettings};
    let settings = BucketSettings {
        bucket: bucket.bucket.clone(),
        prefix: bucket.prefix.clone(),
        endpoint: bucket.endpoint.clone(),
        region: bucket.region.clone(),
        credentials_file: bucket.credentials_file.clone(),
        staging: lake.spool_path.clone(),
    };
    Ok(Box::new(Bucket::new(&settings, writer)?))
}

#[cfg(not(feature = "archive"))]
fn bucket(_: &BucketSection, _: &LakeSection, _: &str) -> Result<Box<dyn LakeStore>, LakeError> {
    let hint = "take a build with the feature `archive`".to_owned();
    Err(LakeError::Unsuitable { what: "this build has no lake in a bucket".to_owned(), hint })
}
