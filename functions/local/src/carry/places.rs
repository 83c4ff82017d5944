//! Lets runs that stand in line begin when one that is followed has given its place back.

use super::Carry;
use crate::error::CliError;
use lattice_model::RunId;

impl Carry<'_> {
    /// Wakes those that could begin; says whether there are any. A run gives its place back behind its
    /// last commit, which is seen here before that, so it is done here once more.
    pub(super) async fn begin_in_line(&mut self) -> Result<bool, CliError> {
        let lined = self.runs.iter().filter(|(_, one)| one.watched.is_in_line());
        let lined: Vec<RunId> = lined.map(|(run, _)| run.clone()).collect();
        if lined.is_empty() || self.stop.is_some() {
            return Ok(false);
        }
        let driver = &self.host.driver;
        for (run, one) in &self.runs {
            if one.watched.had_place() {
                driver.has_left(run).await?;
            }
        }
        let mut any = false;
        for run in lined {
            if self.host.driver.would_begin(&run).await? {
                if let Some(one) = self.runs.get_mut(&run) {
                    one.watched.served = false;
                }
                self.host.wake(&run).await?;
                any = true;
            }
        }
        Ok(any)
    }
}
