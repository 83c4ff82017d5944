//! Runs that a run calls: started, started again by whoever finds that they are waited for, told of,
//! and cancelled when nobody waits any more (protocol, rules 10 and 11).

use crate::driver::Driver;
use crate::error::{DriverError, RequestError};
use crate::requests::Signal;
use crate::session::Session;
use lattice_engine::{Child, Decision, Origin, RunState, Spending, StartError, start, start_batch};
use lattice_ir::Plan;
use lattice_journal::payload::{ChildOutcome, Parent};
use lattice_journal::{EventBody, Failure, FailureKind, InboxBody, InboxItem, RunStatus, ValueRef};
use lattice_model::{Guard, InboxId, Millis, NodeId, RunId, Seq, StageId, limits};
use lattice_ports::{Appended, Clock, Message, Performer, PortError, StageQueue, Store};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Starts the runs that these stages call.
    pub(crate) async fn call_children(
        &self,
        session: &Session,
        stages: &[StageId],
    ) -> Result<(), DriverError> {
        for (stage, child) in session.state.children() {
            if stages.contains(stage) {
                self.begin_child(session, stage, child).await?;
            }
        }
        Ok(())
    }

    /// Makes sure that every run that is waited for has begun: the worker that called it may have died
    /// before it started it, or before it sent its message.
    // INVARIANT: a run that is waited for begins (Guard::ChildStartedAgain).
    pub(crate) async fn call_again(&self, session: &Session) -> Result<(), DriverError> {
        if !self.settings.guards.on(Guard::ChildStartedAgain) {
            return Ok(());
        }
        for (stage, child) in session.state.children() {
            self.ensure_child(session, stage, child).await?;
        }
        Ok(())
    }

    /// Makes sure that a run has begun and that somebody looks at it; says whether it is there.
    async fn ensure_child(
        &self,
        session: &Session,
        stage: &StageId,
        child: &Child,
    ) -> Result<bool, DriverError> {
        let row = self
            .patiently(session, || self.store.head(&child.run))
            .await?;
        match row.map(|head| head.status) {
            None => self.begin_child(session, stage, child).await,
            Some(RunStatus::Queued) => self.wake(session, &child.run).await.map(|()| true),
            Some(_) => Ok(true),
        }
    }

    /// Writes the first commit of a run and lets it go on. If it cannot begin, its parent is told so
    /// as if it had failed. Says whether it is there.
    async fn begin_child(
        &self,
        session: &Session,
        stage: &StageId,
        child: &Child,
    ) -> Result<bool, DriverError> {
        let at = self.clock.now();
        let (plan, begun) = match self.plan(child.program).await {
            Ok(plan) => {
                let begun = self.first_of(session, &plan, stage, child, at).await?;
                (plan, begun.map_err(|error| error.to_string()))
            }
            Err(
                error
                @ (DriverError::Program { .. } | DriverError::Port(PortError::Missing { .. })),
            ) => {
                return self
                    .cannot_begin(session, stage, child, &error.to_string())
                    .await;
            }
            Err(error) => return Err(error),
        };
        let mut decision = match begun {
            Ok(decision) => decision,
            Err(reason) => return self.cannot_begin(session, stage, child, &reason).await,
        };
        let unborn = self.unborn(child.run.clone(), plan);
        let put = self
            .seal(&unborn, &mut decision, at, None, Vec::new())
            .await?;
        match self.send(session, &put).await {
            Ok(Appended::Taken(winner)) if !self.is_mine(&winner, &put.commit) => {
                // Whoever was faster wrote the same, and shows it.
                return self.wake(session, &child.run).await.map(|()| true);
            }
            Ok(_) => {}
            Err(DriverError::Port(error @ PortError::Unfit { .. })) => {
                return self
                    .cannot_begin(session, stage, child, &error.to_string())
                    .await;
            }
            Err(error) => return Err(error),
        }
        self.observer.committed(&put.commit);
        self.wake(session, &child.run).await.map(|()| true)
    }

    /// The decision with which the log of a called run begins.
    async fn first_of(
        &self,
        session: &Session,
        plan: &Plan,
        stage: &StageId,
        child: &Child,
        at: Millis,
    ) -> Result<Result<Decision, StartError>, DriverError> {
        let (above, parent) = (&session.state, parent_of(session, stage));
        let mapping = child
            .batch
            .as_ref()
            .map(|batch| above.mapping_of(&batch.map));
        if let Some(mapping) = mapping {
            let Some((_, mapping)) = mapping else {
                return Ok(Err(StartError::NoMap));
            };
            let items = self.value_of(session, &mapping.items).await?;
            return Ok(start_batch(plan, above, (stage, child), &items, parent, at));
        }
        let input = self.value_of(session, &child.input).await?;
        let (tenant, deadline) = (above.tenant.clone(), above.deadline);
        let origin = Origin::Parent {
            parent,
            deadline,
            budget: child.budget,
        };
        Ok(start(plan, tenant, Value::clone(&input), origin, at))
    }

    async fn cannot_begin(
        &self,
        session: &Session,
        stage: &StageId,
        child: &Child,
        reason: &str,
    ) -> Result<bool, DriverError> {
        let message = format!("run `{}` cannot begin: {reason}", child.run);
        let failure = Failure::new(FailureKind::Configuration, message);
        let item = InboxItem {
            run: session.run.clone(),
            id: end_id(&child.run),
            at: self.clock.now(),
            body: InboxBody::ChildEnded {
                stage: stage.clone(),
                child: child.run.clone(),
                outcome: ChildOutcome::Failed { failure },
                usage: lattice_journal::Usage::default(),
                lost: 0,
            },
        };
        self.patiently(session, || self.store.put_item(item.clone()))
            .await?;
        self.wake(session, &session.run).await.map(|()| false)
    }

    /// What the commit of a decision tells other runs. A run has to be there before it is cancelled:
    /// a worker that was slow to start it would start it behind its cancel.
    pub(crate) async fn notices(
        &self,
        session: &Session,
        decision: &Decision,
        at: Millis,
    ) -> Result<Vec<InboxItem>, DriverError> {
        let mut notices = Vec::new();
        for (stage, child) in &decision.orphans {
            // The inbox of a run that cannot begin is read by nobody.
            if !self.ensure_child(session, stage, child).await? {
                continue;
            }
            let run = &session.run;
            notices.push(InboxItem {
                run: child.run.clone(),
                id: InboxId::new(format!("cancel_{run}_{stage}")),
                at,
                body: InboxBody::Cancel {
                    reason: format!("run `{run}`, which had called it, goes on without it"),
                },
            });
        }
        notices.extend(told_to_parent(session, decision, at));
        Ok(notices)
    }

    /// Wakes the runs that a commit told something.
    pub(crate) async fn wake_told(
        &self,
        session: &Session,
        notices: &[InboxItem],
    ) -> Result<(), DriverError> {
        let late = !self.settings.guards.on(Guard::ChildEndWithCommit);
        for item in notices {
            if late {
                self.patiently(session, || self.store.put_item(item.clone()))
                    .await?;
            }
            self.wake(session, &item.run).await?;
        }
        Ok(())
    }

    /// Lets somebody look at a run.
    pub(crate) async fn wake(&self, session: &Session, run: &RunId) -> Result<(), DriverError> {
        // Runs that know of each other are of one tenant.
        let message = Message::new(run.clone(), Seq::ZERO).of(&session.state.tenant);
        self.patiently(session, || self.queue.send(message.clone(), 0))
            .await
    }

    async fn value_of(
        &self,
        session: &Session,
        reference: &ValueRef,
    ) -> Result<Arc<Value>, DriverError> {
        match reference {
            ValueRef::Inline(value) => Ok(Arc::clone(value)),
            ValueRef::Blob { hash, .. } => self.patiently(session, || self.store.blob(*hash)).await,
        }
    }

    /// Whether the very answer stands in the inbox of a run that this one called, also of one that is
    /// over: whoever gave it above and was not answered gives it there again.
    pub(crate) async fn is_repeated_below(
        &self,
        run: &RunId,
        id: &InboxId,
        body: &InboxBody,
    ) -> Result<bool, RequestError> {
        let mut below = VecDeque::from([run.clone()]);
        for _ in 0..limits::WAIT_ROWS_MAX {
            let Some(run) = below.pop_front() else {
                break;
            };
            let commits = self.store.load(&run, Seq::FIRST).await?;
            for event in commits.iter().flat_map(|commit| &commit.events) {
                let EventBody::ChildStarted(started) = &event.body else {
                    continue;
                };
                if self.is_repeated(&started.child, id, body).await? {
                    return Ok(true);
                }
                below.push_back(started.child.clone());
            }
        }
        Ok(false)
    }

    /// If the run itself does not ask under this name, or asks for each item of a map whose batches
    /// are runs: the run below it, among those that are waited for, in which the question stands
    /// open, or else the first in which it may come later. For which of several items an answer is
    /// meant is not guessed.
    pub(crate) async fn asker_below(
        &self,
        session: &Session,
        signal: &Signal,
    ) -> Result<Option<RunId>, DriverError> {
        let node = &signal.node;
        let each = session.plan.is_in_body(node);
        if session.plan.asks(node) && !(each && session.state.mappings().any(|(_, map)| map.runs)) {
            return Ok(None);
        }
        let called = |session: &Session| -> Vec<RunId> {
            let children = session.state.children();
            children.map(|(_, child)| child.run.clone()).collect()
        };
        let mut below = VecDeque::from(called(session));
        let (mut looked, mut first, mut open) = (0, None, Vec::new());
        while let Some(run) = below.pop_front() {
            let Some(session) = self.open(&run).await? else {
                continue;
            };
            let questions = session.state.questions();
            let meant = |stage: &StageId| signal.wait.as_ref().is_none_or(|wait| wait == stage);
            let count = questions.filter(|(stage, asks, ..)| *asks == node && meant(stage));
            match (count.count(), each && signal.wait.is_none()) {
                (0, _) => {}
                (_, false) => return Ok(Some(run)),
                (count, true) => open.extend(vec![run.clone(); count]),
            }
            if session.plan.asks(node) && !each {
                first.get_or_insert(run);
            }
            below.extend(called(&session));
            looked += 1;
            if looked == limits::WAIT_ROWS_MAX {
                break;
            }
        }
        Ok(match open.as_slice() {
            [one] => Some(one.clone()),
            _ => first,
        })
    }
}

