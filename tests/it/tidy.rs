//! Rules that no compiler checks: layers, sizes, headers, sleeps, and documents that keep step with the code.
//!
//! Text checks only: what they cannot see (a re-export, a macro) is left to review. Every exception stands in a list
//! here, with its reason.

mod text;

use sidestream::core::rejection::Reason;
use std::collections::{BTreeMap, BTreeSet};
use text::{File, files, read, words};

/// What each room of `src` may name of the others, beside itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("json", &[]),
    ("core", &["json"]),
    ("protocol", &["core", "json"]),
    ("generate", &[]),
    ("ports", &["core", "protocol"]),
    ("config", &["core", "protocol"]),
    ("telemetry", &["core", "protocol"]),
    ("audit", &["core", "json", "protocol"]),
    ("adapters", &["ports", "core", "protocol"]),
    ("engine", &["core", "ports", "protocol", "telemetry"]),
    ("http", &["telemetry", "core", "protocol"]),
    ("app", &["adapters", "audit", "config", "core", "engine", "ports", "protocol", "telemetry"]),
    ("commands", &["adapters", "app", "audit", "config", "core", "engine", "json", "ports", "protocol", "telemetry"]),
    (
        "cli",
        &[
            "adapters",
            "app",
            "audit",
            "commands",
            "config",
            "core",
            "engine",
            "generate",
            "http",
            "protocol",
            "telemetry",
        ],
    ),
];

/// Who may name a client library, by the beginning of the path.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("async_nats", &["src/adapters/nats/"]),
    ("sled", &["src/adapters/sled/"]),
    ("fjall", &["src/adapters/fjall/"]),
    ("lsm_tree", &[]),
    ("parquet", &["src/adapters/lake/parquet"]),
    ("zstd", &["src/adapters/lake/ndjson.rs"]),
    ("object_store", &["src/adapters/lake/s3/"]),
    ("reqwest", &[]),
    // Beside the engine and the pages: `app` sends to actors' addresses, and two commands run the actors' system.
    ("actix", &["src/engine/", "src/http/", "src/app/", "src/cli/run.rs", "src/cli/demo.rs"]),
    ("actix_web", &["src/http/"]),
];

/// What the pure rooms do without: `json`, `core` and `protocol`.
const NOT_IN_CORE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::time",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "tokio",
    "tracing",
    "rand::",
    "metrics::",
    "futures_util",
    "async fn",
    "async move",
    ".await",
    "println!",
    "eprintln!",
    "Mutex",
    "RwLock",
    "static mut",
];

/// Where tests may let time pass.
const SLEEPS: &[(&str, &str)] = &[
    ("tests/it/harness/wait.rs", "the pause between two looks at a condition with a deadline"),
    ("tests/it/proxy.rs", "a delay is one of the faults that it makes"),
];

fn rust(under: &str) -> Vec<File> {
    files().into_iter().filter(|file| file.path.starts_with(under) && file.path.ends_with(".rs")).collect()
}

fn clean(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

#[test]
fn each_layer_knows_those_below_it() {
    let mut faults = Vec::new();
    let rooms: BTreeSet<&str> = LAYERS.iter().map(|(room, _)| *room).collect();
    for file in rust("src/") {
        let Some(room) = rooms.iter().find(|room| file.path.starts_with(&format!("src/{room}/"))) else {
            assert!(["src/lib.rs", "src/main.rs"].contains(&file.path.as_str()), "{}: no layer is named so", file.path);
            continue;
        };
        let known = LAYERS.iter().find(|(name, _)| name == room).map(|(_, known)| *known).unwrap();
        for (number, line) in file.code() {
            for named in line.split("crate::").skip(1).filter_map(|rest| words(rest).next()) {
                if named != *room && rooms.contains(named) && !known.contains(&named) {
                    faults.push(format!("{}:{number}: {room} must not know {named}", file.path));
                }
            }
        }
    }
    clean("layers", &faults);
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for file in rust("src/") {
        for (library, rooms) in LIBRARIES {
            let at_home = rooms.iter().any(|room| file.path.starts_with(room));
            let paths = [format!("{library}::"), format!("use {library};")];
            for (number, line) in file.code().filter(|_| !at_home) {
                // A room of the same name is not the library.
                let named = paths.iter().any(|path| {
                    line.match_indices(path.as_str()).any(|(at, _)| {
                        !line[..at].ends_with("::") && !line[..at].ends_with(|c: char| c == '_' || c.is_alphanumeric())
                    })
                });
                if named {
                    faults.push(format!("{}:{number}: names {library}: {}", file.path, line.trim()));
                }
            }
        }
    }
    clean("libraries", &faults);
}

#[test]
fn the_core_is_pure_and_iterates_over_no_hash_map() {
    let mut faults = Vec::new();
    for file in ["src/json/", "src/core/", "src/protocol/"].into_iter().flat_map(rust) {
        for (number, line) in file.code() {
            for word in NOT_IN_CORE.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{number}: `{word}` in the core", file.path));
            }
        }
        let code: String = file.code().map(|(_, line)| line + "\n").collect();
        let maps = code.lines().filter_map(|line| {
            let (name, kind) = line.split_once(": ")?;
            let hashed = ["HashMap<", "HashSet<", "DigestMap<"].iter().any(|map| kind.trim_start().starts_with(map));
            hashed.then(|| name.trim().trim_start_matches("pub ").trim_start_matches("let ").to_owned())
        });
        for name in maps {
            let walks =
                ["iter()", "iter_mut()", "keys()", "values()", "values_mut()", "drain(", "retain(", "into_iter()"];
            let mut ways: Vec<String> = walks.iter().map(|walk| format!("{name}.{walk}")).collect();
            ways.extend([format!("in self.{name}"), format!("in &self.{name}"), format!("in &{name}")]);
            // `IdMap::forget` asks a `Fn` about each entry alone: it cannot tell in which order.
            ways.retain(|way| (file.path.as_str(), way.as_str()) != ("src/core/state/id_map.rs", "times.retain("));
            faults.extend(ways.iter().filter(|way| code.contains(*way)).map(|way| format!("{}: {way}", file.path)));
        }
    }
    clean("the core", &faults);
}

