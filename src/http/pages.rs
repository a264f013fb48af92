//! The plain pages: the list of endpoints, `/metrics`, `/healthz` and `/readyz`.
//!
//! No page waits for the engine, so that a stuck engine can still be looked at.

use super::server::Deps;
use super::state::{plain, state};
use crate::telemetry::health::Phase;
use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig, get, resource, to};
use actix_web::{HttpResponse, Responder};

const INDEX: &str = "\
sidestream

/metrics          figures for Prometheus
/healthz          200 while the engine's actors live
/readyz           200 when connected, recovered, moving and not draining; else 503 with the reason
/state?key=KEY    the rows of one key, as JSON
/state?table=TABLE&row=ROW  a row of a global table";

/// Every route; a known path with another method is a 405, any other path a 404 with the list.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/").get(index))
        .service(resource("/metrics").get(metrics))
        .service(resource("/healthz").get(healthz))
        .service(resource("/readyz").get(readyz))
        .service(resource("/state").route(get().to(state)))
        .default_service(to(unknown));
}

async fn index() -> impl Responder {
    plain(StatusCode::OK, INDEX.to_owned())
}

async fn unknown() -> impl Responder {
    plain(StatusCode::NOT_FOUND, format!("no such page; there are:\n\n{INDEX}"))
}

async fn metrics(deps: Data<Deps>) -> impl Responder {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(deps.metrics.render())
}

async fn healthz(deps: Data<Deps>) -> impl Responder {
    let phase = deps.health.phase();
    answer(phase.is_alive(), &phase)
}

async fn readyz(deps: Data<Deps>) -> impl Responder {
    let phase = deps.health.phase();
    answer(phase.is_ready(), &phase)
}

/// Status and text come from one reading of the phase, so that they never contradict each other.
fn answer(good: bool, phase: &Phase) -> HttpResponse {
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    plain(status, phase.to_string())
}
