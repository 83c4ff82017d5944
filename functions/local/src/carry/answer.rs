//! Gives the answers that were given beforehand.

use super::Carry;
use crate::error::CliError;
use lattice_driver::{RequestError, Signal};
use lattice_journal::payload::WaitOpened;
use lattice_journal::{Event, EventBody};
use lattice_model::{NodeId, RunId, StageId};

impl Carry<'_> {
    /// Answers what was asked before anybody followed the run.
    pub(super) async fn answer_open(&mut self, run: &RunId) -> Result<(), CliError> {
        let Some(one) = self.runs.get(run) else {
            return Ok(());
        };
        let open = one.watched.state.questions();
        let open: Vec<_> = open
            .map(|(stage, node, ..)| (node.clone(), stage.clone()))
            .collect();
        for (node, stage) in open {
            self.answer(run, &node, &stage).await?;
        }
        Ok(())
    }

    /// Gives the answer that was given beforehand, if there is one.
    pub(super) async fn answer(
        &mut self,
        run: &RunId,
        node: &NodeId,
        stage: &StageId,
    ) -> Result<(), CliError> {
        let (Some(value), Some(one)) = (self.answers.get(node), self.runs.get_mut(run)) else {
            return Ok(());
        };
        let shown = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        self.app.screen.line(format!(
            "    answered by --answer: {}",
            crate::text::clean(&shown)
        ));
        one.watched.answered.insert(stage.clone());
        let signal = Signal {
            node: node.clone(),
            wait: Some(stage.clone()),
            value: value.clone(),
            id: None,
        };
        match self.host.driver.signal(run, signal).await {
            Ok(_) => Ok(()),
            // Somebody else, or the question's own time, was faster.
            Err(RequestError::Over { .. } | RequestError::Answered { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether somebody may have to do something.
pub(super) fn is_for_people(event: &Event) -> bool {
    matches!(
        event.body,
        EventBody::StageFailed(_) | EventBody::StageRetrying(_) | EventBody::WaitOpened(_)
    )
}

pub(super) fn opened(event: &Event) -> Option<&WaitOpened> {
    match &event.body {
        EventBody::WaitOpened(wait) if wait.question.is_some() => Some(wait),
        _ => None,
    }
}
