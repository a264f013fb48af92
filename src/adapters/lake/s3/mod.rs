//! A bucket with S3's interface as the store of a lake.
//!
//! `bucket` is the store, `calls` waits for the client library, `answers` tells what an answer means, `credentials` where the
//! keys are. Only this folder names the client library.

pub mod bucket;
mod calls;
mod answers;
pub mod credentials;
