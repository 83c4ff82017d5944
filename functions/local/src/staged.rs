//! Writes several files into a folder, all or none: everything is looked at first, then written aside,
//! then moved into place; what fails on the way is taken back.

use crate::error::CliError;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is not there yet.
    New,
    /// It is there with the same bytes.
    Same,
    /// It is there with other bytes.
    Changed {
        /// Those.
        before: Vec<u8>,
    },
}

impl Fate {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Same => "same",
            Self::Changed { .. } => "changed",
        }
    }
}

/// What is to be written where.
#[derive(Debug)]
pub struct Plan<'f> {
    root: PathBuf,
    files: Vec<(&'f str, Fate, &'f [u8])>,
}

impl<'f> Plan<'f> {
    /// Looks at the folder and at every file, and writes nothing.
    pub fn new(root: &Path, files: &'f BTreeMap<String, Vec<u8>>) -> Result<Self, CliError> {
        match fs::metadata(root) {
            Ok(found) if !found.is_dir() => {
                let text = format!("`{}` is a file", root.display());
                return Err(CliError::said(text, "name the folder of the project"));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(cannot("read", root, &error));
            }
            _ => {}
        }
        let mut plan = Self {
            root: root.to_owned(),
            files: Vec::new(),
        };
        for (path, bytes) in files {
            let fate = fate(root, path, bytes)?;
            plan.files.push((path, fate, bytes));
        }
        Ok(plan)
    }

    /// The files with their fates.
    pub fn files(&self) -> impl Iterator<Item = (&'f str, &Fate, &'f [u8])> {
        self.files
            .iter()
            .map(|(path, fate, bytes)| (*path, fate, *bytes))
    }

    /// Refuses to overwrite anything, unless that is wanted.
    pub fn refuse_changes(&self, force: bool) -> Result<(), CliError> {
        let is_changed = |fate: &Fate| matches!(fate, Fate::Changed { .. });
        let changed = self.files().filter(|(_, fate, _)| is_changed(fate));
        let changed: Vec<_> = changed.map(|(path, ..)| format!("`{path}`")).collect();
        if force || changed.is_empty() {
            return Ok(());
        }
        let text = format!(
            "{} would be overwritten in `{}`; nothing was written",
            changed.join(", "),
            self.root.display()
        );
        let help = "look with `--dry-run` at what differs; `--force` overwrites";
        Err(CliError::said(text, help))
    }

    /// Writes what is new and what differs.
    pub fn perform(&self) -> Result<(), CliError> {
        let stage = self
            .root
            .join(format!(".lattice-export-{}", std::process::id()));
        let mut done = Done::default();
        let made = self.write(&stage, &mut done);
        if made.is_err() {
            done.take_back();
        }
        // Only what this process wrote is in it.
        let _ = fs::remove_dir_all(&stage);
        if made.is_err() {
            done.remove_folders();
        }
        made
    }

    fn write(&self, stage: &Path, done: &mut Done) -> Result<(), CliError> {
        done.folder(stage)?;
        let wanted = self.files.iter().enumerate();
        let wanted: Vec<_> = wanted
            .filter(|(_, (_, fate, _))| *fate != Fate::Same)
            .collect();
        for (place, (_, _, bytes)) in &wanted {
            let aside = stage.join(place.to_string());
            fs::write(&aside, bytes).map_err(|error| cannot("write", &aside, &error))?;
        }
        for (place, (path, fate, _)) in wanted {
            let to = self.root.join(path);
            if let Some(folder) = to.parent() {
                done.folder(folder)?;
            }
            let kept = stage.join(format!("{place}.before"));
            if *fate != Fate::New {
                fs::rename(&to, &kept).map_err(|error| cannot("replace", &to, &error))?;
            }
            let before = (*fate != Fate::New).then_some(kept);
            done.moved.push((to.clone(), before));
            let aside = stage.join(place.to_string());
            fs::rename(&aside, &to).map_err(|error| cannot("write", &to, &error))?;
        }
        Ok(())
    }
}

/// What has been done, to be taken back.
#[derive(Default)]
struct Done {
    folders: Vec<PathBuf>,
    /// Where something was moved to, and where what stood there is kept.
    moved: Vec<(PathBuf, Option<PathBuf>)>,
}

