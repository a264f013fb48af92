//! stand-in
#![allow(missing_docs)]
pub enum Format {
    Text,
    Json,
}
pub fn init(_: Format, f: &str) -> Result<(), String> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(f).try_init().map_err(|e| e.to_string())
}
