//! What a configuration without mistakes means: defaults, overrides, and the fingerprint of its plan.

use crate::config_diagnostics::BASE;
use sidestream::config::{Config, Overrides, SHIPPED};
use sidestream::core::plan::spec::IdentityRule;

fn with(sets: &[(&str, &str)]) -> Overrides {
    let sets = sets.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    Overrides { sets, ..Overrides::default() }
}

fn shipped(overrides: &Overrides) -> Config {
    Config::parse("config.toml", SHIPPED, overrides).expect("no mistake").0
}

#[test]
fn the_shipped_configuration_has_no_mistake_and_no_warning() {
    let (config, warnings) = Config::parse("config.toml", SHIPPED, &Overrides::default()).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(config.plan.kinds.len(), 3);
    assert_eq!(config.nats.url.0, "nats://127.0.0.1:4222");
    let plan = serde_json::from_str(&config.plan.text()).expect("a plan's text can be read back");
    assert_eq!(config.plan, plan);
}

#[test]
fn what_the_shipped_file_shows_as_a_default_is_one() {
    // A line that begins with `# key = value` (after its section) is a promise about the default.
    let mut text = SHIPPED.to_owned();
    let of_nats = ["auth_patience_s", "inbox_prefix", "connect_timeout_ms", "request_timeout_ms", "discover_servers"];
    let others = ["max_bytes", "max_in_flight_slices", "unknown_kinds", "identity", "engine", "cache_rows"];
    for key in of_nats.into_iter().chain(others) {
        assert_eq!(text.matches(&format!("\n# {key} = ")).count(), 1, "{key}");
        text = text.replace(&format!("\n# {key} = "), &format!("\n{key} = "));
    }
    let explicit = Config::parse("config.toml", &text, &Overrides::default()).unwrap().0;
    assert_eq!(explicit, shipped(&Overrides::default()));

    let short = Config::parse("config.toml", BASE, &Overrides::default()).unwrap().0;
    assert_eq!((&short.nats, &short.state, &short.http), (&explicit.nats, &explicit.state, &explicit.http));
    assert_eq!(short.engine, explicit.engine);
    assert_eq!(short.plan.dead_subject, explicit.plan.dead_subject);
    assert_eq!(short.plan.dedup_window_s, explicit.plan.dedup_window_s);
    assert_eq!(short.plan.max_bytes, explicit.plan.max_bytes);
}

#[test]
fn overrides_are_laid_over_the_file() {
    let mut overrides = with(&[
        ("http.listen", "127.0.0.1:0"),
        ("engine.shards", "3"),
        ("nats.tls.ca_file", "ca.pem"),
        ("kinds.\"visit:*\".key", "properties.user"),
        ("enrich.0.on_miss", "omit"),
        ("input.subjects", "[\"a.>\", \"b.>\"]"),
    ]);
    overrides.nats_url = Some("tls://one:4222, nats://two:4222".to_owned());
    let config = shipped(&overrides);
    assert_eq!(config.nats.url.0, "tls://one:4222, nats://two:4222");
    assert_eq!(config.nats.tls.and_then(|tls| tls.ca_file), Some("ca.pem".into()));
    assert_eq!((config.http.listen.port(), config.engine.shards), (0, 3));
    assert!(config.plan.kinds.contains_key("visit:*"));
    assert_eq!(config.input.subjects, ["a.>", "b.>"]);

    // A flag is stronger than the environment, and the last flag is the strongest.
    overrides.sets.extend(with(&[("nats.url", "nats://x:1"), ("nats.url", "nats://y:1")]).sets);
    assert_eq!(shipped(&overrides).nats.url.0, "nats://y:1");
}

