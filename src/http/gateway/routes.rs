//! The gateway's routes: events in, health, and the pages of problems.

use super::body::{KeptBody, read, shape};
use super::server::RouteShared;
use crate::core::output::Headers;
use crate::protocol::gateway::answer::{GatewayAnswer, TEXT, page};
use crate::protocol::gateway::problem::{BUSY, METHOD, NOT_FOUND, RequestFault};
use crate::protocol::gateway::request::PublishRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload, ServiceConfig, get, post, resource, to};
use actix_web::{HttpRequest, HttpResponse, Route};
use std::time::Instant;

const INDEX: &str = "\
sidestream gateway

POST /v1/events          a CloudEvent, a batch of them, or events that say their kind themselves
POST /v1/events/KIND     an event of this kind as JSON, or many as NDJSON
/problems                what an answer may say, a page each
/healthz                 200 while the gateway lives
/readyz                  200 while events can be stored; else 503 with the reason
";

/// Every route.
pub(super) fn routes(config: &mut ServiceConfig) {
    // A method that is not asked for has an answer here, too: that of the library would let the body go.
    let page = |path: &str, page: Route| resource(path).route(page).default_service(to(reading));
    let events = |path: &str| resource(path).route(post().to(events)).default_service(to(sending));
    config
        .service(events("/v1/events"))
        .service(events("/v1/events/{kind}"))
        .service(page("/problems", get().to(problems)))
        .service(page("/problems/{slug}", get().to(problem)))
        .service(page("/healthz", get().to(healthz)))
        .service(page("/readyz", get().to(readyz)))
        .service(page("/", get().to(index)))
        .default_service(to(unknown));
}

async fn events(request: HttpRequest, mut payload: Payload, shared: Data<RouteShared>) -> HttpResponse {
    let began = Instant::now();
    let metrics = shared.desk.metrics.clone();
    let answer = taken(&request, &mut payload, &shared).await;
    metrics.gateway_answered(answer.status, began.elapsed().as_secs_f64());
    metrics.gateway().in_flight(shared.room.taken());
    respond(answer, payload)
}

async fn taken(request: &HttpRequest, payload: &mut Payload, shared: &RouteShared) -> GatewayAnswer {
    let head = head(request);
    let sender = match (shared.desk.enter)(&head) {
        Ok(sender) => sender,
        Err(answer) => return answer,
    };
    let refused = |fault: &RequestFault| (shared.desk.refuse)(fault);
    let shape = match shape(&head, &shared.limits) {
        Ok(shape) => shape,
        Err(fault) => return refused(&fault),
    };
    let Some(_part) = shared.room.part(shape.bytes) else {
        let detail = "the requests in hand have all the memory that there is for them";
        return refused(&RequestFault::later(BUSY, detail, 1));
    };
    match read(payload, shape, &shared.limits).await {
        Ok(body) => (shared.desk.take)(sender, PublishRequest { body, ..head }).await,
        Err(fault) => refused(&fault),
    }
}

/// The headers, with bytes that are no text made visible as such.
fn head(request: &HttpRequest) -> PublishRequest {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = request.headers().iter();
    let headers: Headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect();
    let kind = request.match_info().get("kind").map(str::to_owned);
    PublishRequest { kind, headers, body: bytes::Bytes::new() }
}

fn respond(answer: GatewayAnswer, payload: Payload) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST));
    for header in &answer.headers {
        response.append_header((header.0, header.1.as_str()));
    }
    response.append_header(("Cache-Control", "no-store")).append_header(("X-Content-Type-Options", "nosniff"));
    response.content_type(answer.content_type).body(KeptBody::new(answer.body, payload))
}

async fn sending(payload: Payload, shared: Data<RouteShared>) -> HttpResponse {
    only("POST", "events are sent with POST", payload, &shared)
}

async fn reading(payload: Payload, shared: Data<RouteShared>) -> HttpResponse {
    only("GET", "pages are read with GET", payload, &shared)
}

fn only(method: &str, detail: &str, payload: Payload, shared: &RouteShared) -> HttpResponse {
    let mut answer = (shared.desk.refuse)(&RequestFault::new(METHOD, detail));
    answer.headers.push(("Allow", method.to_owned()));
    respond(answer, payload)
}

async fn unknown(payload: Payload, shared: Data<RouteShared>) -> HttpResponse {
    respond((shared.desk.refuse)(&RequestFault::new(NOT_FOUND, "`/` lists the pages that there are")), payload)
}

async fn problems(payload: Payload) -> HttpResponse {
    respond(page(None).unwrap_or_else(|| text(404, "")), payload)
}

async fn problem(slug: Path<String>, payload: Payload, shared: Data<RouteShared>) -> HttpResponse {
    let none = || (shared.desk.refuse)(&RequestFault::new(NOT_FOUND, "/problems lists the problems that there are"));
    respond(page(Some(&slug)).unwrap_or_else(none), payload)
}

async fn index(payload: Payload) -> HttpResponse {
    respond(text(200, INDEX), payload)
}

async fn healthz(payload: Payload) -> HttpResponse {
    respond(text(200, "alive\n"), payload)
}

async fn readyz(payload: Payload, shared: Data<RouteShared>) -> HttpResponse {
    let trouble = (shared.desk.trouble)();
    respond(trouble.map_or_else(|| text(200, "ready\n"), |why| text(503, &format!("{why}\n"))), payload)
}

fn text(status: u16, body: &str) -> GatewayAnswer {
    GatewayAnswer { status, content_type: TEXT, headers: Vec::new(), body: body.to_owned() }
}
