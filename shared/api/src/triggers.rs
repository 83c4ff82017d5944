//! Keeps the rows of triggers in line with the newest version of their workflow, and starts the runs
//! of those that fire.

use crate::refuse::Refused;
use crate::service::{Api, Parts};
use lattice_document::{Document, Problem};
use lattice_driver::Fired;
pub(crate) use lattice_driver::start_key;
use lattice_ir::{Missed, Plan, Program, Schedule, Trigger, TriggerKind};
use lattice_model::limits::{LIST_ROWS_MAX, SCHEDULE_LATE_MS_MAX, TRIGGER_SYNCS_MAX};
use lattice_model::{Hash, Millis, NodeId, ProgramHash, Tenant, TriggerId, WorkflowId};
use lattice_nodes::codes::BAD_SCHEDULE;
use lattice_ports::{
    Clock, FiringNote, Pause, PortError, Schedules, TriggerRow, Triggers, Workflows,
};
use lattice_schedule::Expression;
use lattice_wire::codes::NO_TRIGGER;
use std::collections::BTreeMap;
use std::mem::discriminant;
use std::sync::Arc;

/// The letters of Crockford's base 32, as in the ids of runs.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_CHARS: u32 = 26;

/// The id of a trigger: the same for ever for one node of one workflow.
pub fn trigger_id(tenant: &Tenant, workflow: &WorkflowId, node: &NodeId) -> TriggerId {
    let parts = [tenant.as_str(), workflow.as_str(), node.as_str()];
    let hash = Hash::of_parts(&parts.map(str::as_bytes));
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    let number = u128::from_be_bytes(half);
    let letter = |place: u32| {
        let index = (number >> (5 * place)) as usize & 31;
        char::from(LETTERS[index])
    };
    let text: String = (0..ID_CHARS).rev().map(letter).collect();
    TriggerId::new(format!("tr_{text}"))
}

/// Whether a text can be the id of a trigger.
pub fn is_trigger_id(text: &str) -> bool {
    let letters = text.strip_prefix("tr_").map(str::as_bytes);
    letters.is_some_and(|text| {
        text.len() == ID_CHARS as usize && text.iter().all(|letter| LETTERS.contains(letter))
    })
}

/// When a schedule fires next. What cannot be read, because another build wrote it, never does.
pub fn next_at(schedule: &Schedule, after: Millis, stored_at: Millis) -> Option<Millis> {
    let read = Expression::read(&schedule.expression, &schedule.timezone);
    read.ok()?.next_after(after, stored_at)
}

/// Warns of schedules that never fire again. Only a server knows what time it is, and a workflow is
/// saved again after its one moment too, so they are no errors.
pub(crate) fn over(program: &Program, document: &Document, now: Millis) -> Vec<Problem> {
    let over = |trigger: &Trigger| {
        let TriggerKind::Schedule(schedule) = &trigger.on else {
            return None;
        };
        let read = Expression::read(&schedule.expression, &schedule.timezone).ok()?;
        let error = read.arm(now).err()?;
        let mut nodes = document.nodes.iter();
        let place = nodes.position(|node| node.id == trigger.node)?;
        let at = format!("/nodes/{place}/settings/expression");
        let problem = Problem::warning(BAD_SCHEDULE, at, error.to_string());
        Some(problem.at_node(&trigger.node).help(error.help()))
    };
    program.triggers.iter().filter_map(over).collect()
}

/// The pause that a schedule gets when it is to rest, or no more; none if it stands so already.
pub fn pause_of(row: &TriggerRow, rests: bool, now: Millis) -> Option<Pause> {
    let on = row.pause.filter(|pause| pause.is_on());
    match (rests, on) {
        (true, None) => Some(Pause {
            since: now,
            until: None,
        }),
        (false, Some(Pause { since, .. })) => Some(Pause {
            since,
            until: Some(now),
        }),
        _ => None,
    }
}

