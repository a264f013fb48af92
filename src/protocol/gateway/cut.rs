//! A request taken apart: its mode by its type, its events, and the headers that are stored with them.
//!
//! What is stored of the headers is listed here and in the configuration, and nothing else passes: no name of the server's or of
//! our own can be among them, whatever a sender writes.

use super::cloud_events::{CONTENT_TYPE, PREFIX, batch, binary, structured};
use super::problem::{BAD_BATCH, BAD_HEADER, BATCH_TOO_LARGE, MEDIA_TYPE, RequestFault, RequestPart};
use super::request::{Candidate, GivenIdentity, PublishRequest};
use crate::core::output::{Headers, is_reserved};
use crate::json::cursor::Scratch;
use bytes::Bytes;

/// The headers that are stored whatever the mode: those of trace context.
const PASSING: [&str; 2] = ["traceparent", "tracestate"];
/// The longest `Idempotency-Key` or `Correlation-Id`.
const LONGEST: usize = 255;

/// What a request is taken apart by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestBounds {
    /// The most events of a batch.
    pub max_batch: usize,
    /// The names of further headers that are stored, as they are stored.
    pub headers: Vec<String>,
}

/// The events of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutRequest {
    /// Each event, or what is wrong with it.
    pub events: Vec<Result<Candidate, RequestFault>>,
    /// Whether it came as a batch.
    pub batch: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Lines,
    Binary,
    Structured,
    Batch,
}

/// Takes a request apart; an error is about all of it.
pub fn cut(request: &PublishRequest, bounds: &RequestBounds) -> Result<CutRequest, RequestFault> {
    let mode = mode(request)?;
    let key = bounded(request, "idempotency-key")?;
    let kept = kept(request, bounds)?;
    let mut scratch = Scratch::default();
    let mut events = match mode {
        Mode::Plain => vec![Ok(Candidate { body: request.body.clone(), ..Candidate::default() })],
        Mode::Lines => lines(&request.body, bounds.max_batch),
        Mode::Binary => vec![binary(&request.headers, request.body.clone())],
        Mode::Structured => vec![structured(&request.body, &mut scratch)],
        Mode::Batch => {
            let texts = batch(&request.body, bounds.max_batch, &mut scratch)?;
            texts.iter().map(|text| structured(text, &mut scratch)).collect()
        }
    };
    if events.is_empty() {
        return Err(RequestFault::new(BAD_BATCH, "the batch has no event"));
    }
    if events.len() > bounds.max_batch {
        return Err(RequestFault::new(BATCH_TOO_LARGE, format!("it has more than {} events", bounds.max_batch)));
    }
    for event in &mut events {
        *event = std::mem::replace(event, Ok(Candidate::default())).and_then(|event| {
            let given = key.clone().map(GivenIdentity::Key).or(event.given);
            let kind = request.kind.clone().or(event.kind);
            let headers = [event.headers, kept.clone()].concat();
            printable(&headers)?;
            Ok(Candidate { headers, given, kind, ..event })
        });
    }
    Ok(CutRequest { events, batch: matches!(mode, Mode::Lines | Mode::Batch) })
}

/// The sender's own `Correlation-Id`.
pub fn correlation(request: &PublishRequest) -> Result<Option<String>, RequestFault> {
    bounded(request, "correlation-id")
}

fn mode(request: &PublishRequest) -> Result<Mode, RequestFault> {
    let given = request.header(CONTENT_TYPE).unwrap_or_default();
    let (media, parameters) = given.split_once(';').unwrap_or((given, ""));
    let media = media.trim().to_ascii_lowercase();
    let charset = parameters
        .split(';')
        .find_map(|part| part.trim().to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    let refused =
        |detail: &str| Err(RequestFault::new(MEDIA_TYPE, detail).at(RequestPart::Header(CONTENT_TYPE.to_owned())));
    if charset.is_some_and(|charset| !["utf-8", "us-ascii"].contains(&charset.trim_matches('"'))) {
        return refused("JSON is UTF-8");
    }
    match media.as_str() {
        "application/cloudevents-batch+json" => Ok(Mode::Batch),
        "application/cloudevents+json" => Ok(Mode::Structured),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Mode::Lines),
        media if media.starts_with("application/cloudevents") => {
            refused("of the formats of CloudEvents, JSON is taken")
        }
        _ if request.header("ce-specversion").is_some() => Ok(Mode::Binary),
        "application/json" => Ok(Mode::Plain),
        media if media.starts_with("application/") && media.ends_with("+json") => Ok(Mode::Plain),
        "" => refused("the request has no Content-Type"),
        _ => refused("this type is not taken"),
    }
}

/// The objects of NDJSON; lines with nothing in them are none.
fn lines(body: &Bytes, most: usize) -> Vec<Result<Candidate, RequestFault>> {
    let lines = body.split(|byte| *byte == b'\n').map(|line| body.slice_ref(line.trim_ascii()));
    let events = lines.filter(|line| !line.is_empty()).map(|body| Ok(Candidate { body, ..Candidate::default() }));
    events.take(most.saturating_add(1)).collect()
}

/// The headers that are stored with every event of the request. Attributes of CloudEvents are not among them.
fn kept(request: &PublishRequest, bounds: &RequestBounds) -> Result<Headers, RequestFault> {
    let mut kept = Headers::new();
    for (name, value) in &request.headers {
        let wanted = PASSING.iter().copied().chain(bounds.headers.iter().map(String::as_str));
        let stored = wanted.filter(|wanted| !is_reserved(wanted)).find(|wanted| wanted.eq_ignore_ascii_case(name));
        if let Some(stored) = stored.filter(|_| !name.starts_with(PREFIX)) {
            kept.push((stored.to_owned(), value.clone()));
        }
    }
    printable(&kept)?;
    Ok(kept)
}

fn printable(headers: &Headers) -> Result<(), RequestFault> {
    let bad = headers.iter().find(|(_, value)| !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
    bad.map_or(Ok(()), |(name, _)| {
        let detail = "the value of a header that is stored has printable ASCII alone";
        Err(RequestFault::new(BAD_HEADER, detail).at(RequestPart::Header(name.clone())))
    })
}

/// A header that may come once, with a value of a bounded length.
fn bounded(request: &PublishRequest, name: &str) -> Result<Option<String>, RequestFault> {
    let mut values = request.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.trim());
    let (first, second) = (values.next(), values.next());
    let refused = |detail: String| Err(RequestFault::new(BAD_HEADER, detail).at(RequestPart::Header(name.to_owned())));
    let good = |value: &str| (1..=LONGEST).contains(&value.len()) && value.bytes().all(|b| (0x20..0x7f).contains(&b));
    match (first, second) {
        (None, _) => Ok(None),
        (Some(value), None) if good(value) => Ok(Some(value.to_owned())),
        (Some(_), None) => refused(format!("it has 1 to {LONGEST} characters of printable ASCII")),
        (Some(_), Some(_)) => refused("it may come once".to_owned()),
    }
}
