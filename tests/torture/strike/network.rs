//! The connection: cut, left half-open, slow, refused, and robbed of single messages.
//!
//! Every blow makes sure that the engine at work goes through the proxies.

use super::Blow;
use crate::engine::PATIENCE;
use crate::harness::wait::wait_within;
use crate::plan::{Start, Step};
use crate::world::World;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Restarts an engine that goes around the proxies.
fn through_the_proxy(world: &mut World, step: &Step) {
    if world.engine().start.direct {
        world.drain();
        world.start(&Start { direct: false, ..step.starts[0].clone() });
        world.recovered("a start through the proxy", Instant::now());
    }
}

fn noticed(world: &mut World, before: usize) {
    assert!(world.engine().notices(before), "the engine did not notice: {}", world.engine().tail());
}

/// All connections are closed.
pub fn cut(world: &mut World, step: &Step) -> Blow {
    through_the_proxy(world, step);
    let lag = world.under_load();
    let before = world.engine().noticed();
    world.proxy.cut();
    let blow = Blow::over(format!("the engine noticed, with {lag} events waiting"));
    noticed(world, before);
    blow
}

/// Connections stay open and nothing passes; then what was held back arrives late.
pub fn half_open(world: &mut World, step: &Step, time: Duration, noticed_by_then: bool) -> Blow {
    through_the_proxy(world, step);
    let lag = world.under_load();
    let before = world.engine().noticed();
    world.proxy.half_open();
    world.for_a_while(Duration::from_millis(500));
    let lane = world.lane();
    world.for_a_while(time);
    assert_eq!(world.lane(), lane, "outputs passed a connection that is half open");
    if noticed_by_then {
        noticed(world, before);
    }
    world.proxy.restore();
    Blow::over(format!("no output for {:.1} s with {lag} events waiting", time.as_secs_f64()))
}

/// How long the server's greeting takes through the proxies; `None` if the connection is closed without one.
fn greeting(world: &World) -> Option<Duration> {
    let began = Instant::now();
    let stream = TcpStream::connect(world.frames.address()).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.starts_with("INFO ").then(|| began.elapsed())
}

/// Every chunk is held back for 50 to 350 ms, for 4 s.
pub fn delay(world: &mut World, step: &Step) -> Blow {
    through_the_proxy(world, step);
    world.under_load();
    let delay = Duration::from_millis(50 + step.force * 3 / 10);
    world.proxy.delay(delay);
    let took = greeting(world).expect("a greeting");
    assert!(took >= delay, "a greeting after {took:?}");
    world.for_a_while(Duration::from_secs(4));
    world.proxy.restore();
    Blow::over(format!("the server's greeting took {} ms for {} ms of delay", took.as_millis(), delay.as_millis()))
}

/// Connections are closed, and new ones refused for 1 to 5 s.
pub fn refuse(world: &mut World, step: &Step) -> Blow {
    through_the_proxy(world, step);
    let lag = world.under_load();
    let before = world.engine().noticed();
    world.proxy.refuse();
    assert_eq!(greeting(world), None, "the proxy lets connections pass");
    world.for_a_while(Duration::from_millis(1_000 + 4 * step.force));
    noticed(world, before);
    world.proxy.restore();
    Blow::over(format!("no greeting for a new connection; the engine noticed, with {lag} events waiting"))
}

/// One to four answers to the lane's batches are lost.
pub fn swallow_acks(world: &mut World, step: &Step) -> Blow {
    through_the_proxy(world, step);
    let lag = world.under_load();
    let (before, wanted) = (world.frames.swallowed().0, 1 + step.force / 250);
    world.frames.swallow_acks(wanted);
    // A lost answer to a batch's end is noticed by a time-out only; the next loss comes with the next start.
    wait_within(PATIENCE, "an answer to swallow", || (world.frames.swallowed().0 > before).then_some(()));
    world.for_a_while(Duration::from_millis(500));
    world.frames.swallow_acks(0);
    let swallowed = world.frames.swallowed().0 - before;
    Blow::over(format!("{swallowed} answers swallowed with {lag} events waiting"))
}

/// One to 200 deliveries are lost; the source must notice the hole in the consumer's sequence.
pub fn swallow_deliveries(world: &mut World, step: &Step) -> Blow {
    through_the_proxy(world, step);
    let lag = world.under_load();
    let (before, seen) = (world.frames.swallowed().1, world.engine().noticed());
    world.frames.swallow_deliveries(1 + step.force / 5);
    wait_within(PATIENCE, "a delivery to swallow", || (world.frames.swallowed().1 > before).then_some(()));
    world.for_a_while(Duration::from_millis(100));
    world.frames.swallow_deliveries(0);
    let swallowed = world.frames.swallowed().1 - before;
    world.surge();
    let blow = Blow::over(format!("{swallowed} deliveries swallowed with {lag} events waiting; the engine noticed"));
    noticed(world, seen);
    blow
}
