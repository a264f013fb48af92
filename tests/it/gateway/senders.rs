//! Tokens with scopes, and what a gateway without tokens refuses.

use super::client::{JSON, post, raw};
use super::stage::{alone, header, input, user};
use crate::harness::bed::Bed;
use crate::harness::page::page;
use crate::harness::streams::INPUT;
use crate::harness::wait::wait_until;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The SHA-256 of `shop-token`, as `sha256sum` prints it.
fn digest(token: &str) -> String {
    let mut command = Command::new("sh");
    let output = command.args(["-c", &format!("printf %s {token} | sha256sum")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn tokens(bed: &Bed, lines: &[(&str, &str, &str)], mode: u32) -> PathBuf {
    let path = bed.dir.path().join("tokens");
    let text: String =
        lines.iter().map(|(name, scopes, token)| format!("{name} {scopes} {}\n", digest(token))).collect();
    write(&path, &text, mode);
    path
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn a_token_sends_what_its_scopes_say_and_is_never_shown() {
    let mut bed = Bed::new();
    let path = tokens(&bed, &[("shop", "ingest:user*", "canary-shop"), ("bus", "read,ingest", "canary-bus")], 0o600);
    let (gateway, address) =
        alone(&bed, &[("gateway.tokens_file", path.to_str().unwrap()), ("gateway.listen", "127.0.0.1:0")]);
    let sent = |token: &str, path: &str, body: &str| {
        post(address, path, &[JSON, ("Authorization", &format!("Bearer {token}"))], body.as_bytes())
    };
    assert_eq!(sent("canary-shop", "/v1/events/user", &user("ada")).stored(), (1, false));
    let forbidden = sent("canary-shop", "/v1/events/lesson", "{}");
    assert_eq!((forbidden.status, forbidden.problem().as_str()), (403, "forbidden"));
    // Another kind inside than in the path.
    let hidden = sent("canary-shop", "/v1/events/user", r#"{"title":"lesson","properties":{"user_uuid":"u"}}"#);
    assert_eq!(hidden.problem(), "forbidden");
    assert_eq!(
        sent("canary-bus", "/v1/events/lesson", r#"{"title":"lesson","properties":{"user_uuid":"u"}}"#).status,
        202
    );
    // One sender cannot take another's identity.
    assert_eq!(sent("canary-bus", "/v1/events/user", &user("ada")).stored(), (3, false));
    for headers in
        [&[JSON][..], &[JSON, ("Authorization", "Bearer wrong")], &[JSON, ("Authorization", "Basic canary-shop")]]
    {
        let answer = post(address, "/v1/events/user", headers, user("x").as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(header(&input(&mut bed)[0], "Sidestream-Sender"), Some("shop"));
    assert!(!format!("{:?}", input(&mut bed)).contains("canary"));
    let (_, metrics) = page(gateway.address().parse().unwrap(), "/metrics").unwrap();
    assert!(!metrics.contains("canary") && !gateway.log().contains("canary"));
}

#[test]
fn the_tokens_file_is_its_owners_alone_and_is_read_again_when_it_changes() {
    let bed = Bed::new();
    let path = tokens(&bed, &[("shop", "ingest", "one")], 0o640);
    let sets = [("gateway.tokens_file", path.to_str().unwrap())];
    for (mode, text, why) in [
        (0o640, None, "others than its owner"),
        (0o600, Some("shop ingest nonsense"), "line 1: the digest"),
        (0o600, Some(""), "no token"),
    ] {
        write(&path, text.unwrap_or(&format!("shop ingest {}", digest("one"))), mode);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
        command.arg("gateway").arg("--config").arg(&bed.config).env_remove("SIDESTREAM_NATS_URL");
        for (key, value) in bed.sets_of("gateway", &[("gateway.listen", "127.0.0.1:0"), sets[0]]) {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(why) && !said.contains("nonsense"), "{said}");
    }
    write(&path, &format!("shop ingest {}\n", digest("one")), 0o600);
    let (mut gateway, address) = alone(&bed, &sets);
    let status = |token: &str| {
        let bearer = format!("Bearer {token}");
        post(address, "/v1/events/user", &[JSON, ("Authorization", &bearer)], user("ada").as_bytes()).status
    };
    assert_eq!((status("one"), status("two")), (202, 401));
    // What cannot be used leaves those of before.
    write(&path, "nonsense", 0o600);
    gateway.wait_for_log("those of before stay");
    assert_eq!(status("one"), 202);
    write(&path, &format!("shop ingest {}\nnew ingest {}\n", digest("three"), digest("two")), 0o600);
    wait_until("the new tokens", || (status("two") == 202).then_some(()));
    assert_eq!(status("one"), 401);
    assert!(!gateway.log().contains("nonsense"));
}

#[test]
fn without_tokens_no_page_of_a_browser_gets_in() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[]);
    let body = user("ada");
    let with = |host: &str, more: &str| {
        let head = format!(
            "POST /v1/events/user HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        raw(address, &[head.as_bytes(), body.as_bytes()].concat()).unwrap()
    };
    let rebound = with("evil.example", "");
    assert_eq!((rebound.status, rebound.problem().as_str()), (421, "wrong-host"));
    let page = with("127.0.0.1", "Origin: null\r\n");
    assert_eq!((page.status, page.problem().as_str()), (403, "foreign-page"));
    assert_eq!(bed.last(INPUT), 0);
    assert_eq!(with("localhost:1", "").status, 202);
}