impl Done {
    /// Makes a folder and those above it.
    fn folder(&mut self, folder: &Path) -> Result<(), CliError> {
        let mut missing: Vec<_> = folder.ancestors().take_while(|one| !one.exists()).collect();
        while let Some(next) = missing.pop() {
            if next.as_os_str().is_empty() {
                continue;
            }
            fs::create_dir(next).map_err(|error| cannot("write", next, &error))?;
            self.folders.push(next.to_owned());
        }
        Ok(())
    }

    fn take_back(&mut self) {
        for (to, before) in self.moved.drain(..).rev() {
            let _ = match before {
                Some(before) => fs::rename(before, to),
                None => fs::remove_file(to),
            };
        }
    }

    /// Removes the folders that were made; one in which somebody else put something stays.
    fn remove_folders(&mut self) {
        for folder in self.folders.drain(..).rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Looks at a file and at every folder on the way to it. A link could lead out of the folder, so that
/// none is followed.
fn fate(root: &Path, path: &str, bytes: &[u8]) -> Result<Fate, CliError> {
    let mut at = root.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let is_last = parts.peek().is_none();
        let found = match fs::symlink_metadata(&at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Fate::New),
            Err(error) => return Err(cannot("read", &at, &error)),
            Ok(found) => found,
        };
        let wrong = match (found.is_symlink(), found.is_dir(), is_last) {
            (true, ..) => Some("is a link, which could lead out of the folder"),
            (_, true, true) => Some("is a folder, and a file has to stand there"),
            (_, false, false) => Some("is a file, and a folder has to stand there"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let text = format!("`{}` {wrong}; nothing was written", at.display());
            return Err(CliError::said(
                text,
                "move it away, or export to another folder",
            ));
        }
    }
    let before = fs::read(&at).map_err(|error| cannot("read", &at, &error))?;
    Ok(match before == bytes {
        true => Fate::Same,
        false => Fate::Changed { before },
    })
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> CliError {
    let text = format!(
        "cannot {verb} `{}`: {error}; nothing was written",
        path.display()
    );
    CliError::said(
        text,
        "check its owner and permissions, or export to another folder",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn files() -> BTreeMap<String, Vec<u8>> {
        let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
        BTreeMap::from([
            file("a/one.md", "one"),
            file("b/two.md", "two"),
            file("three.json", "3"),
        ])
    }

    fn names(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn everything_is_written_and_nothing_stays_aside() {
        let root = tempfile::tempdir().unwrap();
        let (root, files) = (root.path().join("new/place"), files());
        Plan::new(&root, &files).unwrap().perform().unwrap();
        assert_eq!(names(&root), ["a", "b", "three.json"]);
        let again = Plan::new(&root, &files).unwrap();
        assert!(again.files().all(|(_, fate, _)| *fate == Fate::Same));
        again.refuse_changes(false).unwrap();
    }

    #[test]
    fn a_failure_half_way_leaves_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let (root, files) = (root.path(), files());
        fs::create_dir(root.join("a")).unwrap();
        fs::write(root.join("a/one.md"), "mine").unwrap();
        let plan = Plan::new(root, &files).unwrap();
        assert!(plan.refuse_changes(false).is_err());
        // Somebody puts a folder where the last file has to stand.
        fs::create_dir(root.join("three.json")).unwrap();
        assert!(plan.perform().is_err());
        assert_eq!(fs::read(root.join("a/one.md")).unwrap(), b"mine");
        assert_eq!(names(root), ["a", "three.json"]);
    }

    #[test]
    fn links_files_and_folders_in_the_way_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let (outside, root, files) = (place.path().join("out"), place.path().join("in"), files());
        fs::create_dir(&outside).unwrap();
        fs::create_dir(&root).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("a")).unwrap();
        assert!(
            Plan::new(&root, &files)
                .unwrap_err()
                .to_string()
                .contains("is a link")
        );
        fs::remove_file(root.join("a")).unwrap();
        fs::write(root.join("a"), "").unwrap();
        assert!(
            Plan::new(&root, &files)
                .unwrap_err()
                .to_string()
                .contains("is a file")
        );
        assert!(
            Plan::new(&root.join("a"), &files)
                .unwrap_err()
                .to_string()
                .contains("is a file")
        );
        fs::remove_file(root.join("a")).unwrap();
        fs::create_dir(root.join("three.json")).unwrap();
        assert!(
            Plan::new(&root, &files)
                .unwrap_err()
                .to_string()
                .contains("is a folder")
        );
        assert_eq!(names(&outside), Vec::<String>::new());
    }
}