#[test]
fn the_fingerprint_ignores_what_decides_nothing() {
    let expected = shipped(&Overrides::default()).plan.fingerprint();
    let (head, tables) = SHIPPED.split_once("[tables.user]").unwrap();
    let (user, rest) = tables.split_once("[tables.subscription]").unwrap();
    let (subscription, enrich) = rest.split_once("[[enrich]]").unwrap();
    let swapped = format!("{head}[tables.subscription]{subscription}[tables.user]{user}[[enrich]]{enrich}");
    let bare: String = SHIPPED.lines().map(|line| format!("{}\r\n", line.split('#').next().unwrap().trim())).collect();
    for text in [swapped, bare.replace(" = ", "="), format!("# more\n\n{SHIPPED}")] {
        let plan = Config::parse("config.toml", &text, &Overrides::default()).unwrap().0.plan;
        assert_eq!(plan.fingerprint(), expected, "{text}");
    }
    for set in [
        ("nats.url", "nats://elsewhere:4222"),
        ("nats.user", "me"),
        ("http.listen", "0.0.0.0:1"),
        ("engine.shards", "7"),
        ("engine.checkpoint_interval_ms", "20"),
        ("engine.max_in_flight_slices", "2"),
        ("state.path", "elsewhere"),
        ("state.cache_rows", "10"),
        ("input.subjects", "[\"x\"]"),
        ("output.stream", "OTHER"),
        ("dead_letters.stream", "OTHER"),
        // Written out, a default is the same plan.
        ("engine.unknown_kinds", "forward"),
        ("output.max_bytes", "1048576"),
        ("dedup.identity", "kind"),
    ] {
        let config = shipped(&with(&[set, ("nats.password_file", "p"), ("nats.user", "me")]));
        assert_eq!(config.plan.fingerprint(), expected, "{set:?}");
    }
    // What a key names is compared, and decides no outcome.
    for entity in ["entity = \"person\"", ""] {
        let text = SHIPPED.replace("entity = \"user\"", entity);
        let plan = Config::parse("config.toml", &text, &Overrides::default()).unwrap().0.plan;
        assert_eq!((text == SHIPPED, plan.fingerprint().as_str()), (false, expected.as_str()));
    }
    let order = |kinds| shipped(&with(&[("enrich.0.kinds", kinds)])).plan.fingerprint();
    assert_eq!(order("[\"lesson\", \"user\"]"), order("[\"user\", \"lesson\"]"));
    let quality = |section| shipped(&with(&[("quality", section)])).plan.fingerprint();
    let long = r#"[{ complete = ["b", "a"], kinds = ["user", "lesson"], on_violation = "mark", mark = "quality" }]"#;
    assert_eq!(
        quality(long),
        quality(r#"[{ complete = ["a", "b"], kinds = ["lesson", "user"], on_violation = "mark" }]"#)
    );
}

#[test]
fn the_fingerprint_changes_with_every_part_of_the_plan() {
    let sets = [
        ("input.stream", "OTHER"),
        ("event.kind", "kind"),
        ("event.id", "uuid"),
        ("event.time", "$time"),
        ("engine.unknown_kinds", "drop"),
        ("engine.unknown_kinds", "dead_letter"),
        ("kinds.visit", "{}"),
        ("kinds.\"visit\".key", "uuid"),
        ("kinds.user.key", "uuid"),
        ("tables.user.from", "lesson"),
        ("tables.subscription.row", "language"),
        ("tables.user.columns.name", "name"),
        ("tables.user.columns.more", "more"),
        ("tables.user.delete", "{ field = \"op\", equals = 1 }"),
        ("tables.user.delete", "{ field = \"op\", equals = \"1\" }"),
        ("tables.user.delete", "{ field = \"op\", equals = true }"),
        ("enrich.0.kinds", "[\"lesson\", \"user\"]"),
        ("enrich.0.on_miss", "omit"),
        ("enrich.0.on_miss", "dead_letter"),
        ("enrich.0.into", "properties"),
        ("enrich.0.add.country", "user.name"),
        ("enrich.0.add.name", "user.name"),
        ("enrich.0.add.subscription_status", "subscription[language].status"),
        ("output.subject", "out.{kind}"),
        ("output.mark", "seen"),
        ("output.max_bytes", "4096"),
        ("dead_letters.subject", "dead.{kind}.{reason}"),
        ("dedup.window_s", "60"),
        ("dedup.identity", "key"),
        ("quality", "[{ complete = [\"id\"] }]"),
        ("quality", "[{ complete = [\"id\"], kinds = [\"user\"] }]"),
        ("quality", "[{ complete = [\"id\"], on_violation = \"mark\" }]"),
        ("quality", "[{ complete = [\"id\"], on_violation = \"mark\", mark = \"broken\" }]"),
        ("quality", "[{ valid = { id = \"event.id > 0\" }, on_violation = \"dead_letter\" }]"),
    ];
    let mut fingerprints: Vec<String> = sets.iter().map(|set| shipped(&with(&[*set])).plan.fingerprint()).collect();
    fingerprints.push(shipped(&Overrides::default()).plan.fingerprint());
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), sets.len() + 1);
}

#[test]
fn new_plans_tell_kinds_apart_and_plans_without_ids_have_no_rule() {
    let rule = |overrides: &Overrides| shipped(overrides).plan.identity;
    assert_eq!(rule(&Overrides::default()), IdentityRule::Kind);
    assert_eq!(Config::parse("config.toml", BASE, &Overrides::default()).unwrap().0.plan.identity, IdentityRule::Kind);
    assert_eq!(rule(&with(&[("dedup.identity", "key")])), IdentityRule::Key);
    // Its text is what builds of before made of the same file.
    let before = shipped(&with(&[("dedup.identity", "key")])).plan;
    assert_eq!(shipped(&Overrides::default()).plan.of_before(), before);
    assert!(!before.text().contains("identity"), "{}", before.text());
    // Without a window nothing is told apart, and the plan is the one of before.
    assert_eq!(rule(&with(&[("dedup.window_s", "0")])), IdentityRule::Key);
}
