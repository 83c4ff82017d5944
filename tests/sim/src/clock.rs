//! The clock of one process: virtual time, and a wall that may be wrong.

use crate::desk::ProcessId;
use crate::fate::{Fate, Kind};
use crate::sim::Sim;
use lattice_model::Millis;
use lattice_ports::Clock;
use std::sync::Arc;

/// The clock of one process.
pub struct SimClock {
    /// The world.
    pub sim: Arc<Sim>,
    /// Whose clock it is.
    pub process: ProcessId,
}

impl Clock for SimClock {
    fn now(&self) -> Millis {
        let skew_ms = self.sim.skew_ms(self.process);
        Millis::new(self.sim.clock.now().get().saturating_add_signed(skew_ms))
    }

    fn monotonic_ms(&self) -> u64 {
        self.sim.clock.monotonic_ms()
    }

    async fn sleep(&self, duration_ms: u64) {
        let fate = self.sim.desk.gate(self.process, Kind::Sleep).await;
        self.sim.clock.sleep(duration_ms).await;
        if fate == Fate::CrashAfter {
            self.sim.crash(self.process).await;
        }
    }

    fn fresh(&self) -> [u8; 16] {
        self.sim.clock.fresh()
    }
}
