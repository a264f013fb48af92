//! An engine that stands still: the lag must grow, though the engine takes nothing and hears of nothing.

use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{publish, school};
use crate::harness::streams::INPUT;
use crate::harness::wait::wait_until;
use std::io::{Read, Write};
use std::net::TcpStream;

/// One series of `/metrics`.
fn figure(engine: &Engine, series: &str) -> u64 {
    let mut stream = TcpStream::connect(engine.address()).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {series} in {page}")).parse().unwrap()
}

#[test]
fn the_lag_of_an_engine_that_stands_still_is_the_inputs_end_less_what_it_took() {
    let mut bed = Bed::new();
    let sets = bed.sets_of("state", &[("engine.max_in_flight_slices", "2")]);
    // The sequencer stops for good with the first output in its hands.
    let stopped = "after_publish_before_confirmation=pause";
    let engine = Engine::armed("stalled", &bed.config, &sets, &[], stopped);
    let mut school = school(23, 0);
    for count in [6_000, 20_000] {
        publish(&mut bed.wire, &mut school, count).unwrap();
        let last = bed.last(INPUT);
        wait_until("the lag to say so", || {
            let (lag, taken) = (figure(&engine, "sidestream_lag_events"), figure(&engine, "sidestream_input_position"));
            assert!(taken <= 3 * 512, "it does not stand still: {taken}");
            (lag + taken == last).then_some(())
        });
    }
    engine.kill();
}
