//! The Grafana dashboard and the alerts: against the catalogue, and against a real Prometheus over a real engine.
//!
//! Nothing here knows a query by heart: all of them are read from the files that are shipped. What needs Prometheus
//! is under `with_prometheus`, so that a machine without it can skip it by that name.

mod board;
mod files;
mod prometheus;
#[cfg(feature = "failpoints")]
mod stall;
mod with_prometheus;
