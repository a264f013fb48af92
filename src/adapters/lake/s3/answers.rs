//! What a failure of the bucket means: whether it may pass, or an operator has to do something.
//!
//! Stores name their failures in a `<Code>` of the answer's body (Amazon S3, API Reference, "Error responses").

use crate::ports::lake::LakeError;
use object_store::Error;

/// Codes that do not pass by themselves, and what to do about them.
const LASTING: &[(&str, &str)] = &[
    ("NoSuchBucket", "make the bucket, or correct lake.url"),
    ("InvalidBucketName", "correct the bucket's name in lake.url"),
    ("InvalidAccessKeyId", KEYS),
    ("SignatureDoesNotMatch", KEYS),
    ("ExpiredToken", KEYS),
    ("InvalidToken", KEYS),
    ("AccessDenied", "let this key list the bucket, and read and write objects below lake.url"),
    ("AllAccessDisabled", "let this key list the bucket, and read and write objects below lake.url"),
    ("RequestTimeTooSkewed", "set this machine's clock: the bucket refuses requests that are signed at another time"),
    ("AuthorizationHeaderMalformed", REGION),
    ("PermanentRedirect", REGION),
    ("NotImplemented", "the lake needs a store that creates objects with If-None-Match"),
    ("EntityTooLarge", "set a smaller lake.target_file_bytes"),
];

const KEYS: &str =
    "correct lake.s3.credentials_file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment";
const REGION: &str = "correct lake.s3.region";

/// The failure of something that was tried.
pub(super) fn failure(what: &str, error: &Error) -> LakeError {
    let said = chain(error);
    let code = code(&said);
    let lasting = |code: &str| LASTING.iter().find(|(known, _)| *known == code).map(|(_, hint)| *hint);
    let hint = code.and_then(lasting).or_else(|| match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Some(KEYS),
        _ if said.contains("incorrectly configured region") => Some(REGION),
        _ if said.contains("501 Not Implemented") => lasting("NotImplemented"),
        _ => None,
    });
    match hint {
        Some(hint) => LakeError::Unsuitable {
            what: code.map_or_else(|| format!("{what}: {said}"), |code| format!("{what}: the bucket answers {code}")),
            hint: hint.to_owned(),
        },
        None => LakeError::io(what, std::io::Error::other(said)),
    }
}

/// The failure where the bucket itself is not there.
pub(super) fn gone(shown: &str) -> LakeError {
    LakeError::Unsuitable {
        what: format!("there is no bucket at {shown}"),
        hint: "make the bucket, or correct lake.url and lake.s3.endpoint".to_owned(),
    }
}

/// Whether an answer that something is not there is about the bucket and not about the object.
pub(super) fn is_about_the_bucket(error: &Error) -> bool {
    code(&chain(error)) == Some("NoSuchBucket")
}

/// Whether an answer to a create leaves open what came of it. Of the two that the library takes for "it exists", `412` says
/// so, and `409` says that something else is under way with the object.
pub(super) fn says_nothing(error: &Error) -> bool {
    match error {
        Error::AlreadyExists { source, .. } => !matches!(source.downcast_ref(), Some(Error::Precondition { .. })),
        error => matches!(failure("", error), LakeError::Unsure { .. }),
    }
}

/// The error and its causes, without what repeats.
fn chain(error: &Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        cause = error.source();
    }
    said
}

/// The code in the body of an answer.
fn code(said: &str) -> Option<&str> {
    Some(said.split_once("<Code>")?.1.split_once("</Code>")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(body: &str) -> Error {
        Error::Generic { store: "S3", source: body.to_owned().into() }
    }

    #[test]
    fn what_passes_is_told_from_what_an_operator_has_to_do() {
        for (body, lasting) in [
            ("503 Service Unavailable: <Error><Code>SlowDown</Code></Error>", None),
            ("500: <Error><Code>InternalError</Code></Error>", None),
            ("connection refused", None),
            ("400: <Error><Code>AuthorizationHeaderMalformed</Code></Error>", Some("lake.s3.region")),
            ("403: <Error><Code>RequestTimeTooSkewed</Code></Error>", Some("clock")),
            ("501 Not Implemented: <Error><Code>NotImplemented</Code></Error>", Some("If-None-Match")),
            ("501 Not Implemented", Some("If-None-Match")),
        ] {
            match (failure("cannot create x", &generic(body)), lasting) {
                (LakeError::Unsure { source, .. }, None) => assert!(source.unwrap().to_string().contains(body)),
                (LakeError::Unsuitable { what, hint }, Some(words)) => assert!(hint.contains(words), "{what} {hint}"),
                (other, _) => panic!("{body}: {other:?}"),
            }
        }
        let denied = Error::PermissionDenied { path: "p".to_owned(), source: "no".into() };
        assert!(matches!(failure("x", &denied), LakeError::Unsuitable { .. }));
    }
}
