//! Exports: a workflow as the files of a coding agent.

use super::workflows;
use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json};
use axum::http::StatusCode;
use lattice_document::{Document, Problem, read};
use lattice_export::Target;
use lattice_wire::TARGETS;
use lattice_wire::codes::NO_TARGET;
use lattice_wire::shapes::{ExportAnswer, ExportFile, ExportWarning};

/// Exports the document that is sent.
pub fn document(call: &Call) -> Done {
    let target = target(&call.id)?;
    let reading = read(workflows::object(call.body.as_deref().unwrap_or_default())?);
    let is_broken = reading.problems.iter().any(Problem::is_error);
    let document = reading.document.filter(|_| !is_broken);
    let document = document.ok_or_else(|| workflows::unsound(reading.problems, "exported"))?;
    answer(&document, target)
}

/// Exports a stored workflow.
pub async fn workflow<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let target = target(&call.second)?;
    let version = call.query.version("version")?;
    let stored = workflows::find(api, call, version).await?;
    let broken = || Refused::internal("a stored workflow cannot be read");
    let document = read(stored.document.as_bytes())
        .document
        .ok_or_else(broken)?;
    answer(&document, target)
}

fn target(word: &str) -> Result<Target, Refused> {
    Target::find(word).ok_or_else(|| {
        let detail = format!("nothing can be exported to `{}`", word.escape_debug());
        Refused::new(
            NO_TARGET,
            detail,
            format!("there are {}", TARGETS.join(", ")),
        )
    })
}

/// The files, all of them or none. Nothing is written here.
fn answer(document: &Document, target: Target) -> Done {
    let made = lattice_export::export(document, target);
    let made = made.map_err(|problems| workflows::unsound(problems, "exported"))?;
    let files = made.files.into_iter().map(|(path, bytes)| {
        let text = String::from_utf8(bytes).map_err(Refused::internal)?;
        Ok(ExportFile { path, text })
    });
    let warnings = made.warnings.into_iter().map(|warning| ExportWarning {
        node: warning.node,
        lost: warning.lost,
        help: warning.help,
        link: warning.link,
    });
    let answer = ExportAnswer {
        target: target.word().to_owned(),
        files: files.collect::<Result<_, Refused>>()?,
        warnings: warnings.collect(),
        launch: made.launch,
    };
    json(StatusCode::OK, &answer)
}

#[cfg(test)]
mod tests {
    use super::{TARGETS, Target};

    #[test]
    fn the_words_in_the_path_are_those_of_the_exports() {
        let words: Vec<_> = Target::ALL.iter().map(|target| target.word()).collect();
        assert_eq!(TARGETS, words);
    }
}
