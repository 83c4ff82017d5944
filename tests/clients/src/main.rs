//! Lets the real clients judge what is exported for them: each runs on this machine, with a mock for its
//! model, and what it shows of the files is compared with what the documents mean.
//!
//! `clients run TOOLS SKILLS RESULTS [--only CLIENT]`: where the clients are installed, the folder of
//! `agentskills`, and where the tables go.
//! `clients mcp-server`: the server that the clients start.
//!
//! Reading order: `documents`, `meant` (what a client should see), `place` (where it runs), `sees` and
//! one file per client (what it saw), `report`, `faults`.

mod claude;
mod codex;
mod copilot;
mod documents;
mod faults;
mod mcp;
mod meant;
mod mock;
mod opencode;
mod place;
mod report;
mod sees;

use lattice_document::Document;
use lattice_export::{Target, export};
use meant::Meant;
use mock::Mock;
use place::Place;
use report::Sheet;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// What keeps the clients from being asked.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Projects are shared by so many documents at most: a client shortens long lists.
const TOGETHER: usize = 6;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["mcp-server"] => mcp::serve().map(|()| true).map_err(Failure::from),
        ["run", tools, skills, results] => run(tools, skills, results, Target::ALL).await,
        ["run", tools, skills, results, "--only", word] => match Target::find(word) {
            Some(target) => run(tools, skills, results, &[target]).await,
            None => Err(format!("there is no client `{word}`").into()),
        },
        _ => Err("usage: clients run TOOLS SKILLS RESULTS [--only CLIENT]".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the clients could not be asked: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(
    tools: &str,
    skills: &str,
    results: &str,
    targets: &[Target],
) -> Result<bool, Failure> {
    let (tools, results) = (Path::new(tools), Path::new(results));
    let mock = Mock::start().await?;
    let program = std::env::current_exe()?.display().to_string();
    let documents = documents::all(&program, &format!("{}/mcp", mock.url()))?;
    let mut sheets = Vec::new();
    for target in targets {
        sheets.push(judge(*target, tools, &mock, &documents).await?);
    }
    let all = documents.iter().find(|(name, _)| name == "everything");
    let (_, clean) = all.ok_or("the document with everything is not there")?;
    let (faults, missed) =
        faults::plant(targets, tools, Path::new(skills), &mock.url(), clean).await?;
    let text = format!("{}\n{}", report::text(&sheets), faults::text(&faults));
    println!("{text}");
    place::write(&results.join("clients.md"), text.as_bytes())?;
    let value = report::value(&sheets, &faults);
    place::write(
        &results.join("clients.json"),
        format!("{value:#}\n").as_bytes(),
    )?;
    Ok(missed.is_empty() && sheets.iter().all(|sheet| sheet.count("mismatch") == 0))
}

/// Lets one client look at every document.
async fn judge(
    target: Target,
    tools: &Path,
    mock: &Mock,
    documents: &[(String, Document)],
) -> Result<Sheet, Failure> {
    let empty = Place::new(target, tools, &mock.url(), &BTreeMap::new()).await?;
    let version = empty.run(&["--version"]).await?.out;
    let version = version.lines().next().unwrap_or_default().trim().to_owned();
    let mut sheet = Sheet::new(target.word(), version);
    for (files, together) in projects(target, documents)? {
        let names: Vec<_> = together.iter().map(|(name, _)| name.as_str()).collect();
        eprintln!("   {target}: {}", names.join(", "));
        let place = Place::new(target, tools, &mock.url(), &files).await?;
        let look = sees::Look {
            place: &place,
            mock,
            documents: &together,
        };
        sees::look(target, &look, &mut sheet).await?;
    }
    Ok(sheet)
}

/// Files, and the documents that they are made of.
type Project = (BTreeMap<String, Vec<u8>>, Vec<(String, Meant)>);

/// Puts documents into one project where no file of one is a file of another.
fn projects(target: Target, documents: &[(String, Document)]) -> Result<Vec<Project>, Failure> {
    let mut projects: Vec<Project> = Vec::new();
    for (name, document) in documents {
        let made =
            export(document, target).map_err(|problems| format!("`{name}`: {problems:?}"))?;
        let one = (name.clone(), meant::meant(document));
        let fits = |(files, together): &&mut Project| {
            together.len() < TOGETHER && !made.files.keys().any(|path| files.contains_key(path))
        };
        match projects.iter_mut().find(fits) {
            Some((files, together)) => {
                files.extend(made.files);
                together.push(one);
            }
            None => projects.push((made.files, vec![one])),
        }
    }
    Ok(projects)
}
