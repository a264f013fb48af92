//! Logins and permissions of a running engine: what is taken away and given back is waited for.

use super::{bed_on, page, ready};
use crate::harness::bed::Bed;
use crate::harness::load::{publish, school};
use crate::harness::wait::{DEADLINE, wait_until};
use crate::server::Server;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// An engine's user with a password and what it may not publish, beside one that needs no login and may do everything.
fn users(password: &str, rights: &str) -> String {
    format!(
        r#"authorization {{ users: [
            {{ user: admin, password: x }},
            {{ user: engine, password: {password}, permissions: {{ {rights} }} }}
        ] }}
        no_auth_user: admin"#
    )
}

const ALL: &str = "publish: \">\", subscribe: \">\"";

fn password_file(bed: &Bed, text: &str) -> PathBuf {
    let file = bed.dir.path().join("password");
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_password_that_changes_is_waited_for_and_read_again() {
    let mut bed = bed_on(Server::start_with(&users("one", ALL)));
    let file = password_file(&bed, "one").display().to_string();
    let login = [("nats.user", "engine"), ("nats.password_file", &*file)];
    let mut engine = bed.engine("state", &login);
    publish(&mut bed.wire, &mut school(61, 20), 500).unwrap();
    wait_until("outputs", || bed.lane_has(400).then_some(()));

    bed.server.reload_with(&users("two", ALL));
    engine.wait_for_log("refused the login");
    let (is_ready, words) = ready(&engine);
    assert!(!is_ready && words.contains("refused the login"), "{words}");
    // A process that never came in is told at once, and does not show the password.
    let (code, log) = bed.engine("late", &login).exited(DEADLINE);
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("refused the login") && log.contains("password_file") && !log.contains("one\n"), "{log}");

    password_file(&bed, "two\n");
    bed.finish();
    wait_until("the engine to be ready again", || ready(&engine).0.then_some(()));
    engine.drain();
    bed.assert_clean();
}

#[test]
fn a_login_that_stays_refused_ends_the_engine_after_its_patience() {
    let mut bed = bed_on(Server::start_with(&users("one", ALL)));
    let file = password_file(&bed, "one").display().to_string();
    let login = [("nats.user", "engine"), ("nats.password_file", &*file), ("nats.auth_patience_s", "3")];
    let engine = bed.engine("state", &login);
    bed.finish();
    bed.server.reload_with(&users("two", ALL));
    let (code, log) = engine.exited(DEADLINE);
    assert_eq!(code, Some(78), "{log}");
    assert!(log.matches("refused the login").count() >= 2, "it was tried again: {log}");
}

#[test]
fn a_permission_that_is_taken_away_is_waited_for() {
    let mut bed = bed_on(Server::start_with(&users("one", ALL)));
    let file = password_file(&bed, "one").display().to_string();
    let mut engine = bed.engine("state", &[("nats.user", "engine"), ("nats.password_file", &*file)]);
    bed.finish();
    wait_until("a checkpoint", || {
        let figures = page(&engine, "/metrics").1;
        let line = figures.lines().find_map(|line| line.strip_prefix("sidestream_checkpoint_position "))?;
        (line != "0").then_some(())
    });
    bed.server.reload_with(&users("one", "publish: { deny: \"enriched.>\" }"));
    publish(&mut bed.wire, &mut school(62, 0), 200).unwrap();
    engine.wait_for_log("Permissions Violation");
    wait_until("not ready, with the reason", || {
        let (is_ready, words) = ready(&engine);
        (!is_ready && words.contains("Permissions Violation")).then_some(())
    });
    bed.server.reload_with(&users("one", ALL));
    bed.finish();
    wait_until("the engine to be ready again", || ready(&engine).0.then_some(()));
    assert!(engine.runs());
    engine.drain();
    bed.assert_clean();
}

#[test]
fn a_user_with_an_inbox_of_its_own_is_served_or_told_so() {
    let rights = "publish: \">\", subscribe: [\"_MINE.>\", \"sidestream.claim.ENRICHED\"]";
    let mut bed = bed_on(Server::start_with(&users("one", rights)));
    let file = password_file(&bed, "one").display().to_string();
    let login = [("nats.user", "engine"), ("nats.password_file", &*file)];
    let began = Instant::now();
    let (code, log) = bed.engine("state", &login).exited(DEADLINE);
    assert!(began.elapsed() < Duration::from_secs(10), "{log}");
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("Subscription to \"_INBOX.") && log.contains("nats.inbox_prefix"), "{log}");

    let own = [login[0], login[1], ("nats.inbox_prefix", "_MINE.engine")];
    let engine = bed.engine("state", &own);
    publish(&mut bed.wire, &mut school(63, 20), 2_000).unwrap();
    bed.finish();
    engine.drain();
    bed.assert_clean();
}
