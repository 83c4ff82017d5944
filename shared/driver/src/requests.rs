//! What people ask for: start a run, answer a question, cancel.

use crate::driver::Driver;
use crate::error::{DriverError, RequestError};
use crate::serve::{Errand, message};
use crate::session::{Session, Step};
use crate::turns::Turn;
use lattice_engine::{Decision, Origin, RunState, fold, start};
use lattice_ir::{OpKind, Plan};
use lattice_journal::payload::TriggerFired;
use lattice_journal::{Event, EventBody, InboxBody, InboxItem, ValueRef};
use lattice_model::{
    Guard, InboxId, Millis, NodeId, RunId, Seq, StageId, Tenant, canonical_len, json_depth, limits,
};
use lattice_ports::{Appended, Clock, InboxPut, Performer, StageQueue, Store};
use serde_json::Value;
use std::sync::Arc;

/// A run that somebody wants.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Whose run it is.
    pub tenant: Tenant,
    /// What to run. Its Program has to be stored already.
    pub plan: Arc<Plan>,
    /// The trigger input, as it came; it is redacted here.
    pub input: Value,
    /// The same key gives the same run, within a tenant.
    pub key: Option<String>,
    /// What starts it, if no person does.
    pub trigger: Option<TriggerFired>,
}

/// A run that somebody got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The run.
    pub run: RunId,
    /// Whether it was there already, under the same key.
    pub known: bool,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The node that asks.
    pub node: NodeId,
    /// The visit that is answered; `None` = the one that is open, or the first that will be.
    pub wait: Option<StageId>,
    /// The answer, as it came; it is redacted here.
    pub value: Value,
    /// Chosen by the writer, so that a repeated signal counts once.
    pub id: Option<InboxId>,
}

