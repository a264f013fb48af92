//! Headers on their way through the engine: which ones a plan can read, and which ones an output keeps.

use crate::harness::bed::Bed;

const USER: &[u8] = br#"{"title":"user","properties":{"uuid":"a"}}"#;

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_plan_reads_the_headers_that_no_output_keeps() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[("event.id", "$header.sidestream-id")]);
    for (id, trace) in [("1", "a"), ("2", "b"), ("1", "c")] {
        let headers = [header("sidestream-id", id), header("Trace", trace), header("nats-msg-id", trace)];
        bed.wire.publish("events.case", &headers, USER).unwrap();
    }
    bed.wire.flush().unwrap();
    bed.finish();
    engine.drain();
    let lane = bed.lane();
    // The third has the id of the first.
    assert_eq!(lane.len(), 3, "two and the last");
    for (message, trace) in lane.iter().zip(["a", "b"]) {
        let foreign: Vec<&(String, String)> = message
            .headers
            .iter()
            .filter(|(name, _)| !name.starts_with("Sidestream-") && !name.starts_with("Nats-"))
            .collect();
        assert_eq!(foreign, [&header("Trace", trace)]);
    }
}
