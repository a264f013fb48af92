//! The pages and their status codes, and the server's start and stop.

use super::client::{ask, get, lookup, served};
use serde_json::json;
use sidestream::http::server::{Deps, Server};
use sidestream::http::state::StateLookup;
use sidestream::telemetry::health::{Health, Phase};
use sidestream::telemetry::metrics::Metrics;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn readyz_and_healthz_follow_the_phase() {
    let (address, _server, _, health) = served();
    let recovering = Phase::Recovering { why: "the state directory is lost".to_owned(), done: 120, total: 4000 };
    for (phase, ready, alive, text) in [
        (Phase::Connecting, 503, 200, "connecting to NATS\n"),
        (recovering, 503, 200, "recovering (the state directory is lost): 120 of 4000 events\n"),
        (Phase::Ready, 200, 200, "ready\n"),
        (
            Phase::Waiting { why: "the output stream is full".to_owned() },
            503,
            200,
            "waiting: the output stream is full\n",
        ),
        (Phase::Ready, 200, 200, "ready\n"),
        (Phase::Draining, 503, 200, "draining\n"),
        (Phase::Stopped { why: "shard 1 died".to_owned() }, 503, 503, "stopped: shard 1 died\n"),
    ] {
        health.set(phase);
        let (readyz, healthz) = (get(address, "/readyz"), get(address, "/healthz"));
        assert_eq!((readyz.status, readyz.body.as_str()), (ready, text));
        assert_eq!((healthz.status, healthz.body.as_str()), (alive, text));
    }
}

#[test]
fn state_answers_by_key() {
    let (address, _server, _, health) = served();
    assert_eq!(get(address, "/state?key=ada").status, 503);
    health.set(Phase::Ready);
    let found = get(address, "/state?key=ada");
    assert_eq!((found.status, found.content_type.as_str()), (200, "application/json"));
    assert_eq!(found.body, r#"{"key":"ada","position":7}"#);
    let encoded = get(address, "/state?key=a%20b%2Bc%26%C3%BC%25%2F%3F");
    assert_eq!((encoded.status, encoded.body.contains("a b+c&ü%/?")), (200, true));
    assert_eq!(get(address, "/state?table=airline&row=A%26A").body, r#"{"row":"A&A"}"#);
    for (path, status) in [
        ("/state?key=nobody", 404),
        ("/state?table=airline", 404),
        ("/state?table=airport&row=AA", 404),
        ("/state", 400),
        ("/state?row=AA", 400),
        ("/state?key=ada&table=airline", 400),
        ("/state?kee=ada", 400),
        ("/state?key=stuck", 503),
    ] {
        assert_eq!(get(address, path).status, status, "{path}");
    }
    assert_eq!(get(address, "/state?key=stuck").body, "shard 1 is behind\n");
}

#[test]
fn the_first_page_lists_the_others_and_nothing_can_be_changed() {
    let (address, _server, ..) = served();
    let index = get(address, "/");
    assert_eq!(index.status, 200);
    for path in ["/metrics", "/healthz", "/readyz", "/state?key="] {
        assert!(index.body.contains(path), "{path}");
    }
    let unknown = get(address, "/metric");
    assert_eq!((unknown.status, unknown.body.contains("/metrics")), (404, true));
    for path in ["/", "/metrics", "/readyz", "/state?key=ada"] {
        assert_eq!(ask(address, "POST", path).status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_stopped_server_frees_its_address_and_an_address_in_use_is_said_so() {
    let (address, server, metrics, health) = served();
    let deps = || Deps { metrics: metrics.clone(), health: health.clone(), state: lookup(), state_open: false };
    let listen = address.to_string();
    let Err(error) = Server::start(&listen, deps()) else { panic!("two servers at {address}") };
    assert_eq!(error.to_string(), format!("cannot listen on {address}, as http.listen says"));
    assert!(error.hint().contains("another process"), "{}", error.hint());
    server.stop().await;
    assert!(TcpStream::connect(address).is_err());
    let (again, server) = Server::start(&listen, deps()).unwrap();
    assert_eq!((again, get(again, "/healthz").status), (address, 200));
    server.stop().await;
    let Err(error) = Server::start("8080", deps()) else { panic!("a port alone is no address") };
    assert!(error.hint().contains("ADDRESS:PORT"), "{}", error.hint());
}

#[test]
fn a_stop_lets_a_running_answer_finish() {
    let (asked, was_asked) = std::sync::mpsc::channel();
    let (release, released) = tokio::sync::watch::channel(false);
    let state: StateLookup = Arc::new(move |_| {
        let (asked, mut released) = (asked.clone(), released.clone());
        Box::pin(async move {
            asked.send(()).unwrap();
            released.wait_for(|released| *released).await.unwrap();
            Ok(Some(json!("late")))
        })
    });
    let metrics = Metrics::new();
    let health = Health::new(metrics.clone());
    health.set(Phase::Ready);
    // Inside an actix system, as the engine runs it.
    actix::System::new().block_on(async move {
        let (address, server) =
            Server::start("127.0.0.1:0", Deps { metrics, health, state, state_open: false }).unwrap();
        let client = std::thread::spawn(move || get(address, "/state?key=k"));
        was_asked.recv().unwrap();
        // `join` polls the stop first; the answer is released once nothing new is accepted.
        let released = async {
            let deadline = Instant::now() + Duration::from_secs(20);
            while TcpStream::connect(address).is_ok() {
                assert!(Instant::now() < deadline, "still accepting");
                tokio::task::yield_now().await;
            }
            release.send(true).unwrap();
        };
        futures_util::future::join(server.stop(), released).await;
        assert_eq!(client.join().unwrap().body, "\"late\"");
    });
}

/// This machine's address on the way out, where it has one; nothing is sent.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[test]
fn the_state_is_for_this_machine_unless_it_is_open() {
    let Some(ip) = own_address() else {
        println!("no other address than loopback here: not tried");
        return;
    };
    for (state_open, status) in [(false, 403), (true, 200)] {
        let metrics = Metrics::new();
        let health = Health::new(metrics.clone());
        health.set(Phase::Ready);
        let deps = Deps { metrics, health, state: lookup(), state_open };
        let (address, _server) = Server::start("0.0.0.0:0", deps).unwrap();
        let outside = std::net::SocketAddr::new(ip, address.port());
        assert_eq!(get(outside, "/state?key=ada").status, status, "from another address, open: {state_open}");
        assert_eq!(get(outside, "/readyz").status, 200, "the other pages are for everybody");
        let inside = std::net::SocketAddr::from(([127, 0, 0, 1], address.port()));
        assert_eq!(get(inside, "/state?key=ada").status, 200);
    }
}
