//! What DuckDB has to be told before it can read a lake in a bucket.

use super::views::quoted;
use crate::app::exit::Exit;
use crate::config::{BucketSection, LakePlace};
use crate::ports::lake::LakeError;

/// The keys of a bucket: which one, its secret, and a session's token.
type Keys = (String, String, Option<String>);

/// The statements before the views; none for a folder. To be `shown`, they have no keys in them.
pub fn access(place: &LakePlace, shown: bool) -> Result<String, Exit> {
    let LakePlace::Bucket(bucket) = place else { return Ok(String::new()) };
    let keys = if shown { Some(("…".to_owned(), "…".to_owned(), None)) } else { keys(bucket)? };
    Ok(secret(place, bucket, keys))
}

fn secret(place: &LakePlace, bucket: &BucketSection, keys: Option<Keys>) -> String {
    let mut text = "install httpfs; load httpfs;\n".to_owned();
    let mut options = vec!["type s3".to_owned(), format!("scope {}", quoted(&place.to_string()))];
    match keys {
        Some((key_id, secret, token)) => {
            options.push(format!("key_id {}, secret {}", quoted(&key_id), quoted(&secret)));
            options.extend(token.map(|token| format!("session_token {}", quoted(&token))));
        }
        None => {
            text.push_str("install aws; load aws;\n");
            options.push("provider credential_chain".to_owned());
        }
    }
    options.extend(bucket.region.as_ref().map(|region| format!("region {}", quoted(region))));
    if let Some((scheme, server)) = bucket.endpoint.as_ref().and_then(|endpoint| endpoint.split_once("://")) {
        options.push(format!("endpoint {}, url_style 'path', use_ssl {}", quoted(server), scheme == "https"));
    }
    text.push_str(&format!("create secret lake ({});\n", options.join(", ")));
    text
}

#[cfg(feature = "archive")]
fn keys(bucket: &BucketSection) -> Result<Option<Keys>, LakeError> {
    use crate::adapters::lake::s3::credentials::Credentials;
    let found = Credentials::find(bucket.credentials_file.as_deref())?;
    Ok(found.map(|Credentials { key_id, secret, token }| (key_id, secret, token)))
}

#[cfg(not(feature = "archive"))]
fn keys(_: &BucketSection) -> Result<Option<Keys>, LakeError> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_with_its_address_and_without_keys_where_it_is_shown() {
        let bucket = BucketSection {
            bucket: "lake".to_owned(),
            prefix: "a".to_owned(),
            endpoint: Some("http://127.0.0.1:8333".to_owned()),
            region: Some("eu-central-1".to_owned()),
            credentials_file: Some("nowhere".into()),
        };
        let place = LakePlace::Bucket(bucket.clone());
        let text = access(&place, true).unwrap();
        assert_eq!(
            text,
            "install httpfs; load httpfs;\ncreate secret lake (type s3, scope 's3://lake/a', key_id '…', secret '…', region 'eu-central-1', endpoint '127.0.0.1:8333', url_style 'path', use_ssl false);\n"
        );
        assert!(secret(&place, &bucket, None).contains("provider credential_chain"));
        assert_eq!(access(&LakePlace::Folder("lake".into()), false).unwrap(), "");
    }
}
