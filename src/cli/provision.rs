//! `sidestream provision`: stand-in.
use super::options::Options;
use crate::adapters::nats::connect::Connection;
use crate::app::exit::Exit;
use crate::config::Config;
/// stand-in
#[derive(Debug, clap::Args)]
pub struct Provision {}
impl Provision {
    pub(super) fn run(self, _: &Options) -> Result<(), Exit> {
        Ok(())
    }
}
pub(super) async fn provision(_: &Connection, _: &Config, _: usize) -> Result<Vec<String>, Exit> {
    Ok(vec![])
}