/// Tells the clock of a schedule what is stored of it; gives that, if it is still there.
// INVARIANT: whoever ends last has looked at the pause after its own last word to the clock, so a
// save beside a resume leaves no schedule silent.
pub(crate) async fn arm_as_stored<S: Triggers, H: Schedules>(
    (store, schedules): (&S, &H),
    now: Millis,
    row: TriggerRow,
) -> Result<Option<TriggerRow>, PortError> {
    for _ in 0..TRIGGER_SYNCS_MAX {
        let Some(stands) = store.trigger(&row.id).await? else {
            schedules.disarm(&row.id).await?;
            return Ok(None);
        };
        let TriggerKind::Schedule(schedule) = &stands.on else {
            return Ok(Some(stands));
        };
        match next_at(schedule, now, stands.stored_at) {
            Some(_) => schedules.arm(&stands).await?,
            None => schedules.disarm(&stands.id).await?,
        }
        let after = store.trigger(&row.id).await?;
        if after
            .as_ref()
            .is_some_and(|after| after.pause == stands.pause)
        {
            return Ok(after);
        }
    }
    Err(PortError::Unavailable {
        port: "triggers",
        reason: format!("the schedule `{}` is changed by many at once", row.id),
    })
}

/// Brings the rows of a workflow's triggers, and the clock, in line with its newest version. May be
/// repeated after it failed half-way, and be under way several times at once.
// INVARIANT: whoever ends last has looked at the newest version after its own last write, so an older
// save never has the last word.
pub async fn sync_triggers<S: Workflows + Triggers, H: Schedules>(
    (store, schedules): (&S, &H),
    now: Millis,
    tenant: &Tenant,
    workflow: &WorkflowId,
) -> Result<Vec<TriggerRow>, PortError> {
    let sync = Sync {
        store,
        schedules,
        now,
        tenant,
        workflow,
    };
    let mut newest = sync.newest().await?;
    for _ in 0..TRIGGER_SYNCS_MAX {
        let rows = sync.to(newest.map(|(_, program)| program)).await?;
        let after = sync.newest().await?;
        if after == newest {
            return Ok(rows);
        }
        newest = after;
    }
    Err(PortError::Unavailable {
        port: "workflows",
        reason: format!("workflow `{workflow}` is being saved by many at once"),
    })
}

struct Sync<'a, S, H> {
    store: &'a S,
    schedules: &'a H,
    now: Millis,
    tenant: &'a Tenant,
    workflow: &'a WorkflowId,
}

impl<S: Workflows + Triggers, H: Schedules> Sync<'_, S, H> {
    async fn newest(&self) -> Result<Option<(Hash, ProgramHash)>, PortError> {
        let versions = self.store.versions(self.tenant, self.workflow, 1).await?;
        Ok(versions.first().map(|row| (row.version, row.program)))
    }

    async fn to(&self, program: Option<ProgramHash>) -> Result<Vec<TriggerRow>, PortError> {
        let mut known = self.known().await?;
        let program = match program {
            Some(hash) => Some(self.store.program(hash).await?),
            None => None,
        };
        let mut rows = Vec::new();
        for trigger in program.iter().flat_map(|program| &program.triggers) {
            let id = trigger_id(self.tenant, self.workflow, &trigger.node);
            let old = known.remove(&id);
            rows.push(self.keep(id, &trigger.node, &trigger.on, old).await?);
        }
        for (id, row) in known {
            self.disarm(&row).await?;
            self.store.delete_trigger(&id).await?;
        }
        rows.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(rows)
    }

    async fn known(&self) -> Result<BTreeMap<TriggerId, TriggerRow>, PortError> {
        let (tenant, workflow) = (Some(self.tenant), Some(self.workflow));
        let mut known = BTreeMap::new();
        loop {
            let after = known.last_key_value().map(|(id, _)| id);
            let page = self.store.triggers(tenant, workflow, after, LIST_ROWS_MAX);
            let page = page.await?;
            if page.is_empty() {
                return Ok(known);
            }
            known.extend(page.into_iter().map(|row| (row.id.clone(), row)));
        }
    }

    /// The row of a trigger that is there: as it was if it says the same, so that a rate goes on
    /// counting from where it began.
    async fn keep(
        &self,
        id: TriggerId,
        node: &NodeId,
        on: &TriggerKind,
        old: Option<TriggerRow>,
    ) -> Result<TriggerRow, PortError> {
        let row = match old {
            Some(old) if old.on == *on => old,
            old => {
                let (pause, note) = (None, FiringNote::default());
                let row = TriggerRow {
                    id,
                    tenant: self.tenant.clone(),
                    workflow: self.workflow.clone(),
                    node: node.clone(),
                    on: on.clone(),
                    stored_at: self.now,
                    pause,
                    note,
                };
                // A webhook has no pause and no note, so one that takes the place of a schedule, or
                // leaves it, begins anew.
                let is_other = |old: &TriggerRow| discriminant(&old.on) != discriminant(on);
                if let Some(old) = old.filter(is_other) {
                    self.disarm(&old).await?;
                    self.store.delete_trigger(&old.id).await?;
                }
                self.store.put_trigger(row.clone()).await?;
                row
            }
        };
        let TriggerKind::Schedule(_) = &row.on else {
            return Ok(row);
        };
        // Also one that stands as it was: it may be what an earlier save did not come to.
        let parts = (self.store, self.schedules);
        let armed = arm_as_stored(parts, self.now, row.clone()).await?;
        Ok(armed.unwrap_or(row))
    }

    async fn disarm(&self, row: &TriggerRow) -> Result<(), PortError> {
        match row.on {
            TriggerKind::Schedule(_) => self.schedules.disarm(&row.id).await,
            TriggerKind::Webhook(_) => Ok(()),
        }
    }
}

