//! What applying events leaves to be written.

use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::fixture::spec;
use crate::core::plan::layout::Layout;
use crate::protocol::runner::Runner;
use std::sync::Arc;

#[test]
fn a_row_that_stays_as_it_was_is_not_written_again() {
    let plan = Arc::new(Plan::compile(spec('C'), &Layout::default()));
    let mut runner = Runner::new(plan, 1);
    let mut written = |sequence: u64, properties: &str| {
        let payload = format!(r#"{{"title":"user","properties":{{"uuid":"u"{properties}}}}}"#).into();
        let (subject, stored_at) = ("events.user".into(), Nanos(sequence as i64));
        let message = StoredMessage { sequence, stored_at, subject, headers: None, payload };
        assert_eq!(runner.run(vec![message]).len(), 1);
        let (_, groups) = runner.checkpoint();
        groups.iter().map(|group| group.changes.len()).sum::<usize>()
    };
    let cases = [
        ("", 1, "a row without columns is a row"),
        ("", 0, "and stays one"),
        (r#","country":"PT","name":"Ana""#, 1, "two columns"),
        (r#","country":"PT""#, 0, "the same again"),
        (r#","city":"Faro""#, 0, "nothing that the plan keeps"),
        (r#","country":"DE""#, 1, "one of them changes"),
        (r#","country":null"#, 1, "and is null"),
        (r#","country":null,"name":"Ana""#, 0, "the same again"),
    ];
    for (at, (properties, expected, why)) in cases.into_iter().enumerate() {
        assert_eq!(written(at as u64 + 1, properties), expected, "{why}: {properties}");
    }
}
