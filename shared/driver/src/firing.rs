//! What a firing of a schedule does: start a run, or not, by the schedule's policies. Whoever fires
//! may crash at any point, fire twice, or fire beside another process.
//!
//! Where runs may not overlap, the row of the trigger has a note. A moment is claimed in the note
//! before its run is started, and the run is written into the note afterwards; each change is made
//! against the revision that was read. `docs/decisions/0011-schedule-policies.md` says why.

use crate::driver::Driver;
use crate::error::{DriverError, RequestError};
use crate::requests::{StartRequest, Started};
use lattice_ir::{Overlap, Plan, Schedule, TriggerKind};
use lattice_journal::payload::TriggerFired;
use lattice_model::limits::{FIRING_LOOKS_MAX, FIRINGS_SWEPT_MAX};
use lattice_model::{InboxId, Millis, RunId, TriggerId};
use lattice_ports::{
    Clock, FiringNote, LastFiring, Performer, PortError, StageQueue, Store, TriggerRow, Triggers,
};
use std::sync::Arc;

/// What came of a firing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// The moment has a run.
    Started(Started),
    /// It starts nothing: the run of an earlier moment was open, `behind` if it still is.
    Skipped {
        /// That run.
        behind: Option<RunId>,
    },
    /// It starts once this run is over.
    Waits {
        /// The run of an earlier moment.
        behind: RunId,
    },
    /// It starts nothing: the schedule rests, or did at that moment.
    Paused,
    /// There was nothing left to do.
    Nothing,
}

impl Fired {
    /// One word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Started(Started { known: false, .. }) => "started",
            Self::Started(Started { known: true, .. }) => "known",
            Self::Skipped { .. } => "skipped",
            Self::Waits { .. } => "waits",
            Self::Paused => "paused",
            Self::Nothing => "nothing",
        }
    }
}

/// A schedule as it stands now.
struct Armed {
    row: TriggerRow,
    plan: Arc<Plan>,
    schedule: Schedule,
}

/// What one look at a schedule comes to.
enum Look {
    Done(Fired),
    /// Something was changed, by this look or beside it.
    Again(Option<Started>),
}

/// The key of a start by a trigger. People's keys are printable, so none of theirs is one of these.
pub fn start_key(trigger: &TriggerId, of: &str) -> String {
    format!("{trigger}\u{1f}{of}")
}

