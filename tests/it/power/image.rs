//! The same on a real file system: its image is copied while a writer stands still, which is what the disk then holds.
//!
//! The guest file system is neither synced nor frozen. Needs root and loop devices; says so and passes where it has not.

use super::judge::{Found, History, last_reported};
use super::recording::skipped;
use super::writer::{Job, REPORTED, writer};
use crate::harness::wait::wait_until;
use sidestream::core::record::StateEngine;
use sidestream::generate::Random;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

/// A mounted image; unmounted when it is dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn mount(image: &Path, at: &Path) -> Result<Mounted, String> {
        fs::create_dir(at).unwrap();
        run("mount", &["-o", "loop", path(image), path(at)])?;
        Ok(Mounted(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", path(&self.0)]);
        let _ = fs::remove_dir(&self.0);
    }
}

/// A writer; killed when it is dropped.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Writer {
    fn signal(&self, signal: &str) {
        run("kill", &[signal, &self.0.id().to_string()]).unwrap();
    }

    /// Stops it, and returns when it stands still: a call that it was in has ended.
    fn stop(&self) {
        self.signal("-STOP");
        let tasks = format!("/proc/{}/task", self.0.id());
        wait_until("the writer to stand still", || {
            let mut tasks = fs::read_dir(&tasks).unwrap().map(|task| task.unwrap().path().join("stat"));
            tasks.all(|stat| fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") T "))).then_some(())
        });
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    match Command::new(program).args(arguments).output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(Output { stderr, .. }) => Err(format!("{program}: {}", String::from_utf8_lossy(&stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// A mounted file system in a new image, or why there is none.
fn made(kind: &str, place: &Path) -> Result<(PathBuf, Mounted), String> {
    let image = place.join("image");
    fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
    // Everything is written at creation: no thread of the kernel goes on with it later.
    let lazy = "lazy_itable_init=0,lazy_journal_init=0";
    run(&format!("mkfs.{kind}"), &["-q", "-F", "-E", lazy, path(&image)])?;
    let mounted = Mounted::mount(&image, &place.join("live"))?;
    Ok((image, mounted))
}

fn cut(kind: &str, engine: StateEngine, seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let (image, live) = match made(kind, &place) {
        Ok(made) => made,
        Err(why) => return skipped(&format!("power cuts of {engine} on {kind} in an image"), &why),
    };
    let cuts = std::env::var("SIDESTREAM_POWER_CUTS").map_or(10, |cuts| cuts.parse().unwrap());
    let (mut random, mut history) = (Random::new(seed), History::new(1, engine));
    let writer = Writer(writer(&live.0, Job { count: u64::MAX / 2, weight: 1, engine }).spawn().unwrap());
    let said = || last_reported(&fs::read(live.0.join(REPORTED)).unwrap_or_default());
    let mut kept = 0;
    for _ in 0..cuts {
        let least = said() + random.below(12);
        wait_until("the writer to go on", || (said() >= least).then_some(()));
        writer.stop();
        let (reported, copied) = (said(), place.join("copy"));
        run("cp", &["--sparse=always", path(&image), path(&copied)]).unwrap();
        writer.signal("-CONT");
        // A journal is replayed at mounting; what has none is repaired first, as at a start of the machine.
        let check = Command::new("fsck.ext4").args(["-f", "-y", path(&copied)]).output().unwrap();
        assert!(check.status.code().unwrap() <= 1, "{}", String::from_utf8_lossy(&check.stdout));
        let mounted = Mounted::mount(&copied, &place.join("cut")).unwrap();
        let found = history.judge(&mounted.0, reported);
        assert!(!found.lost(), "{engine} on {kind} after checkpoint {reported}: {found:?}");
        kept += u32::from(found == Found::Kept);
        drop(mounted);
        fs::remove_file(copied).unwrap();
    }
    println!("power cuts: {engine} on {kind} in an image, up to checkpoint {}: {cuts} cuts, {kept} kept", said());
}

#[test]
fn a_journaling_file_system_keeps_what_was_reported_durable() {
    cut("ext4", StateEngine::Sled, 5);
}

// Not on ext2: there a deleted file may claim what a synced one has been given since (docs/power-cuts.md).
#[test]
fn a_journaling_file_system_keeps_what_fjall_reported_durable() {
    cut("ext4", StateEngine::Fjall, 7);
}

#[test]
fn a_file_system_without_a_journal_keeps_what_was_reported_durable() {
    cut("ext2", StateEngine::Sled, 6);
}