fn parent_of(session: &Session, stage: &StageId) -> Parent {
    let above = session.state.parent.as_ref();
    Parent {
        run: session.run.clone(),
        stage: stage.clone(),
        root: above.map_or(&session.run, |above| &above.root).clone(),
        depth: above.map_or(0, |above| above.depth) + 1,
    }
}

fn end_id(child: &RunId) -> InboxId {
    InboxId::new(format!("end_{child}"))
}

/// The end of a run, for the run that called it.
fn told_to_parent(session: &Session, decision: &Decision, at: Millis) -> Option<InboxItem> {
    let state = &decision.state;
    let parent = state
        .parent
        .as_ref()
        .filter(|_| state.status.is_terminal())?;
    let outcome = match decision.events.last()? {
        EventBody::RunCompleted(done) => ChildOutcome::Completed {
            output: done.output.clone(),
        },
        EventBody::RunFailed(failed) => {
            let failure = with_path(&session.run, state, &failed.failure, failed.node.as_ref());
            ChildOutcome::Failed { failure }
        }
        _ => ChildOutcome::Cancelled,
    };
    Some(InboxItem {
        run: parent.run.clone(),
        id: end_id(&session.run),
        at,
        body: InboxBody::ChildEnded {
            stage: parent.stage.clone(),
            child: session.run.clone(),
            outcome,
            usage: state.totals.usage,
            lost: state.spending.as_ref().map_or(0, Spending::unrecorded),
        },
    })
}

/// The failure as the run above has it: with the way that leads to its cause.
fn with_path(run: &RunId, state: &RunState, failure: &Failure, node: Option<&NodeId>) -> Failure {
    let at = node.map(|node| format!(" at node `{node}`"));
    let (workflow, at) = (&state.workflow, at.unwrap_or_default());
    let message = &failure.message;
    Failure::new(
        failure.kind,
        format!("`{workflow}` (run `{run}`) failed{at}: {message}"),
    )
}
