//! Salt files: what `check` says of them, what comes of them, and that nobody sees them.

use crate::config_diagnostics::BASE;
use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::wait::{DEADLINE, wait_until};
use sidestream::config::{Config, Overrides};
use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SALT: &str = "canary-of-32-bytes-that-is-secret";

/// A configuration that hashes `email`, in a directory of its own.
fn configuration(dir: &Path, salt: Option<&str>, mode: u32) -> PathBuf {
    let file = dir.join("salt");
    if let Some(salt) = salt {
        write(&file, salt).unwrap();
        set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    }
    let text = format!("{BASE}[[derive]]\nmask = {{ email = \"hash\" }}\nsalt_file = {file:?}\n");
    let path = dir.join("config.toml");
    write(&path, text).unwrap();
    path
}

/// What `check` prints: mistakes, or warnings.
fn printed(salt: Option<&str>, mode: u32) -> String {
    let dir = tempfile::tempdir().unwrap();
    match Config::load(&configuration(dir.path(), salt, mode), &Overrides::default()) {
        Err(error) => error.to_string(),
        Ok((_, warnings)) => warnings.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_salt_that_is_missing_short_or_open_to_others_is_pointed_at() {
    for (salt, mode, told) in [
        (None, 0, "the salt cannot be read from "),
        (Some("fifteen bytes.."), 0o600, "has 15 bytes: with fewer than 16 it can be guessed"),
        (Some("fifteen bytes..\r\n"), 0o600, "has 15 bytes"),
        (Some(SALT), 0o640, "can be read by others (mode 640)"),
    ] {
        let text = printed(salt, mode);
        assert!(text.contains(told) && text.contains("config.toml:27:13") && text.contains("^^^"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
    assert_eq!(printed(Some(SALT), 0o600), "");
}

#[test]
fn a_plan_has_the_digest_of_the_salt_and_another_salt_is_another_plan() {
    let plan = |salt: &str| {
        let dir = tempfile::tempdir().unwrap();
        Config::load(&configuration(dir.path(), Some(salt), 0o600), &Overrides::default()).unwrap().0.plan
    };
    let one = plan(SALT);
    assert!(!one.text().contains("canary") && !format!("{one:?}").contains("canary"), "{}", one.text());
    assert_eq!(one.fingerprint(), plan(&format!("{SALT}\n")).fingerprint(), "a line's end is no part of it");
    assert_ne!(one.fingerprint(), plan(&format!("{SALT}!")).fingerprint());
    let mut stored = serde_json::from_str::<sidestream::core::plan::spec::PlanSpec>(&one.text()).unwrap();
    assert!(!stored.has_its_salts());
    stored.borrow_salts(&plan(&format!("{SALT}!")));
    assert!(!stored.has_its_salts());
    stored.borrow_salts(&one);
    assert!(stored.has_its_salts());
}

/// Python: `hmac.new(b"canary-of-32-bytes-that-is-secret", b"a@b.example", "sha256").hexdigest()[:16]`.
#[test]
fn a_hash_is_what_other_programs_make_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), Some(SALT), 0o600);
    let cases = dir.path().join("cases.toml");
    let case = "[[case]]\nname = \"a hash\"\nin = '''\n{\"title\":\"visit\",\"email\":\"a@b.example\"}\n'''\nout = '''\n1 out.visit {\"title\":\"visit\",\"email\":\"HASH\"}\n'''\n";
    write(&cases, case.replace("HASH", "add2f35e2e21bb64")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.arg("test").arg("--config").arg(config).arg(cases).env_remove("SIDESTREAM_NATS_URL");
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{text}");
}

/// Nothing was written before the kill, so that the next start has to make the stored outputs once more, hashes and all.
#[test]
fn another_salt_after_a_crash_is_refused_until_the_former_one_is_back() {
    let mut bed = Bed::new();
    let salt = bed.dir.path().join("salt");
    let shipped = std::fs::read_to_string(&bed.config).unwrap();
    bed.config = bed.dir.path().join("config.toml");
    write(&bed.config, format!("{shipped}\n[[derive]]\nmask = {{ email = \"hash\" }}\nsalt_file = {salt:?}\n"))
        .unwrap();
    let salted = |text: &str| {
        write(&salt, text).unwrap();
        set_permissions(&salt, Permissions::from_mode(0o600)).unwrap();
    };
    let publish = |bed: &mut Bed, from: u64| {
        for n in from..from + 100 {
            let event = format!(
                r#"{{"title":"lesson","event_uuid":"{n}","email":"{n}@b.example","properties":{{"user_uuid":"u"}}}}"#
            );
            bed.wire.publish("events.lesson", &[], event.as_bytes()).unwrap();
        }
        bed.wire.flush().unwrap();
        wait_until("the outputs", || bed.lane_has(from + 99).then_some(()));
    };
    salted(SALT);
    let rarely = [("engine.checkpoint_interval_ms", "600000")];
    let engine = bed.engine("state", &rarely);
    publish(&mut bed, 1);
    engine.kill();
    salted("another-salt-of-32-bytes-for-all");
    let (code, log) = bed.engine("state", &rarely).exited(DEADLINE);
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("salt"), "{log}");
    assert_eq!(bed.last("ENRICHED"), 100, "nothing was published");
    salted(SALT);
    let engine = bed.engine("state", &rarely);
    publish(&mut bed, 101);
    engine.drain();
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
    assert!(!bed.lane().iter().any(|message| String::from_utf8_lossy(&message.payload).contains("@b.example")));
}