#[test]
fn a_name_stands_for_one_type() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let shipped = |file: &File| !file.path.contains("/tests/") && !file.path.ends_with("/tests.rs");
    for file in rust("src/").into_iter().filter(shipped) {
        // What is indented is a part of something else, or stands in a test.
        for (number, line) in file.code().filter(|(_, line)| !line.starts_with(' ')) {
            let line = line.trim_start_matches("pub").trim_start();
            let line = line.strip_prefix('(').and_then(|rest| rest.split_once(") ")).map_or(line, |(_, rest)| rest);
            let defined = ["struct ", "enum ", "trait ", "type "].iter().find_map(|word| line.strip_prefix(word));
            if let Some(name) = defined.and_then(|rest| words(rest).next()) {
                places.entry(name.to_owned()).or_default().push(format!("{}:{number}", file.path));
            }
        }
    }
    assert!(places.len() > 800, "only {}", places.len());
    places.retain(|_, places| places.len() > 1);
    let faults: Vec<String> = places.iter().map(|(name, places)| format!("{name}: {}", places.join(", "))).collect();
    clean("names of more than one type", &faults);
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let mut faults = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".rs")) {
        let lines = file.text.lines().count();
        if lines > 500 {
            faults.push(format!("{}: {lines} lines, split it", file.path));
        } else if lines > 300 {
            println!("look twice: {} has {lines} lines", file.path);
        }
        let header = file.text.lines().take_while(|line| line.starts_with("//!")).count();
        if header == 0 {
            faults.push(format!("{}: no module header", file.path));
        } else if header > 20 {
            faults.push(format!("{}: a module header of {header} lines", file.path));
        }
    }
    clean("files", &faults);
}

#[test]
fn no_test_is_ignored_or_sleeps() {
    let mut faults = Vec::new();
    let ignored = concat!("#[", "ignore");
    for file in rust("") {
        let in_tests = file.path.starts_with("tests/");
        let may_sleep = SLEEPS.iter().any(|(path, _)| *path == file.path);
        for (number, line) in file.code() {
            if line.contains(ignored) {
                faults.push(format!("{}:{number}: an ignored test", file.path));
            }
            let sleeps =
                [concat!("thread::", "sleep"), concat!("time::", "sleep")].iter().any(|sleep| line.contains(sleep));
            if sleeps && in_tests && !may_sleep {
                faults.push(format!("{}:{number}: wait for a condition with a deadline instead", file.path));
            }
        }
    }
    clean("tests", &faults);
}

