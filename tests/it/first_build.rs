//! Directories that the first build with a stable format wrote (commit 7b377db): every build after it opens them and goes on.
//!
//! Each fixture has the configuration, the state directory and the server's store of 300 events, half of them under an
//! earlier plan. Nothing here may be made again with a later build.

use crate::harness::bed::Bed;
use crate::harness::command::run;
use crate::harness::load::{publish, school};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A bed over the fixture of one database, as it was left.
fn first_build(engine: &'static str) -> Bed {
    let mut bed = Bed::new();
    bed.server.kill();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/fixtures/first_build/{engine}.tar.gz"));
    let unpacked = Command::new("tar").arg("xzf").arg(&fixture).arg("-C").arg(bed.dir.path()).status().unwrap();
    assert!(unpacked.success(), "{}", fixture.display());
    fs::remove_dir_all(bed.server.store_dir()).unwrap();
    fs::rename(bed.dir.path().join("store"), bed.server.store_dir()).unwrap();
    bed.server.restart();
    bed.reconnect();
    bed.config = bed.dir.path().join("config.toml");
    bed.sets = vec![("state.engine", engine), ("output.mark", "seen")];
    bed
}

fn goes_on(engine: &'static str) {
    let mut bed = first_build(engine);
    let audit = run(&bed, &["audit"]);
    assert!(audit.code == Some(0) && audit.out.contains("300 outputs"), "both plans' texts are read: {audit:?}");
    publish(&mut bed.wire, &mut school(5, 60), 200).unwrap();
    let process = bed.engine("state", &[]);
    bed.finish();
    let log = process.drain();
    assert!(log.contains("kind=\"resume\"") && !log.contains("set aside"), "{log}");
    let after: u64 = log.split_once(" after=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(after, 300, "{log}");
    let audit = run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{audit:?}");
}

#[test]
fn a_sled_directory_of_the_first_build_is_gone_on_with() {
    goes_on("sled");
}

#[test]
fn a_fjall_directory_of_the_first_build_is_gone_on_with() {
    goes_on("fjall");
}
