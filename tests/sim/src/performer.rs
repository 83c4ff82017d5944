//! The receivers of effects: they do what the world says, and keep a record.

use crate::desk::ProcessId;
use crate::effects::Sent;
use crate::fate::{Fate, Kind};
use crate::lock;
use crate::oracle::Chance;
use crate::report::BreachKind;
use crate::shadow::key_of;
use crate::sim::Sim;
use lattice_ir::{CallOutcome, CallRequest, EffectRequest};
use lattice_model::limits::STAGE_ATTEMPTS_MAX;
use lattice_ports::{LiveText, Performer};
use std::sync::Arc;

/// How long attempts take, in milliseconds: within a second, and over one and two looks at the
/// tail.
const DURATIONS_MS: [u64; 3] = [300, 7_000, 12_000];

/// The receivers as one process reaches them.
pub struct SimPerformer {
    /// The world.
    pub sim: Arc<Sim>,
    /// Who sends.
    pub process: ProcessId,
}

/// Notes when nobody waits for an attempt any more, however that came to be.
struct Alive<'a> {
    sim: &'a Sim,
    place: usize,
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        let now_ms = self.sim.now_ms();
        lock(&self.sim.effects).end(self.place, now_ms);
    }
}

impl Performer for SimPerformer {
    async fn perform(&self, request: CallRequest, _live: &dyn LiveText) -> CallOutcome {
        let fate = self.sim.desk.gate(self.process, Kind::EffectStart).await;
        let (alive, outcome) = self.begin(&request);
        if fate == Fate::CrashAfter {
            self.sim.crash(self.process).await;
        }
        self.sim.clock_sleep(self.duration_ms(&request)).await;
        let fate = self.sim.desk.gate(self.process, Kind::EffectEnd).await;
        lock(&self.sim.effects).answer(alive.place, outcome.clone());
        if fate == Fate::CrashAfter {
            self.sim.crash(self.process).await;
        }
        outcome
    }
}

impl SimPerformer {
    fn begin(&self, request: &CallRequest) -> (Alive<'_>, CallOutcome) {
        let sim = &*self.sim;
        self.check(request);
        let sent = Sent {
            run: request.run.clone(),
            stage: request.stage.clone(),
            attempt: request.attempt,
            key: request.key,
            process: self.process,
            from_ms: sim.now_ms(),
            until_ms: None,
            outcome: None,
        };
        let place = lock(&sim.effects).send(sent);
        let EffectRequest::Model(model) = &request.effect;
        let epoch = self.epoch(request).unwrap_or(0);
        let outcome = (sim.world.calls)(request.stage.as_str(), epoch, &model.prompt.to_display());
        (Alive { sim, place }, outcome)
    }

    fn check(&self, request: &CallRequest) {
        let (sim, stage) = (&*self.sim, &request.stage);
        let attempt = request.attempt;
        if let Some(other) = lock(&sim.effects).alive(&request.run, stage) {
            let (one, two) = (other.process, self.process);
            let text = format!(
                "two effects of `{stage}` are live at once: attempt {} of process {one} and \
                 attempt {attempt} of process {two}",
                other.attempt
            );
            sim.breach(BreachKind::Duplicated, text);
        }
        let claimed = sim.look_at(&request.run, |shadow| {
            shadow
                .claim(stage, attempt)
                .is_some_and(|claim| claim.key == request.key)
        });
        if claimed != Some(true) {
            let text = format!("attempt {attempt} of `{stage}` was sent without a claim");
            sim.breach(BreachKind::Wrong, text);
        }
        if self.epoch(request).is_none() {
            let text = format!("attempt {attempt} of `{stage}` has a key that is not its stage's");
            sim.breach(BreachKind::Duplicated, text);
        }
        let skipped_ms = sim.look_at(&request.run, |shadow| {
            shadow.branches.skipped.get(stage).copied()
        });
        if let Some(skipped_ms) = skipped_ms.flatten()
            && sim.now_ms() > skipped_ms + sim.scenario.fence_ms()
        {
            let text = format!("attempt {attempt} of `{stage}` was sent after it was skipped");
            sim.breach(BreachKind::Wrong, text);
        }
        if sim
            .cancelled_ms(&request.run)
            .is_some_and(|bound_ms| sim.now_ms() > bound_ms)
        {
            let text = format!("attempt {attempt} of `{stage}` was sent after a cancel");
            sim.breach(BreachKind::Wrong, text);
        }
    }

    /// The failures recorded before, as the key tells them.
    fn epoch(&self, request: &CallRequest) -> Option<u32> {
        (0..=STAGE_ATTEMPTS_MAX * 2)
            .find(|epoch| key_of(&request.run, &request.stage, *epoch) == request.key)
    }

    fn duration_ms(&self, request: &CallRequest) -> u64 {
        let rig = &self.sim.scenario.rig;
        let of_stage = rig.stages_ms.get(request.stage.as_str()).copied();
        if let Some(ms) = of_stage.or(rig.effect_ms) {
            return ms;
        }
        let of_stage = request.stage.as_str().bytes().map(u64::from).sum::<u64>();
        let seed = self.sim.scenario.seed ^ of_stage << 8 ^ u64::from(request.attempt);
        let [short, long, longer] = DURATIONS_MS;
        let drawn = Chance::new(seed).pick(short, &[long, longer]);
        drawn.min(request.timeout_ms.saturating_sub(1))
    }
}
