//! `sidestream audit`: stand-in.
use super::options::Options;
use crate::app::exit::Exit;
/// stand-in
#[derive(Debug, clap::Args)]
pub struct Audit {}
impl Audit {
    pub(super) fn run(self, _: &Options) -> Result<(), Exit> {
        Ok(())
    }
}
