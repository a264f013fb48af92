//! The lake's files: the folder or bucket that keeps them, the spool in front of it, and the two formats.
//!
//! Decides nothing about rows, names or commits; `protocol::lake` does. Only `parquet` names parquet, only `ndjson` zstd, only
//! `s3` the client of object stores.

pub mod folder;
#[cfg(feature = "archive")]
pub mod s3;
pub mod spool;
pub mod encode;
#[cfg(feature = "archive")]
pub mod ndjson;
#[cfg(feature = "archive")]
pub mod parquet;
#[cfg(feature = "archive")]
pub mod parquet_read;
#[cfg(feature = "archive")]
pub mod parquet_checkpoint;