/// A trigger that is to fire: its row, and what the newest version of its workflow says of it.
pub(crate) struct Ready {
    pub row: TriggerRow,
    pub plan: Arc<Plan>,
    pub on: TriggerKind,
}

impl<E: Parts> Api<E> {
    /// Fires a schedule for the moment `at`. Fired again for the same moment, it starts no second run.
    /// A trigger that the newest version of its workflow has no more is refused with a problem of
    /// status 404, which no repetition mends.
    pub async fn fire(&self, trigger: &TriggerId, at: Millis) -> Result<Fired, Refused> {
        let ready = self.ready(trigger).await?;
        let TriggerKind::Schedule(schedule) = &ready.on else {
            return Err(no_trigger(trigger.as_str()));
        };
        let now = self.driver.clock().now();
        let fired = match is_superseded(schedule, &ready.row, at, now) {
            true => Fired::Skipped { behind: None },
            false => {
                let fired = self.driver.fire(trigger, at).await?;
                fired.ok_or_else(|| no_trigger(trigger.as_str()))?
            }
        };
        self.metrics.fired(fired.as_str());
        Ok(fired)
    }

    /// The trigger with this id, as the newest version of its workflow has it.
    pub(crate) async fn ready(&self, id: &TriggerId) -> Result<Ready, Refused> {
        let none = || no_trigger(id.as_str());
        let row = match is_trigger_id(id.as_str()) {
            true => self.store().trigger(id).await?,
            false => None,
        };
        let row = row.ok_or_else(none)?;
        let newest = self.driver.newest_of(&row).await?;
        let (plan, on) = newest.ok_or_else(none)?;
        Ok(Ready { row, plan, on })
    }
}

/// No such trigger, or none any more.
pub(crate) fn no_trigger(id: &str) -> Refused {
    let id: String = id.chars().take(40).collect();
    Refused::new(
        NO_TRIGGER,
        format!("there is no trigger `{id}`"),
        "`GET /v1/hooks` and `GET /v1/schedules` list the triggers",
    )
}

/// Whether a moment comes late where only the newest is made up for, and there has been a newer one.
fn is_superseded(schedule: &Schedule, row: &TriggerRow, at: Millis, now: Millis) -> bool {
    // Who fires may know moments to the second only.
    let second = at.plus(999);
    schedule.missed == Missed::Once
        && now.since(at) > SCHEDULE_LATE_MS_MAX
        && next_at(schedule, second, row.stored_at).is_some_and(|newer| newer <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_function_of_tenant_workflow_and_node() {
        let id = |tenant: &str, workflow: &str, node: &str| {
            let tenant = tenant.parse().unwrap_or_default();
            trigger_id(&tenant, &WorkflowId::new(workflow), &NodeId::new(node))
        };
        let one = id("acme", "orders", "hook");
        assert!(is_trigger_id(one.as_str()), "{one}");
        assert_eq!(one, id("acme", "orders", "hook"));
        for other in [
            id("rival", "orders", "hook"),
            id("acme", "ordersh", "ook"),
            id("acme", "orders", "hook2"),
        ] {
            assert!(is_trigger_id(other.as_str()) && other != one, "{other}");
        }
        // Senders know it, so it may never change.
        assert_eq!(one.as_str(), "tr_6bf3fv58m82qsjqzxr1yr5xc6v");
        for wrong in ["", "tr_", "tr_x", "run_01m81rvbx6kj60wdwv4v8kt6pz"] {
            assert!(!is_trigger_id(wrong), "{wrong}");
        }
    }
}
