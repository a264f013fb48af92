//! Requests that somebody means ill by, or that a broken client sends: none is stored by accident, none holds the gateway up.

use super::client::{Answer, JSON, answer, post, raw};
use super::stage::{alone, header, input, user};
use crate::harness::bed::Bed;
use crate::harness::streams::INPUT;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Sends a head and pieces of a body for as long as the server takes them, and reads what it says.
fn pieces(address: SocketAddr, head: &str, mut piece: impl FnMut() -> Option<Vec<u8>>) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    while let Some(bytes) = piece() {
        if stream.write_all(&bytes).is_err() {
            break;
        }
    }
    answer(&mut BufReader::new(stream))
}

#[test]
fn headers_of_the_server_and_of_ours_are_data_at_most() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[("gateway.headers", r#"["X-Tenant"]"#)]);
    let headers = [
        JSON,
        ("Nats-Trace-Dest", "mine"),
        ("nats-trace-only", "true"),
        ("NATS-ROLLUP", "all"),
        ("Nats-TTL", "1s"),
        ("Nats-Expected-Stream", "OTHER"),
        ("Nats-Expected-Last-Sequence", "99"),
        ("Nats-Msg-Id", "chosen"),
        ("Orig-Nats-Msg-Id", "chosen"),
        ("Sidestream-Redrive", "EVENTS:1:0"),
        ("sidestream-sender", "root"),
        ("Authorization", "Bearer canary-secret"),
        ("Cookie", "canary-secret"),
        ("X-Tenant", "t"),
    ];
    for n in 1..=2 {
        assert_eq!(post(address, "/v1/events/user", &headers, user(&format!("u{n}")).as_bytes()).stored(), (n, false));
    }
    for message in input(&mut bed) {
        let names: Vec<&str> = message.headers.iter().map(|(name, _)| name.as_str()).collect();
        let own = [
            "Nats-Msg-Id",
            "Nats-Expected-Stream",
            "Correlation-Id",
            "Sidestream-Sender",
            "Sidestream-Received",
            "X-Tenant",
        ];
        assert!(names.iter().all(|name| own.contains(name)), "{names:?}");
        assert_eq!(header(&message, "Sidestream-Sender"), Some("anybody"));
        assert_eq!(header(&message, "Nats-Expected-Stream"), Some("EVENTS"));
        assert_ne!(header(&message, "Nats-Msg-Id"), Some("chosen"));
        assert!(!format!("{message:?}").contains("canary-secret"));
    }
}

#[test]
fn lines_in_headers_and_bytes_that_are_no_text_are_refused() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[("gateway.headers", r#"["X-Tenant"]"#)]);
    let body = user("ada");
    let request = |header: &[u8]| {
        let head = format!(
            "POST /v1/events/user HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n",
            body.len()
        );
        [head.as_bytes(), header, b"\r\n\r\n", body.as_bytes()].concat()
    };
    for header in [
        &b"X-Tenant: Zo\xeb"[..],
        "X-Tenant: Zoë".as_bytes(),
        b"Correlation-Id: a\xff",
        b"Idempotency-Key: ",
        b"Idempotency-Key: a\xff",
        b"traceparent: \x80",
        b"X-Tenant: a\rNats-Rollup: all",
        b"X-Tenant: a\n Nats-Rollup: all",
        b"X Tenant: a",
        b"X-Tenant: \x00",
    ] {
        let answer = raw(address, &request(header)).unwrap_or_else(|| panic!("no answer to {header:?}"));
        assert_eq!(answer.status, 400, "{header:?}: {answer:?}");
    }
    let long = format!("X-Tenant: {}", "x".repeat(200_000));
    let status = raw(address, &request(long.as_bytes())).map(|answer| answer.status);
    assert!(status.is_none_or(|status| status >= 400), "{status:?}");
    assert_eq!(bed.last(INPUT), 0);
    assert_eq!(post(address, "/v1/events/user", &[JSON], body.as_bytes()).stored(), (1, false));
}

#[test]
fn bodies_without_end_that_are_too_large_or_too_slow_are_given_up() {
    let mut bed = Bed::new();
    let sets = [("gateway.max_body_bytes", "65536"), ("gateway.request_timeout_ms", "300")];
    let (_gateway, address) = alone(&bed, &sets);
    let head = |more: &str| {
        format!("POST /v1/events/user HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{more}\r\n")
    };
    let chunk = [b"1000\r\n", &[b' '; 4_096][..], b"\r\n"].concat();
    // It ends when the server ends the connection.
    let endless = pieces(address, &head("Transfer-Encoding: chunked\r\n"), || Some(chunk.clone()));
    assert!(endless.is_none_or(|answer| answer.problem() == "too-large"));
    // Nor is an endless body read that nobody wants.
    for path in ["/v2", "/healthz"] {
        let nowhere = head("Transfer-Encoding: chunked\r\n").replace("/v1/events/user", path);
        let endless = pieces(address, &nowhere, || Some(chunk.clone()));
        assert!(endless.is_none_or(|answer| [404, 405].contains(&answer.status)), "{path}");
    }
    // Some of it, and then nothing.
    let mut left = 2;
    let mut some = || {
        left -= 1;
        (left > 0).then(|| chunk.clone())
    };
    let slow = pieces(address, &head("Transfer-Encoding: chunked\r\n"), &mut some).unwrap();
    assert_eq!((slow.status, slow.problem().as_str()), (408, "request-timeout"));
    let slow = pieces(address, &head("Content-Length: 100\r\n"), || None).unwrap();
    assert_eq!(slow.problem(), "request-timeout");
    let large = pieces(address, &head("Content-Length: 70000\r\n"), || None).unwrap();
    assert_eq!((large.status, large.problem().as_str()), (413, "too-large"));
    let without = raw(address, head("Connection: close\r\n").as_bytes()).unwrap();
    assert_eq!((without.status, without.problem().as_str()), (411, "length-required"));
    // A length that is none, two lengths, and a length beside chunks.
    for more in ["Content-Length: -1\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: x\r\n"] {
        assert_eq!(raw(address, head(more).as_bytes()).map(|answer| answer.status), Some(400), "{more}");
    }
    assert_eq!(bed.last(INPUT), 0);
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("ada").as_bytes()).stored(), (1, false));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn what_is_packed_is_unpacked_up_to_the_bound() {
    let mut bed = Bed::new();
    let (gateway, address) = alone(&bed, &[("gateway.max_body_bytes", "65536")]);
    let packed = [JSON, ("Content-Encoding", "gzip")];
    assert_eq!(post(address, "/v1/events/user", &packed, &gzip(user("ada").as_bytes())).stored(), (1, false));
    assert_eq!(input(&mut bed)[0].payload, user("ada").as_bytes());
    // 40 MB of spaces are 40 KB.
    let bomb = gzip(&vec![b' '; 40 << 20]);
    assert!(bomb.len() < 65_536);
    let before = memory(gateway.pid());
    for _ in 0..20 {
        assert_eq!(post(address, "/v1/events/user", &packed, &bomb).problem(), "too-large");
    }
    assert!(memory(gateway.pid()) < before + 20_000, "{} KB before, {} KB now", before, memory(gateway.pid()));
    let mut cut = gzip(user("bob").as_bytes());
    cut.truncate(cut.len() - 9);
    assert_eq!(post(address, "/v1/events/user", &packed, &cut).problem(), "bad-gzip");
    assert_eq!(post(address, "/v1/events/user", &packed, b"no gzip").problem(), "bad-gzip");
    let other = post(address, "/v1/events/user", &[JSON, ("Content-Encoding", "br")], b"x");
    assert_eq!((other.status, other.problem().as_str()), (415, "unsupported-media-type"));
    assert_eq!(bed.last(INPUT), 1);
}

/// The resident memory of a process, in KB.
pub fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