/// The names of the crash points: those of machines are acts, the others calls.
fn crash_points() -> BTreeSet<String> {
    let mut points = BTreeSet::new();
    for file in rust("src/").iter().filter(|file| file.path != "src/engine/crash.rs") {
        let code: String = file.code().map(|(_, line)| line + "\n").collect();
        for call in ["crash::point", "CrashPoint("].iter().flat_map(|begin| code.split(begin).skip(1)) {
            // Up to the end of the statement: a call may choose between two names.
            let call = call.split(';').next().unwrap_or_default();
            points.extend(call.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    points
}

#[test]
fn every_crash_point_has_its_row_and_its_test() {
    let points = crash_points();
    assert!(points.len() >= 11, "only {points:?}");
    let (map, tests) = (read("ARCHITECTURE.md"), read("tests/it/crash_table.rs"));
    assert!(map.lines().count() < 250, "ARCHITECTURE.md is a map, not a book");
    let rows: BTreeSet<String> = table_rows(&map, "### The crash table").into_keys().collect();
    let tested: BTreeSet<String> =
        tests.split("#[test]\nfn ").skip(1).filter_map(|t| words(t).next().map(str::to_owned)).collect();
    assert_eq!(points, rows, "left: crash points in src, right: rows of the crash table in ARCHITECTURE.md");
    assert_eq!(points, tested, "left: crash points in src, right: tests in tests/it/crash_table.rs");
}

#[test]
fn the_readme_has_every_reason_and_every_exit_code() {
    let readme = read("README.md");
    let mut faults = Vec::new();
    for reason in Reason::ALL {
        if !readme.contains(&format!("`{}`", reason.code())) {
            faults.push(format!("README.md says nothing of the reason `{}`", reason.code()));
        }
    }
    let top: Vec<&str> = readme.lines().filter(|line| line.starts_with("scripts/")).take(2).collect();
    assert!(top[0].starts_with("scripts/demo") && top[1].starts_with("scripts/test"), "{top:?}");
    let codes = read("src/app/exit.rs");
    let codes = codes.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("pub const ")?.split_once(": u8 = ")?;
        Some((name.to_owned(), value.trim_end_matches(';').to_owned()))
    });
    let codes: Vec<(String, String)> = codes.collect();
    assert!(codes.len() >= 6, "only {codes:?}");
    let rows = table_rows(&readme, "## Exit codes");
    for (name, code) in codes.iter().cloned().chain([("success".to_owned(), "0".to_owned())]) {
        if !rows.contains_key(&code) {
            faults.push(format!("README.md, Exit codes: no row for {code} ({name})"));
        }
    }
    for row in rows.keys().filter(|row| *row != "0" && !codes.iter().any(|(_, code)| code == *row)) {
        faults.push(format!("README.md, Exit codes: {row} is none"));
    }
    clean("documents", &faults);
}

/// The rows of the first table behind a heading: the first cell without its backquotes, and the line.
fn table_rows(text: &str, heading: &str) -> BTreeMap<String, String> {
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("no heading {heading:?}"));
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    // The first two lines are the head.
    let cell = |line: &str| line.split('|').nth(1).unwrap_or_default().trim().trim_matches('`').to_owned();
    rows.skip(2).map(|line| (cell(line), line.to_owned())).collect()
}

#[test]
fn the_fuzz_targets_lock_what_the_product_needs() {
    // They are a package of their own, built by hand: nothing else would notice.
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let lock: toml::Table = read("fuzz/Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let ours = packages.iter().find(|package| package["name"].as_str() == Some("sidestream")).unwrap();
    let locked: BTreeSet<&str> =
        ours["dependencies"].as_array().unwrap().iter().filter_map(|name| name.as_str()?.split(' ').next()).collect();
    let needed = manifest["dependencies"].as_table().unwrap().iter();
    let optional = |value: &toml::Value| value.get("optional").is_some_and(|value| value.as_bool() == Some(true));
    let missing: Vec<String> = needed
        .filter(|(name, value)| !optional(value) && !locked.contains(name.as_str()))
        .map(|(name, _)| format!("{name}: run `cargo update --workspace` in fuzz/"))
        .collect();
    clean("fuzz/Cargo.lock is out of date", &missing);
}

#[test]
fn nothing_names_a_machine() {
    let mut faults = Vec::new();
    // In two parts each, so that this file does not name them.
    let paths = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/tmp", "/w/"), ("/Us", "ers/")]
        .map(|(a, b)| format!("{a}{b}"));
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            for path in paths.iter().filter(|path| line.contains(path.as_str())) {
                faults.push(format!("{}:{}: {path}", file.path, number + 1));
            }
            for rest in line.split("https://").skip(1).chain(line.split("http://").skip(1)) {
                let host: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect();
                // A host of this product's world, or a word of a notation such as `http://{address}`.
                // (The last two are in the names of SVG's own language and of a schema's.)
                let known = [
                    "github.com",
                    "docs.rs",
                    "docs.nats.io",
                    "www.apache.org",
                    "127.0.0.1",
                    "localhost",
                    "www.w3.org",
                    "json-schema.org",
                ];
                if host.contains('.') && !known.contains(&host.as_str()) {
                    faults.push(format!("{}:{}: {host}", file.path, number + 1));
                }
            }
        }
    }
    clean("machines", &faults);
}
