//! The state as a file: the same bytes from either engine, refused where it is not whole, and good to go on from.

use crate::harness::bed::Bed;
use crate::harness::command::{Ran, run};
use crate::harness::load::{publish, school};
use sidestream::app::disk::open_store;
use sidestream::commands::state_file::read::{Account, StateFileReader};
use sidestream::commands::state_file::target::WriteTarget;
use sidestream::config::StateSection;
use sidestream::core::ids::KeyGroup;
use sidestream::generate::Random;
use sidestream::ports::store::{Batch, Space, StateEngine};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SLED: &str = "sled";
const FJALL: &str = "fjall";

/// Runs `state WHAT FILE` over a directory of its own for each engine.
fn state(bed: &Bed, engine: &str, what: &str, file: &Path) -> Ran {
    let path = bed.state(engine).display().to_string();
    let sets = [format!("state.engine={engine}"), format!("state.path={path}")];
    let arguments = ["state", what, file.to_str().unwrap(), "--json"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(arguments).arg("--config").arg(&bed.config).env_remove("SIDESTREAM_NATS_URL").env("NO_COLOR", "1");
    for set in &sets {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs an engine over the directory named after its database until everything is out; returns its log.
fn serve(bed: &mut Bed, engine: &str, count: u64, seed: u64) -> String {
    publish(&mut bed.wire, &mut school(seed, 60), count).unwrap();
    let path = bed.state(engine).display().to_string();
    let process = bed.engine(engine, &[("state.engine", engine), ("state.path", &path)]);
    bed.finish();
    process.drain()
}

fn read(bytes: &[u8]) -> Result<Account, String> {
    let mut reader = StateFileReader::new(bytes).map_err(|error| error.to_string())?;
    loop {
        match reader.next(&mut |_, _, _| Ok(())) {
            Ok(None) => {}
            Ok(Some(account)) => return Ok(account),
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[test]
fn a_state_goes_from_sled_to_fjall_and_back_and_is_the_same() {
    let mut bed = Bed::new();
    serve(&mut bed, SLED, 3_000, 51);
    let file = |name: &str| bed.dir.path().join(name);
    let files = [file("1"), file("2"), file("3")];
    let exported = state(&bed, SLED, "export", &files[0]).lines();
    let imported = state(&bed, FJALL, "import", &files[0]).lines();
    for name in ["position", "entries", "bytes", "sum"] {
        assert_eq!(exported.last().unwrap()[name], imported.last().unwrap()[name], "{name}");
    }
    assert!(exported.last().unwrap()["entries"].as_u64().unwrap() > 300, "{exported:?}");
    state(&bed, FJALL, "export", &files[1]).lines();
    assert!(fs::read(&files[0]).unwrap() == fs::read(&files[1]).unwrap(), "fjall exports another file");

    // An engine goes on from it, without a rebuild, and its state goes back.
    let log = serve(&mut bed, FJALL, 1_000, 52);
    assert!(log.contains("kind=\"resume\"") && !log.contains("set aside"), "{log}");
    let after: u64 = log.split_once(" after=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(Some(after), exported.last().unwrap()["position"].as_u64(), "{log}");
    state(&bed, FJALL, "export", &files[2]).lines();
    fs::remove_dir_all(bed.state(SLED)).unwrap();
    state(&bed, SLED, "import", &files[2]).lines();
    let log = serve(&mut bed, SLED, 1_000, 53);
    assert!(log.contains("kind=\"resume\"") && !log.contains("set aside"), "{log}");
    bed.assert_clean();
    let audit = run(&bed, &["audit", "--complete"]);
    assert!(audit.code == Some(0) && audit.out.starts_with("audit: clean"), "{audit:?}");
}

#[test]
fn what_stands_in_the_way_is_named() {
    let mut bed = Bed::new();
    let file = bed.dir.path().join("file");
    let missing = state(&bed, SLED, "export", &file);
    assert!(missing.code == Some(69) && missing.err.contains("holds no state"), "{missing:?}");
    assert!(!bed.state(SLED).exists(), "the question made a directory");
    let path = bed.state(SLED).display().to_string();
    publish(&mut bed.wire, &mut school(54, 20), 200).unwrap();
    let engine = bed.engine(SLED, &[("state.path", &path)]);
    bed.finish();
    let running = state(&bed, SLED, "export", &file);
    assert!(running.code == Some(75) && running.err.contains("in use by another process"), "{running:?}");
    engine.drain();
    state(&bed, SLED, "export", &file).lines();
    let there = state(&bed, SLED, "export", &file);
    assert!(there.code == Some(64) && there.err.contains("is there already"), "{there:?}");
    let full = state(&bed, SLED, "import", &file);
    assert!(full.code == Some(78) && full.err.contains("is not empty"), "{full:?}");

    // The other engine: what, where, and what to do.
    let set = format!("state.path={path}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args([
        "state",
        "get",
        "nobody",
        "--set",
        &set,
        "--set",
        "state.engine=fjall",
        "--set",
        "http.listen=127.0.0.1:1",
    ]);
    let output = command.arg("--config").arg(&bed.config).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    for words in [&path, "state.engine = \"sled\"", "state export FILE", "state import FILE"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// A file with an entry in some spaces and a block or two, and its bytes.
fn small(directory: &Path) -> (PathBuf, Vec<u8>) {
    let mut random = Random::new(5);
    let state = StateSection { path: directory.join("small"), engine: StateEngine::Fjall, cache_rows: 1 };
    let store = open_store(&state).unwrap();
    for group in [0, 7, 127] {
        let value = |random: &mut Random| (0..200).map(|_| random.bits() as u8).collect::<Vec<u8>>();
        let changes = (0..150_u64).map(|n| (n.to_be_bytes().to_vec(), Some(value(&mut random)))).collect();
        store.apply(Space::Group(KeyGroup(group)), &Batch { changes }).unwrap();
    }
    let record = concat!(
        "\u{1}{\"position\":9,\"lane\":9,\"stored_at\":1,\"stream_time\":1,\"input_created\":1,\"output_created\":1,",
        "\"origin\":1,\"plans\":[],\"layout\":{\"tables\":[]},\"gaps\":0}"
    );
    let change = (b"checkpoint".to_vec(), Some(record.as_bytes().to_vec()));
    store.apply(Space::Meta, &Batch { changes: vec![change] }).unwrap();
    store.sync().unwrap();
    drop(store);
    let file = directory.join("small.state");
    sidestream::commands::state_file::export::export(&state, &WriteTarget::File(file.clone()), &mut |_| {}).unwrap();
    let bytes = fs::read(&file).unwrap();
    (file, bytes)
}

#[test]
fn a_file_that_was_cut_short_or_altered_is_refused_wherever_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (file, bytes) = small(directory.path());
    let account = read(&bytes).unwrap();
    assert_eq!((account.blocks, account.entries, account.bytes), (2, 451, bytes.len() as u64));
    for at in (0..bytes.len()).filter(|at| *at < 200 || at % 97 == 0 || at + 80 > bytes.len()) {
        let said = read(&bytes[..at]).unwrap_err();
        assert!(said.contains("byte ") && (said.contains("ends here") || at < 22), "cut at {at}: {said}");
        for bit in [0, 7] {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            read(&altered).expect_err(&format!("bit {bit} of byte {at}"));
        }
    }
    assert!(read(&[&bytes[..], b"x"].concat()).unwrap_err().contains("something follows the end"));
    assert!(read(b"something else altogether, long enough").unwrap_err().contains("no state file"));

    // The command says which block it is, and makes nothing.
    let mut altered = bytes.clone();
    altered[bytes.len() - 1_000] ^= 1;
    fs::write(&file, altered).unwrap();
    for engine in [StateEngine::Sled, StateEngine::Fjall] {
        let state = StateSection { path: directory.path().join("into"), engine, cache_rows: 1 };
        let refused = sidestream::commands::state_file::import::import(&state, &file, &mut |_| {}).unwrap_err();
        assert!(refused.message.contains("block 1 was altered"), "{refused}");
        assert!(!state.path.exists());
    }
}

/// Two blocks that are each right, in each other's place, and a file made of two files.
#[test]
fn a_file_whose_blocks_are_not_its_own_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (_, bytes) = small(directory.path());
    let head = 17 + 1 + 4 + u32::from_be_bytes(bytes[18..22].try_into().unwrap()) as usize + 8;
    let length = |at: usize| 13 + u32::from_be_bytes(bytes[at + 9..at + 13].try_into().unwrap()) as usize + 8;
    let second = head + length(head);
    let end = second + length(second);
    let swapped = [&bytes[..head], &bytes[second..end], &bytes[head..second], &bytes[end..]].concat();
    assert!(read(&swapped).unwrap_err().contains("block 0 does not begin here"));
    let without = [&bytes[..second], &bytes[end..]].concat();
    assert!(read(&without).unwrap_err().contains("and there were others"));
}

#[test]
fn an_export_to_standard_output_is_the_same_file() {
    let mut bed = Bed::new();
    serve(&mut bed, SLED, 300, 54);
    let file = bed.dir.path().join("file");
    state(&bed, SLED, "export", &file).lines();
    let path = format!("state.path={}", bed.state(SLED).display());
    for name in ["-", "/dev/stdout"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
        command.args(["state", "export", name, "--json", "--set", &path]).arg("--config").arg(&bed.config);
        let output = command.current_dir(bed.dir.path()).output().unwrap();
        assert!(output.stdout == fs::read(&file).unwrap(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains("exported"), "what is said stands beside it");
    }
    assert!(!bed.dir.path().join("-").exists());
    let imported = state(&bed, FJALL, "import", Path::new("-"));
    assert!(imported.code == Some(64) && imported.err.contains("`-` is no file"), "{imported:?}");
}

#[test]
fn a_key_that_is_too_long_for_the_running_engine_is_named_so() {
    let mut bed = Bed::new();
    let process = bed.engine("state", &[]);
    bed.finish();
    let long = "k".repeat(100_000);
    // For the rest of the test's process; the bed keeps no texts of its own.
    let listen: &'static str = Box::leak(process.address().to_owned().into_boxed_str());
    bed.sets.push(("http.listen", listen));
    let ran = run(&bed, &["state", "get", &long]);
    assert!(ran.code == Some(64) && ran.err.contains("too long to be asked of the running engine"), "{:?}", ran.code);
    let fits = run(&bed, &["state", "get", &"k".repeat(60_000)]);
    assert_eq!(fits.code, Some(1), "it is asked, and keeps nothing: {:?}", fits.err.get(..200));
    process.drain();
}