impl<S: Store + Triggers, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Fires a schedule for the moment `at`. Fired again for the same moment, it starts no second
    /// run. `None` = the newest version of its workflow has no such schedule.
    pub async fn fire(&self, id: &TriggerId, at: Millis) -> Result<Option<Fired>, DriverError> {
        self.look_until_done(id, Some(at)).await
    }

    /// Does what earlier firings left to do: starts a moment that was claimed, and one that waits for
    /// a run which is over by now.
    pub async fn settle_firing(&self, id: &TriggerId) -> Result<Option<Fired>, DriverError> {
        self.look_until_done(id, None).await
    }

    /// The same for every schedule that has something left to do. To be called each minute; says how
    /// many runs it started. A schedule that cannot be settled does not stop the others.
    pub async fn settle_firings(&self) -> Result<usize, DriverError> {
        let mut started = 0;
        for row in self.store.open_firings(FIRINGS_SWEPT_MAX).await? {
            let (trigger, workflow) = (&row.id, &row.workflow);
            match self.settle_firing(trigger).await {
                Ok(Some(Fired::Started(it))) => {
                    started += 1;
                    let (run, known) = (it.run, it.known);
                    tracing::info!(%trigger, %workflow, %run, known, "a moment that waited has its run");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%trigger, %workflow, %error, "a moment that waits starts no run");
                }
            }
        }
        Ok(started)
    }

    /// What the newest version of its workflow says of a trigger.
    pub async fn newest_of(
        &self,
        row: &TriggerRow,
    ) -> Result<Option<(Arc<Plan>, TriggerKind)>, DriverError> {
        let versions = self.store.versions(&row.tenant, &row.workflow, 1).await?;
        let Some(newest) = versions.first() else {
            return Ok(None);
        };
        let plan = self.plan(newest.program).await?;
        let triggers = &plan.program().triggers;
        let found = triggers.iter().find(|trigger| trigger.node == row.node);
        let on = found.map(|trigger| trigger.on.clone());
        Ok(on.map(|on| (plan, on)))
    }

    async fn look_until_done(
        &self,
        id: &TriggerId,
        at: Option<Millis>,
    ) -> Result<Option<Fired>, DriverError> {
        let mut earlier = None;
        for _ in 0..FIRING_LOOKS_MAX {
            let Some(armed) = self.armed(id).await? else {
                return Ok(None);
            };
            match self.look(&armed, at).await? {
                Look::Done(Fired::Nothing) => {
                    return Ok(Some(earlier.map_or(Fired::Nothing, Fired::Started)));
                }
                Look::Done(fired) => return Ok(Some(fired)),
                Look::Again(started) => earlier = started.or(earlier),
            }
        }
        Err(DriverError::Port(PortError::Unavailable {
            port: "triggers",
            reason: format!("the schedule `{id}` is being fired by many at once"),
        }))
    }

    async fn armed(&self, id: &TriggerId) -> Result<Option<Armed>, DriverError> {
        let Some(row) = self.store.trigger(id).await? else {
            return Ok(None);
        };
        Ok(match self.newest_of(&row).await? {
            Some((plan, TriggerKind::Schedule(schedule))) => Some(Armed {
                row,
                plan,
                schedule,
            }),
            _ => None,
        })
    }

    async fn look(&self, armed: &Armed, at: Option<Millis>) -> Result<Look, DriverError> {
        let (row, note) = (&armed.row, &armed.row.note);
        if let Some(dropped) = dropped_by_pause(row) {
            return self.pass_over(row, dropped).await;
        }
        if let Some(pause) = row.pause
            && (pause.is_on() || at.is_some_and(|at| pause.covers(at)))
        {
            return Ok(Look::Done(Fired::Paused));
        }
        let allowed = armed.schedule.overlap == Overlap::Allow;
        if let Some(at) = at.filter(|_| allowed) {
            let started = self.start_moment(armed, at).await?;
            return Ok(Look::Done(Fired::Started(started)));
        }
        if let Some(at) = at
            && let Some(known) = self.known_moment(row, at).await?
        {
            return Ok(Look::Done(known));
        }
        if let Some(LastFiring {
            at: claimed,
            run: None,
        }) = note.last
        {
            return self.start_claimed(armed, claimed, at).await;
        }
        let open = match &note.last {
            Some(LastFiring { run: Some(run), .. }) if !allowed => self.open_run(run).await?,
            _ => None,
        };
        match open {
            None => self.claim(row, at).await,
            Some(run) => self.behind(armed, run, at).await,
        }
    }

    /// What became of the moment earlier, if it was judged before.
    async fn known_moment(
        &self,
        row: &TriggerRow,
        at: Millis,
    ) -> Result<Option<Fired>, DriverError> {
        let claimed = LastFiring { at, run: None };
        if row.note.last.as_ref() == Some(&claimed) {
            return Ok(None);
        }
        let key = row.tenant.scoped(&moment_key(&row.id, at));
        if let Some(run) = self.store.run_of_key(&key).await? {
            return Ok(Some(Fired::Started(Started { run, known: true })));
        }
        let skipped = row.note.skipped.is_some_and(|skipped| at <= skipped);
        Ok(skipped.then_some(Fired::Skipped { behind: None }))
    }

    /// Starts the run of a moment that was claimed, by whomever.
    // INVARIANT: a claim is taken back only when its start can never succeed, so no start is lost;
    // the start's key is the moment's, so none is made twice.
    async fn start_claimed(
        &self,
        armed: &Armed,
        claimed: Millis,
        at: Option<Millis>,
    ) -> Result<Look, DriverError> {
        let (row, note) = (&armed.row, &armed.row.note);
        let started = match self.start_moment(armed, claimed).await {
            Ok(started) => started,
            Err(error) => {
                if is_final(&error) {
                    let next = note.changed(|note| note.last = None);
                    self.store.note_firing(&row.id, next).await?;
                }
                return Err(error);
            }
        };
        let run = Some(started.run.clone());
        let next = note.changed(|note| note.last = Some(LastFiring { at: claimed, run }));
        // Where another was faster, it wrote the same run.
        self.store.note_firing(&row.id, next).await?;
        Ok(match at == Some(claimed) {
            true => Look::Done(Fired::Started(started)),
            false => Look::Again(Some(started)),
        })
    }

    /// Nothing is open: gives the next run to the moment that waits, else to the one that fires.
    async fn claim(&self, row: &TriggerRow, at: Option<Millis>) -> Result<Look, DriverError> {
        let Some(next) = row.note.waiting.or(at) else {
            return Ok(Look::Done(Fired::Nothing));
        };
        let claimed = row.note.changed(|note| {
            note.waiting = None;
            note.last = Some(LastFiring {
                at: next,
                run: None,
            });
        });
        self.store.note_firing(&row.id, claimed).await?;
        Ok(Look::Again(None))
    }

    /// The run of an earlier moment is open.
    async fn behind(
        &self,
        armed: &Armed,
        run: RunId,
        at: Option<Millis>,
    ) -> Result<Look, DriverError> {
        let (row, note) = (&armed.row, &armed.row.note);
        let cancels = armed.schedule.overlap == Overlap::CancelOld;
        let Some(at) = at else {
            let Some(_) = note.waiting else {
                return Ok(Look::Done(Fired::Nothing));
            };
            if cancels {
                self.cancel_for(&run, armed).await?;
            }
            return Ok(Look::Done(Fired::Waits { behind: run }));
        };
        // A firing that comes late may not wait behind a newer one, or cancel it.
        let older = note.last.as_ref().is_some_and(|last| at < last.at);
        let skips = older || !matches!(armed.schedule.overlap, Overlap::Queue) && !cancels;
        let (waits, passed) = match note.waiting {
            _ if skips => (note.waiting, Some(at)),
            None => (Some(at), None),
            Some(waiting) if waiting == at => (Some(at), None),
            Some(waiting) => (Some(waiting.max(at)), Some(waiting.min(at))),
        };
        if waits != note.waiting || passed.is_some() {
            let next = note.changed(|note| {
                note.waiting = waits;
                note.skipped = note.skipped.max(passed);
            });
            if !self.store.note_firing(&row.id, next).await? {
                return Ok(Look::Again(None));
            }
        }
        if waits != Some(at) {
            let behind = Some(run);
            return Ok(Look::Done(Fired::Skipped { behind }));
        }
        if cancels {
            self.cancel_for(&run, armed).await?;
        }
        Ok(Look::Done(Fired::Waits { behind: run }))
    }

    /// The moment that waited starts nothing.
    async fn pass_over(&self, row: &TriggerRow, waited: Millis) -> Result<Look, DriverError> {
        let next = row.note.changed(|note| {
            note.waiting = None;
            note.skipped = note.skipped.max(Some(waited));
        });
        self.store.note_firing(&row.id, next).await?;
        Ok(Look::Again(None))
    }

    /// The run, if it is not over. One that is not kept any more is.
    async fn open_run(&self, run: &RunId) -> Result<Option<RunId>, DriverError> {
        let head = self.store.head(run).await?;
        Ok(head
            .filter(|head| !head.status.is_terminal())
            .map(|head| head.run))
    }

    /// Asks the run to end. Asked again, it is the same item in the run's inbox.
    async fn cancel_for(&self, run: &RunId, armed: &Armed) -> Result<(), DriverError> {
        let row = &armed.row;
        let id = InboxId::new(format!("fired_{}", row.id));
        let reason = format!(
            "the schedule `{}` (node `{}`) fired again, and its overlap is `cancelOld`",
            row.id, row.node
        );
        match self.cancel_as(run, &reason, id).await {
            Ok(_) | Err(RequestError::Over { .. }) => Ok(()),
            Err(RequestError::Driver(error)) => Err(error),
            Err(error) => Err(DriverError::Internal(error.to_string())),
        }
    }

    async fn start_moment(&self, armed: &Armed, at: Millis) -> Result<Started, DriverError> {
        let Armed {
            row,
            plan,
            schedule,
        } = armed;
        let fired = TriggerFired {
            node: row.node.clone(),
            id: row.id.clone(),
            delivery: None,
            at: Some(at),
        };
        let request = StartRequest {
            tenant: row.tenant.clone(),
            plan: Arc::clone(plan),
            input: schedule.input.clone(),
            key: Some(moment_key(&row.id, at)),
            trigger: Some(fired),
        };
        match self.start(request).await {
            // The workflow was saved with another input between two deliveries of one firing.
            Err(DriverError::KeyReused { run }) => Ok(Started { run, known: true }),
            done => done,
        }
    }
}

fn moment_key(trigger: &TriggerId, at: Millis) -> String {
    start_key(trigger, &at.get().to_string())
}

/// The moment that waits, if a pause began while it did.
fn dropped_by_pause(row: &TriggerRow) -> Option<Millis> {
    let FiringNote { waiting, .. } = row.note;
    let pause = row.pause?;
    waiting.filter(|waiting| pause.until.is_none_or(|until| *waiting <= until))
}

/// Whether no repetition mends it: only another version of the workflow does.
fn is_final(error: &DriverError) -> bool {
    matches!(
        error,
        DriverError::Start(_)
            | DriverError::Program { .. }
            | DriverError::Port(PortError::Unfit { .. })
    )
}
