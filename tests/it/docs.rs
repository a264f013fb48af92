//! The documents keep step with the code: tables that are made from the code stand in them word for word.

use sidestream::telemetry::catalogue;

#[test]
fn the_readme_has_the_metrics_catalogue() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let table = catalogue::markdown();
    assert!(readme.contains(table.trim()), "README.md must contain this table:\n\n{table}");
}
