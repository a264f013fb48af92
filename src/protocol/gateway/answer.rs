//! The answer: a receipt for what the stream has confirmed, a problem for everything else.
//!
//! A status of 2xx means that every event of the request stands in the stream; nothing else does.

use super::door::CORRELATION;
use super::problem::{ALL, INCOMPLETE, Problem, RequestFault, RequestPart};
use super::request::{AnsweredEvent, EventVerdict};
use serde_json::{Map, Value, json};

/// The type of a receipt.
pub const JSON: &str = "application/json";
/// The type of a problem (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
/// The type of a page.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body's type.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What all events of a request share in its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerShared {
    /// The stream.
    pub stream: String,
    /// How long the stream remembers ids, in seconds.
    pub remembers_s: u64,
    /// What the request is found by.
    pub correlation: String,
}

/// The answer to a request whose events had these fates; there is at least one.
pub fn answer(items: &[AnsweredEvent], batch: bool, shared: &AnswerShared) -> GatewayAnswer {
    let failed = || {
        items.iter().filter_map(|item| if let EventVerdict::Failed(fault) = &item.verdict { Some(fault) } else { None })
    };
    let status = status(failed().map(|fault| fault.problem.status));
    let mut headers = vec![(CORRELATION, shared.correlation.clone())];
    let told: Vec<Value> = items.iter().map(|item| told(item, shared)).collect();
    let Some(first) = failed().next() else {
        let again = items.iter().all(|item| matches!(item.verdict, EventVerdict::Stored { duplicate: true, .. }));
        headers.push(("Idempotent-Replayed", again.to_string()));
        headers.push(("Idempotency-Key-Lifetime", shared.remembers_s.to_string()));
        return GatewayAnswer { status, content_type: JSON, headers, body: line(json!({ "items": told })) };
    };
    if !batch {
        return refuse(first, &shared.correlation);
    }
    if status == 429 || status == 503 {
        let longest = failed().filter_map(|fault| fault.retry_after_s).max().unwrap_or(1);
        headers.push(("Retry-After", longest.to_string()));
    }
    let detail = format!("{} of {} events are stored", items.len() - failed().count(), items.len());
    let mut body = problem(INCOMPLETE, status, &detail, &shared.correlation);
    body.insert("items".to_owned(), Value::Array(told));
    GatewayAnswer { status, content_type: PROBLEM_JSON, headers, body: line(Value::Object(body)) }
}

/// The answer to a request of which nothing is stored, as far as is known.
pub fn refuse(fault: &RequestFault, correlation: &str) -> GatewayAnswer {
    let mut body = problem(fault.problem, fault.problem.status, &fault.detail, correlation);
    details(fault, &mut body);
    let mut headers = vec![(CORRELATION, correlation.to_owned())];
    headers.extend(fault.retry_after_s.map(|seconds| ("Retry-After", seconds.to_string())));
    if fault.problem.status == 401 {
        headers.push(("WWW-Authenticate", "Bearer".to_owned()));
    }
    GatewayAnswer { status: fault.problem.status, content_type: PROBLEM_JSON, headers, body: line(Value::Object(body)) }
}

/// The page of a problem, or of the list of all.
pub fn page(slug: Option<&str>) -> Option<GatewayAnswer> {
    let text = match slug {
        Some(slug) => {
            let found = super::problem::find(slug)?;
            format!("{} ({})\n\n{}\n\n{}\n", found.slug, found.status, found.title, found.page)
        }
        None => ALL.iter().map(|problem| format!("/problems/{:24} {}\n", problem.slug, problem.title)).collect(),
    };
    Some(GatewayAnswer { status: 200, content_type: TEXT, headers: Vec::new(), body: text })
}

/// 202 where nothing failed; 503 where anything may be sent again as it is; else what all faults have in common, or 400.
fn status(failed: impl Iterator<Item = u16> + Clone) -> u16 {
    match failed.clone().next() {
        None => 202,
        Some(_) if failed.clone().any(|status| status == 503) => 503,
        Some(first) if failed.clone().all(|status| status == first) => first,
        Some(_) => 400,
    }
}

fn told(item: &AnsweredEvent, shared: &AnswerShared) -> Value {
    match &item.verdict {
        EventVerdict::Stored { position, duplicate } => json!({
            "status": 202, "id": item.id, "stream": shared.stream, "position": position, "duplicate": duplicate,
            "correlation_id": shared.correlation,
        }),
        EventVerdict::Failed(fault) => {
            let mut told = Map::new();
            told.insert("id".to_owned(), json!(item.id));
            told.insert("type".to_owned(), json!(format!("/problems/{}", fault.problem.slug)));
            told.insert("title".to_owned(), json!(fault.problem.title));
            told.insert("status".to_owned(), json!(fault.problem.status));
            told.insert("detail".to_owned(), json!(fault.detail));
            details(fault, &mut told);
            Value::Object(told)
        }
    }
}

fn problem(problem: &Problem, status: u16, detail: &str, correlation: &str) -> Map<String, Value> {
    let body = json!({
        "type": format!("/problems/{}", problem.slug), "title": problem.title, "status": status, "detail": detail,
        "correlation_id": correlation,
    });
    if let Value::Object(body) = body { body } else { Map::new() }
}

fn details(fault: &RequestFault, into: &mut Map<String, Value>) {
    let reason = fault.problem.slug.replace('-', "_");
    let error = |at: &RequestPart| match at {
        RequestPart::Member(pointer) => {
            json!({ "pointer": format!("#{pointer}"), "detail": fault.detail, "reason": reason })
        }
        RequestPart::Header(name) => json!({ "header": name, "detail": fault.detail, "reason": reason }),
    };
    if !fault.at.is_empty() {
        into.insert("errors".to_owned(), fault.at.iter().map(error).collect());
    }
    if let Some(key) = &fault.again_as {
        into.insert("idempotency_key".to_owned(), json!(key));
    }
}

fn line(value: Value) -> String {
    format!("{value}\n")
}
