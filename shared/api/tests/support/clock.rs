//! What fires schedules, and can refuse.

use lattice_model::TriggerId;
use lattice_ports::memory::MemorySchedules;
use lattice_ports::{PortError, Schedules, TriggerRow};
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub struct Armed {
    known: MemorySchedules,
    /// Whether it does not answer.
    pub is_away: AtomicBool,
}

impl Armed {
    /// The workflows of what is armed.
    pub fn workflows(&self) -> Vec<String> {
        let armed = self.known.armed().into_iter();
        armed.map(|row| row.workflow.to_string()).collect()
    }

    /// Whether each of them was told to rest.
    pub fn paused(&self) -> Vec<bool> {
        let armed = self.known.armed().into_iter();
        armed
            .map(|row| row.pause.is_some_and(|pause| pause.is_on()))
            .collect()
    }

    fn check(&self) -> Result<(), PortError> {
        match self.is_away.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(PortError::Unavailable {
                port: "schedules",
                reason: "away".to_owned(),
            }),
        }
    }
}

impl Schedules for Armed {
    async fn arm(&self, row: &TriggerRow) -> Result<(), PortError> {
        self.check()?;
        self.known.arm(row).await
    }

    async fn disarm(&self, id: &TriggerId) -> Result<(), PortError> {
        self.check()?;
        self.known.disarm(id).await
    }
}
