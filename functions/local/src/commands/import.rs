//! `lattice import`: the sub-agents, skills, servers and permissions of a project as a workflow.

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::staged::Plan;
use crate::text::clean;
use lattice_export::Target;
use lattice_import::{Files, Import, Left, import, places};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes of one file that are read; more are nothing that a person wrote for a coding agent.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Files that are looked at.
const FILES_MAX: usize = 10_000;
/// Folders below each other.
const DEPTH_MAX: usize = 16;

/// The words of `import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lattice import --from claude-code . --out workflow.json\n  lattice export workflow.json --target all --out ../other"
)]
pub struct Args {
    /// The coding agent whose files are read: `claude-code`, `codex`, `opencode` or `copilot`.
    #[arg(long, value_name = "NAME", value_parser = super::export::target)]
    pub from: Target,
    /// The folder of the project.
    pub dir: PathBuf,
    /// Where the workflow is written; left out, on standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite the file if it is there and differs.
    #[arg(long)]
    pub force: bool,
    /// One JSON object, with the workflow in it.
    #[arg(long)]
    pub json: bool,
}

/// Imports a folder.
pub fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let mut found = Found::default();
    found.open(&args.dir)?;
    for place in places(args.from) {
        found.look(&args.dir.join(place), place, 0)?;
    }
    let made = import(&found.files, args.from, &name(&args.dir));
    match made {
        Ok(mut made) => {
            made.left.append(&mut found.left);
            made.left.sort();
            write(&args, &made, app)
        }
        Err(mut left) => {
            left.append(&mut found.left);
            left.sort();
            Ok(nothing(&args, &left, app))
        }
    }
}

fn write(args: &Args, made: &Import, app: &App) -> Result<Exit, CliError> {
    let screen = &app.screen;
    let text = lattice_document::write(&made.document);
    if let Some(out) = &args.out {
        save(out, &text, args.force)?;
    }
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    screen.record(&json!({
        "ok": true, "from": args.from, "document": document, "taken": made.taken, "left": made.left,
    }));
    match &args.out {
        None => screen.line(text.trim_end()),
        Some(out) => {
            for taken in &made.taken {
                screen.line(clean(&format!(
                    "{:9} {} from {}",
                    taken.kind, taken.node, taken.file
                )));
            }
            let (count, left) = (made.taken.len(), made.left.len());
            screen.line(format!(
                "written to `{}`: nodes {count}, remarks {left}",
                out.display()
            ));
        }
    }
    remarks(&made.left, app);
    Ok(Exit::Completed)
}

fn nothing(args: &Args, left: &[Left], app: &App) -> Exit {
    let screen = &app.screen;
    screen.record(&json!({
        "ok": false, "from": args.from, "document": null, "taken": [], "left": left,
    }));
    remarks(left, app);
    let places: Vec<_> = places(args.from)
        .iter()
        .map(|it| format!("`{it}`"))
        .collect();
    screen.note(format!(
        "nothing in `{}` became a node: {} keeps sub-agents, skills and servers in {}; name the folder in which \
         these stand",
        args.dir.display(),
        args.from,
        places.join(", ")
    ));
    Exit::Failed
}

fn remarks(left: &[Left], app: &App) {
    for one in left {
        app.screen
            .note(format!("remark: {}", clean(&one.to_string())));
    }
}

/// Writes the workflow, whole or not at all.
fn save(out: &Path, text: &str, force: bool) -> Result<(), CliError> {
    let Some(name) = out.file_name().and_then(|name| name.to_str()) else {
        let text = format!("`{}` is no name of a file", out.display());
        return Err(CliError::said(text, "name a file, such as `workflow.json`"));
    };
    let files = BTreeMap::from([(name.to_owned(), text.as_bytes().to_vec())]);
    let folder = out.parent().filter(|it| !it.as_os_str().is_empty());
    let plan = Plan::new(folder.unwrap_or(Path::new(".")), &files)?;
    plan.refuse_changes(force)?;
    plan.perform()
}

/// The name of the folder.
fn name(dir: &Path) -> String {
    let whole = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let name = whole.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The files of a project that are worth a look.
#[derive(Default)]
struct Found {
    files: Files,
    left: Vec<Left>,
}

impl Found {
    fn open(&self, dir: &Path) -> Result<(), CliError> {
        match fs::metadata(dir) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(CliError::said(
                format!("`{}` is a file", dir.display()),
                "name the folder of the project",
            )),
            Err(error) => Err(CliError::said(
                format!("cannot read `{}`: {error}", dir.display()),
                "name the folder of the project",
            )),
        }
    }

    /// Takes in a file, or everything below a folder.
    fn look(&mut self, at: &Path, path: &str, depth: usize) -> Result<(), CliError> {
        let found = match fs::symlink_metadata(at) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.unreadable(path, &error);
                return Ok(());
            }
            Ok(found) => found,
        };
        if found.is_symlink() {
            self.leave(
                path,
                "it is a link, and none is followed",
                "put what it leads to in its place",
            );
        } else if found.is_file() {
            self.file(at, path, found.len())?;
        } else if !found.is_dir() {
            self.leave(path, "it is neither a file nor a folder", "move it away");
        } else if depth == DEPTH_MAX {
            let why = format!("it stands below {DEPTH_MAX} other folders");
            self.leave(path, &why, "move it up");
        } else {
            self.folder(at, path, depth)?;
        }
        Ok(())
    }

    fn folder(&mut self, at: &Path, path: &str, depth: usize) -> Result<(), CliError> {
        let entries = fs::read_dir(at).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable(path, &error);
                return Ok(());
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let inside = format!("{path}/{}", name.to_string_lossy());
            match name.to_str() {
                Some(_) => self.look(&entry.path(), &inside, depth + 1)?,
                None => self.leave(&inside, "its name is no UTF-8", "give it another name"),
            }
        }
        Ok(())
    }

    fn file(&mut self, at: &Path, path: &str, length: u64) -> Result<(), CliError> {
        if self.files.len() == FILES_MAX {
            let text = format!("there are more than {FILES_MAX} files to look at");
            return Err(CliError::said(
                text,
                "move away what is none of the client's",
            ));
        }
        let mut bytes = Vec::new();
        let read = fs::File::open(at)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
        match read {
            Err(error) => self.unreadable(path, &error),
            Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
                let why = format!("it has {length} bytes, and {FILE_BYTES_MAX} are read");
                self.leave(path, &why, "keep it beside the exported files");
            }
            Ok(_) => {
                self.files.insert(path.to_owned(), bytes);
            }
        }
        Ok(())
    }

    fn unreadable(&mut self, path: &str, error: &std::io::Error) {
        let why = format!("it cannot be read: {error}");
        self.leave(path, &why, "check its permissions");
    }

    fn leave(&mut self, path: &str, why: &str, help: &str) {
        self.left.push(Left {
            file: path.to_owned(),
            key: None,
            why: why.to_owned(),
            help: help.to_owned(),
        });
    }
}
