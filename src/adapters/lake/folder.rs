//! A folder as the store of a lake.
//!
//! An object is written to a file of its own, synced, and linked to its name: a link fails where the name is taken, and who
//! sees the name sees the whole content. The folder is synced before the create is reported, so that a power cut takes no
//! object that somebody built upon.

use crate::ports::lake::{Created, LakeError, LakeStore, Staged};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where objects are written before they have a name. Readers of Hive folders pass over what begins with `_`.
const STAGING: &str = "_sidestream/staging";

/// Where it is tried out whether creates exclude each other. Not among what is staged, which another writer may sweep between
/// the two creates.
const PROBES: &str = "_sidestream/probes";

/// A lake's folder.
#[derive(Debug)]
pub struct LakeFolder {
    root: PathBuf,
    writer: String,
    staged: AtomicU64,
}

impl LakeFolder {
    /// The folder, which is made where it is not there; `writer` names what is staged by this process.
    pub fn open(root: &Path, writer: &str) -> Result<LakeFolder, LakeError> {
        let folder = LakeFolder::at(root, writer);
        folder.make(Path::new(STAGING)).map_err(|error| LakeError::Unsuitable {
            what: format!("the lake's folder {} cannot be made or written: {error}", root.display()),
            hint: "correct lake.url, or let this user write there".to_owned(),
        })?;
        Ok(folder)
    }

    /// The folder as it is, for readers: nothing is made.
    pub fn at(root: &Path, writer: &str) -> LakeFolder {
        LakeFolder { root: root.to_owned(), writer: writer.to_owned(), staged: AtomicU64::new(0) }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Makes a folder within the root, and syncs each that got a new member.
    fn make(&self, folder: &Path) -> std::io::Result<()> {
        let whole = self.root.join(folder);
        if whole.is_dir() {
            return Ok(());
        }
        let mut missing: Vec<&Path> = whole.ancestors().take_while(|path| !path.is_dir()).collect();
        missing.reverse();
        fs::create_dir_all(&whole)?;
        for made in missing {
            sync_folder(made.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        }
        Ok(())
    }

    fn link(&self, path: &str, staged: Staged) -> Result<Created, LakeError> {
        let failed = |what: &str, error| LakeError::io(format!("{what} {}", self.path(path).display()), error);
        staged.file.sync_all().map_err(|error| failed("cannot sync", error))?;
        let target = self.path(path);
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        self.make(folder).map_err(|error| failed("cannot make the folder of", error))?;
        let linked = fs::hard_link(&staged.path, &target);
        drop(staged);
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Created::Before),
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
                return Err(LakeError::Unsuitable {
                    what: format!("{} cannot be created by a hard link: {error}", target.display()),
                    hint: "the lake needs a file system with hard links: FAT and some network mounts have none"
                        .to_owned(),
                });
            }
            Err(error) => return Err(failed("cannot create", error)),
        }
        sync_folder(&self.root.join(folder)).map_err(|error| failed("cannot sync the folder of", error))?;
        Ok(Created::Here)
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

impl LakeStore for LakeFolder {
    fn create(&self, path: &str, bytes: &[u8]) -> Result<Created, LakeError> {
        let mut staged = self.staging()?;
        staged.file.write_all(bytes).map_err(|error| LakeError::io(format!("cannot write {path}"), error))?;
        self.link(path, staged)
    }

    fn create_from(&self, path: &str, staged: Staged) -> Result<Created, LakeError> {
        self.link(path, staged)
    }

    fn staging(&self) -> Result<Staged, LakeError> {
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        let path = self.path(STAGING).join(format!("{}-{number}", self.writer));
        let file =
            File::create(&path).map_err(|error| LakeError::io(format!("cannot create {}", path.display()), error))?;
        Ok(Staged { path: path.into_boxed_path(), file })
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, LakeError> {
        found(fs::read(self.path(path)), path)
    }

    fn open(&self, path: &str) -> Result<Option<File>, LakeError> {
        found(File::open(self.path(path)), path)
    }

    fn length(&self, path: &str) -> Result<Option<u64>, LakeError> {
        Ok(found(fs::metadata(self.path(path)), path)?.map(|metadata| metadata.len()))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        let Some(entries) = found(fs::read_dir(self.path(folder)), folder)? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| LakeError::io(format!("cannot read the folder {folder}"), error))?;
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn probe(&self) -> Result<(), LakeError> {
        let path = format!("{PROBES}/{}", self.writer);
        let answers = [self.create(&path, b"first")?, self.create(&path, b"second")?];
        let content = self.read(&path)?;
        let _ = fs::remove_file(self.path(&path));
        if answers == [Created::Here, Created::Before] && content.as_deref() == Some(b"first") {
            return Ok(());
        }
        Err(LakeError::Unsuitable {
            what: format!("{} creates one name twice", self.root.display()),
            hint: "two writers could not be told apart there: put the lake on another file system".to_owned(),
        })
    }

    fn sweep(&self) -> Result<(), LakeError> {
        for name in self.names(STAGING)? {
            // A writer that still lives fails at its next link, and stages the object again.
            let _ = fs::remove_file(self.path(STAGING).join(name));
        }
        Ok(())
    }
}

fn found<T>(result: std::io::Result<T>, path: &str) -> Result<Option<T>, LakeError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LakeError::io(format!("cannot read {path}"), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_creates_of_one_name_one_succeeds_and_its_bytes_stay() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = format!("a/b{round}/c");
            let made: Vec<usize> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8_usize)
                    .map(|number| {
                        let (root, path) = (dir.path(), &path);
                        scope.spawn(move || {
                            let folder = LakeFolder::open(root, &format!("w{number}")).unwrap();
                            folder.create(path, &[number as u8]).unwrap() == Created::Here
                        })
                    })
                    .collect();
                let made = threads.into_iter().map(|thread| thread.join().unwrap()).enumerate();
                made.filter(|(_, made)| *made).map(|(number, _)| number).collect()
            });
            assert_eq!(made.len(), 1, "{made:?}");
            let folder = LakeFolder::at(dir.path(), "r");
            assert_eq!(folder.read(&path).unwrap(), Some(vec![made[0] as u8]));
            assert_eq!(folder.length(&path).unwrap(), Some(1));
        }
        let folder = LakeFolder::at(dir.path(), "r");
        assert_eq!(folder.names(STAGING).unwrap(), [] as [&str; 0], "nothing is left behind");
        folder.probe().unwrap();
        assert_eq!((folder.read("a/x").unwrap(), folder.names("x").unwrap().len()), (None, 0));
    }
}
