//! `lake.url` and `[lake.s3]`: where a lake is, in a folder or in a bucket.
//!
//! Nothing here looks at either. A URL may hold a login by mistake: no message repeats what stands before its path.

use super::super::given::GivenSetting;
use super::super::place::Placed;
use super::super::section::SectionReader;
use super::super::settings::{BucketSection, LakePlace};
use super::paths::path;
use std::path::PathBuf;

/// The place; `None` where what is given is none.
pub(super) fn place(section: &mut SectionReader<'_, '_>) -> Option<LakePlace> {
    section.require("url", "`url = \"lake\"`");
    let given = path(section, "url");
    let key = section.key_place("s3");
    let asked = section.has("s3");
    let access = section.optional("s3").and_then(access);
    let Placed { value, place } = given.at()?;
    let text = value.to_string_lossy().into_owned();
    let Some((scheme, rest)) = text.split_once("://") else {
        if asked {
            let message = "[lake.s3] is about a bucket, and lake.url names a folder";
            section.report.error_with(key, message, "write `url = \"s3://bucket/prefix\"`, or leave [lake.s3] out");
            return None;
        }
        return Some(LakePlace::Folder(value));
    };
    let named = match scheme {
        "s3" => bucket(rest),
        _ => {
            let message =
                format!("`{scheme}://` is no place for a lake: it is a folder, or a bucket with S3's interface");
            let hint = "write `url = \"s3://bucket/prefix\"`; where the bucket is not Amazon's, its address is lake.s3.endpoint";
            section.report.error_with(place, message, hint);
            return None;
        }
    };
    match named {
        Ok((bucket, prefix)) => {
            let Access { endpoint, region, credentials_file } = access.filter(|_| asked).unwrap_or_default();
            Some(LakePlace::Bucket(BucketSection { bucket, prefix, endpoint, region, credentials_file }))
        }
        Err((message, hint)) => {
            // A login would be shown with its line.
            let place = if text.contains('@') { section.place } else { place };
            section.report.error_with(place, message, hint);
            None
        }
    }
}

/// The bucket and the lake's place in it, of what follows `s3://`.
fn bucket(rest: &str) -> Result<(String, String), (&'static str, &'static str)> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(good) {
        return Err((
            "the bucket has no usable name: 3 to 63 lower-case letters, digits, `-` and `.`",
            "write `url = \"s3://bucket/prefix\"`; keys stand in the environment or in lake.s3.credentials_file",
        ));
    }
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(good);
    if !prefix.is_empty() && !prefix.split('/').all(part) {
        return Err((
            "the lake's place in the bucket has other characters than letters, digits, `-`, `_`, `.`, `=` and single `/`",
            "other programs than this one read the lake under that name: choose a plain one",
        ));
    }
    Ok((bucket.to_owned(), prefix.to_owned()))
}

/// `[lake.s3]`.
#[derive(Default)]
struct Access {
    endpoint: Option<String>,
    region: Option<String>,
    credentials_file: Option<PathBuf>,
}

fn access(mut section: SectionReader<'_, '_>) -> Option<Access> {
    let endpoint = section.parsed("endpoint", endpoint);
    let region = section.parsed("region", |text| {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match !text.is_empty() && text.bytes().all(good) {
            true => Ok(text.to_owned()),
            false => Err(format!("`{text}` is no region: write one such as `eu-central-1`")),
        }
    });
    let credentials_file = path(&mut section, "credentials_file");
    section.finish();
    let broken = matches!(endpoint, GivenSetting::Broken) || matches!(region, GivenSetting::Broken);
    (!broken).then(|| Access {
        endpoint: endpoint.value(),
        region: region.value(),
        credentials_file: credentials_file.value(),
    })
}

/// The address of a server, without a path.
fn endpoint(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match rest.map(|rest| rest.trim_end_matches('/')) {
        Some(server) if !server.is_empty() && server.bytes().all(good) => Ok(text.trim_end_matches('/').to_owned()),
        _ => {
            Err("this is no address of a server: write `https://HOST`, with `:PORT` where needed and nothing behind it"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_a_place_in_it_are_read() {
        for (rest, bucket_of, prefix) in
            [("lake", "lake", ""), ("lake/", "lake", ""), ("my.lake-1/a/b=c/", "my.lake-1", "a/b=c")]
        {
            assert_eq!(bucket(rest), Ok((bucket_of.to_owned(), prefix.to_owned())), "{rest}");
        }
        for rest in
            ["", "/x", "ab", "Lake", "key:secret@lake", "lake//x", "lake/../x", "lake/a b", "lake/a?b", "lake/ü"]
        {
            assert!(bucket(rest).is_err(), "{rest}");
        }
    }

    #[test]
    fn an_endpoint_is_a_server() {
        for text in ["http://127.0.0.1:8333", "https://localhost/", "http://[::1]:9000"] {
            assert_eq!(endpoint(text).as_deref(), Ok(text.trim_end_matches('/')), "{text}");
        }
        for text in ["127.0.0.1:8333", "s3://x", "https://", "https://key:secret@host", "https://host/bucket"] {
            assert!(endpoint(text).is_err_and(|message| !message.contains("secret")), "{text}");
        }
    }
}