enum Begun {
    Known(RunId),
    New(Box<Session>, Step),
}

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Queues a run for whichever worker comes first.
    pub async fn start(&self, request: StartRequest) -> Result<Started, DriverError> {
        match self.begin(request, false).await? {
            Begun::Known(run) => Ok(Started { run, known: true }),
            Begun::New(session, _) => {
                let run = session.run.clone();
                self.queue.send(message(&session), 0).await?;
                Ok(Started { run, known: false })
            }
        }
    }

    /// Starts a run and carries it on in this very call as far as it leads: the first claim stands
    /// in the first commit. `began` learns the run's id as soon as that commit is durable.
    pub async fn start_here(
        &self,
        request: StartRequest,
        began: impl FnOnce(&RunId) + Send,
    ) -> Result<Started, DriverError> {
        let (mut session, step) = match self.begin(request, true).await? {
            Begun::Known(run) => return Ok(Started { run, known: true }),
            Begun::New(session, step) => (session, step),
        };
        began(&session.run);
        let run = session.run.clone();
        // Where no message stands behind this worker, it may do what one asks for only if messages do
        // not outlive the process either.
        let turn = Turn::begin(&self.turns, &run, &[]).filter(|_| self.settings.exclusive);
        let mut errand = Errand::of(turn, None);
        if let Err(error) = self.carry(&mut session, Some(step), &mut errand).await {
            // The run exists: it goes on from the queue, and the caller learns why not here.
            let message = message(&session);
            self.queue.send(message, limits::RETRY_DELAY_MS_MIN).await?;
            return Err(error);
        }
        Ok(Started { run, known: false })
    }

    /// Puts an answer into the inbox of the run, or of the run below it whose node asks. What is
    /// plainly wrong is refused at once, before anything is written; the run itself has the last word.
    pub async fn signal(&self, run: &RunId, mut signal: Signal) -> Result<InboxPut, RequestError> {
        let bytes = canonical_len(&signal.value);
        if bytes > limits::INPUT_BYTES_MAX {
            return Err(RequestError::TooLarge { bytes });
        }
        let depth = json_depth(&signal.value);
        if depth > limits::JSON_DEPTH_MAX {
            return Err(RequestError::TooDeep { depth });
        }
        signal.value = self.redactor.redact_value(signal.value);
        let (value, blob) = ValueRef::of(signal.value.clone());
        let says = |wait: Option<StageId>| InboxBody::Signal {
            node: signal.node.clone(),
            wait,
            value: value.clone(),
        };
        // A repeated signal is answered as the first one was, whatever the run has come to since.
        if let Some(id) = &signal.id
            && self.is_repeated(run, id, &says(None)).await?
        {
            return Ok(InboxPut::Known);
        }
        let session = self.open_for_request(run).await;
        let node = &signal.node;
        let asks = |session: &Session| session.plan.asks(node) && !session.plan.is_in_body(node);
        if !session.as_ref().is_ok_and(asks)
            && let Some(id) = &signal.id
            && self.is_repeated_below(run, id, &says(None)).await?
        {
            return Ok(InboxPut::Known);
        }
        let session = session?;
        if let Some(below) = self.asker_below(&session, &signal).await? {
            return Box::pin(self.signal(&below, signal)).await;
        }
        let fenced = self.settings.guards.on(Guard::AnswerNamesWait);
        let wait = check_answer(&session, &signal, self.clock.now(), fenced)?;
        self.check_unread(run, &signal, wait.as_ref()).await?;
        if let Some((hash, value)) = blob {
            self.store.put_blob(hash, value).await?;
        }
        let id = signal.id.clone().unwrap_or_else(|| self.fresh_inbox());
        let body = says(signal.wait.clone().or(wait));
        let put = self.put_item(&session, id.clone(), body.clone()).await?;
        if put == InboxPut::Known {
            // Somebody used the key in the meantime: for the same answer, or this one is refused.
            self.is_repeated(run, &id, &body).await?;
        }
        Ok(put)
    }

    /// Whether the very answer stands under this key; a key of another one is refused.
    // INVARIANT: `Known` is only said of an answer that is stored: under the key of another one it
    // would be lost without a word.
    pub(crate) async fn is_repeated(
        &self,
        run: &RunId,
        id: &InboxId,
        body: &InboxBody,
    ) -> Result<bool, RequestError> {
        match self.store.fingerprint(run, id).await? {
            None => Ok(false),
            Some(known) if known == body.fingerprint() => Ok(true),
            Some(_) => Err(RequestError::KeyReused { run: run.clone() }),
        }
    }

    /// Asks for the end of a run. Of the reason, `REASON_CHARS_MAX` characters are kept.
    pub async fn cancel(&self, run: &RunId, reason: &str) -> Result<InboxPut, RequestError> {
        self.cancel_as(run, reason, self.fresh_inbox()).await
    }

    /// The same under an id that the caller chose, so that a repetition counts once.
    pub(crate) async fn cancel_as(
        &self,
        run: &RunId,
        reason: &str,
        id: InboxId,
    ) -> Result<InboxPut, RequestError> {
        let session = self.open_for_request(run).await?;
        let reason = self.redactor.redact_text(reason);
        // It stands in an event, and an event that fits into no commit would stop its run.
        let reason = reason.chars().take(limits::REASON_CHARS_MAX).collect();
        let body = InboxBody::Cancel { reason };
        self.put_item(&session, id, body).await
    }

    /// Refuses an answer to a question that another answer is on its way to.
    async fn check_unread(
        &self,
        run: &RunId,
        signal: &Signal,
        wait: Option<&StageId>,
    ) -> Result<(), RequestError> {
        if wait.is_none() {
            return Ok(());
        }
        let unread = self.store.unread(run, limits::FOLD_ITEMS_MAX).await?;
        let same_wait = |item: &InboxItem| matches!(&item.body, InboxBody::Signal { wait: answered, .. } if answered.as_ref() == wait);
        let another = |item: &InboxItem| signal.id.as_ref() != Some(&item.id);
        match unread.iter().any(|item| same_wait(item) && another(item)) {
            true => Err(RequestError::Answered {
                node: signal.node.clone(),
            }),
            false => Ok(()),
        }
    }

    async fn open_for_request(&self, run: &RunId) -> Result<Session, RequestError> {
        let session = self
            .open(run)
            .await?
            .ok_or_else(|| DriverError::NoRun(run.clone()))?;
        let status = session.state.status;
        if status.is_terminal() {
            return Err(RequestError::Over {
                run: run.clone(),
                status,
            });
        }
        Ok(session)
    }

    async fn put_item(
        &self,
        session: &Session,
        id: InboxId,
        body: InboxBody,
    ) -> Result<InboxPut, RequestError> {
        let item = InboxItem {
            run: session.run.clone(),
            id,
            at: self.clock.now(),
            body,
        };
        let put = self.store.put_item(item).await?;
        self.queue.send(message(session), 0).await?;
        Ok(put)
    }

    async fn begin(&self, request: StartRequest, claims: bool) -> Result<Begun, DriverError> {
        let input = self.redactor.redact_value(request.input);
        let key = request.key.map(|key| request.tenant.scoped(&key));
        if let Some(key) = &key
            && let Some(run) = self.store.run_of_key(key).await?
        {
            return self.known(run, &request.plan, input).await;
        }
        let at = self.clock.now();
        let run = self.fresh_run(at);
        let plan = self.keep_plan(request.plan);
        let mut session = self.unborn(run, Arc::clone(&plan));
        let origin = request.trigger.map_or(Origin::Request, Origin::Trigger);
        let mut decision = start(&plan, request.tenant, input.clone(), origin, at)?;
        // A place is asked for when the log is there, so that nothing holds one for a run that is not.
        if claims && decision.state.limit.is_none() {
            decision = self.decide_on(&mut session, decision, at).await?;
        }
        let begun_ms = self.clock.monotonic_ms();
        let (calls, more) = (decision.calls.clone(), decision.more);
        let children = decision.children.clone();
        if let Some(run) = self.bear(&mut session, decision, at, key).await? {
            return self.known(run, &plan, input).await;
        }
        let step = Step {
            taken: 0,
            wrote: true,
            calls,
            children,
            begun_ms,
            more,
            leaves_items: false,
        };
        Ok(Begun::New(Box::new(session), step))
    }

    /// Writes the first commit of a run, unless another run has its key: that one is given.
    pub(crate) async fn bear(
        &self,
        session: &mut Session,
        mut decision: Decision,
        at: Millis,
        key: Option<String>,
    ) -> Result<Option<RunId>, DriverError> {
        let put = self.prepare(session, &mut decision, at, key).await?;
        match self.send(session, &put).await? {
            Appended::Written => {}
            Appended::KeyTaken(run) => return Ok(Some(run)),
            Appended::Taken(winner) if self.is_mine(&winner, &put.commit) => {}
            Appended::Taken(_) => {
                let reason = format!("two runs have the id `{}`", session.run);
                return Err(DriverError::Internal(reason));
            }
        }
        self.advance(session, decision, &put).await?;
        Ok(None)
    }

    /// A start whose key has a run already: the same start, or a mistake.
    async fn known(&self, run: RunId, plan: &Plan, input: Value) -> Result<Begun, DriverError> {
        let first = self.store.page(&run, Seq::ZERO, 1).await?;
        let stored = fold(
            RunState::empty(),
            first.iter().flat_map(|commit| &commit.events).take(1),
        );
        let is_fork = |event: &Event| matches!(event.body, EventBody::RunForked(_));
        let is_fork = first.iter().flat_map(|commit| &commit.events).any(is_fork);
        let same = !is_fork
            && stored.workflow == plan.program().workflow
            && stored.input == ValueRef::of(input).0;
        match same {
            true => Ok(Begun::Known(run)),
            false => Err(DriverError::KeyReused { run }),
        }
    }

    /// Goes on behind the first event, into the same commit.
    async fn decide_on(
        &self,
        session: &mut Session,
        first: Decision,
        at: Millis,
    ) -> Result<Decision, DriverError> {
        let mut input = self.input(session, &[], true).await?;
        input.at = at;
        session.state = first.state;
        session.blobs.extend(first.blobs.iter().cloned());
        let mut decision = self.decide(session, &input).await?;
        decision.events.splice(0..0, first.events);
        decision.blobs.extend(first.blobs);
        Ok(decision)
    }
}

