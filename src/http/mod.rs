//! stand-in
pub mod health;
pub mod server;
