//! Sidestream: a stateful stream engine in one binary that runs beside a NATS server.
//!
//! The path of one event, which is also the order of the modules below, read from the middle outwards:
//! `json` finds the fields of an event in its bytes, `core` says what becomes of it, `protocol` how its outputs are out exactly
//! once, `engine` moves slices of events through actors, `adapters` talk to
//! NATS and to the disk, `app` starts and restarts the whole, `cli` is what a person types.

pub mod json;
pub mod core;
pub mod protocol;
pub mod engine;
pub mod ports;
pub mod adapters;
pub mod config;
pub mod telemetry;
pub mod http;
pub mod audit;
pub mod app;
pub mod commands;
pub mod generate;
pub mod cli;