/// Refuses an answer that cannot be taken, where `fenced` also one to an older visit; gives the wait that is open for it.
fn check_answer(
    session: &Session,
    signal: &Signal,
    now: Millis,
    fenced: bool,
) -> Result<Option<StageId>, RequestError> {
    let (run, node) = (session.run.clone(), signal.node.clone());
    let refused = |reason| RequestError::Answer {
        node: node.clone(),
        reason,
    };
    let mut open = session.state.questions();
    if let Some((stage, _, question, due_at)) = open.find(|(_, asks, ..)| **asks == node) {
        let older = signal.wait.as_ref().is_some_and(|wait| wait != stage) && fenced;
        if older || due_at.is_some_and(|due_at| due_at <= now) {
            return Err(RequestError::Answered { node });
        }
        question.accept(&signal.value).map_err(refused)?;
        return Ok(Some(stage.clone()));
    }
    let asking = session
        .plan
        .program()
        .ops
        .iter()
        .filter_map(|op| match &op.kind {
            OpKind::Wait(wait) => wait.question.as_ref().map(|question| (&op.node, question)),
            _ => None,
        });
    let asking: Vec<_> = asking.collect();
    let Some((_, question)) = asking.iter().find(|(asks, _)| **asks == node) else {
        let names: Vec<_> = asking.iter().map(|(node, _)| format!("`{node}`")).collect();
        let none = names.is_empty().then(|| "none".to_owned());
        let questions = none.unwrap_or_else(|| names.join(", "));
        return Err(RequestError::NoQuestion {
            run,
            node,
            questions,
        });
    };
    // An answer that names a visit is for that one alone, and it is not open.
    let elsewhere = signal.wait.is_some() && fenced;
    if elsewhere || session.state.has_asked(&node) {
        return Err(RequestError::Answered { node });
    }
    question.check(&signal.value).map_err(refused)?;
    Ok(None)
}
