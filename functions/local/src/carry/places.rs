//! Lets runs that stand in line ask again when one that is followed has given its place back.

use super::Carry;
use crate::error::CliError;
use lattice_model::RunId;

impl Carry<'_> {
    /// A worker has looked at a run, and has done all that it could.
    pub(super) async fn served(&mut self, run: &RunId) -> Result<(), CliError> {
        let Some(one) = self.runs.get_mut(run) else {
            return Ok(());
        };
        one.watched.served = true;
        if !one.watched.had_place() {
            return Ok(());
        }
        let mut lined = Vec::new();
        for (run, one) in &mut self.runs {
            if one.watched.is_in_line() {
                one.watched.served = false;
                lined.push(run.clone());
            }
        }
        for run in lined {
            self.host.wake(&run).await?;
        }
        Ok(())
    }
}
