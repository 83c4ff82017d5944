//! A run without a driver, for properties of the engine alone.

use lattice_engine::{BlobCache, Cause, Claimed, Decision, Input, RunState, decide, fold, start};
use lattice_ir::{CallRequest, EffectRequest, Plan, Program};
use lattice_journal::{Event, EventBody, FailureKind, InboxBody, InboxItem, ValueRef};
use lattice_model::{BootId, Guards, InboxId, Millis, NodeId, RunId, StageId};
use lattice_sim::oracle::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A run without a driver: its log, its state, its inbox, and the calls that are under way.
pub struct Bare {
    pub plan: Plan,
    pub world: World,
    pub run: RunId,
    pub now: Millis,
    pub state: RunState,
    pub events: Vec<Event>,
    pub blobs: BlobCache,
    pub inbox: Vec<InboxItem>,
    pub answers: BTreeMap<NodeId, VecDeque<Value>>,
    pub asked: u32,
    /// Calls that were claimed and have not ended: several branches have one each.
    pub under_way: VecDeque<CallRequest>,
}

impl Bare {
    pub fn begin(program: Program, world: World) -> Self {
        let plan = Plan::new(Arc::new(program)).unwrap();
        let (run, now) = (world.run_id.clone(), world.started_at);
        let first = start(
            &plan,
            lattice_model::Tenant::local(),
            world.input.clone(),
            lattice_engine::Origin::Request,
            now,
        )
        .unwrap();
        let answers = world.answers.iter();
        let answers = answers.map(|(node, all)| (node.clone(), all.iter().cloned().collect()));
        let mut bare = Self {
            answers: answers.collect(),
            state: RunState::empty(),
            events: Vec::new(),
            blobs: BlobCache::new(),
            inbox: Vec::new(),
            asked: 0,
            under_way: VecDeque::new(),
            plan,
            world,
            run,
            now,
        };
        bare.take(&first, first.events.len());
        bare
    }

    fn input(&self, cause: Cause, claims: bool) -> Input {
        Input {
            run: self.run.clone(),
            at: self.now,
            boot: BootId::new("boot"),
            has_place: true,
            claims,
            log_bytes: 0,
            inbox: self.inbox.clone(),
            causes: vec![cause],
            guards: Guards::ALL,
        }
    }

    /// Asks the engine. It must always have an answer.
    pub fn decide(&self, cause: Cause, claims: bool) -> Decision {
        let input = self.input(cause, claims);
        match decide(&self.plan, &self.state, &input, &self.blobs) {
            Ok(decision) => decision,
            Err(error) => panic!("{error}"),
        }
    }

    /// Folds the first `count` events of a decision in, as a commit would.
    pub fn take(&mut self, decision: &Decision, count: usize) {
        for body in decision.events.iter().take(count) {
            let (run, seq, timestamp) = (self.run.clone(), self.state.seq.next(), self.now);
            let event = Event {
                run,
                seq,
                timestamp,
                body: body.clone(),
            };
            self.state = fold(
                std::mem::replace(&mut self.state, RunState::empty()),
                [&event],
            );
            self.events.push(event);
        }
        self.blobs.extend(decision.blobs.iter().cloned());
        if count == decision.events.len() {
            assert_eq!(
                self.state, decision.state,
                "the fold of the events is the live state"
            );
        }
        // What a commit folds becomes a tombstone with it, and a commit is whole or not there.
        let folded = &self.state.folded;
        self.inbox.retain(|item| !folded.contains(&item.id));
    }

    /// The next thing that happens to a run in a world without faults, once these calls were
    /// claimed; `None` = nothing will.
    pub fn next(&mut self, calls: &[CallRequest]) -> Option<Cause> {
        self.under_way.extend(calls.iter().cloned());
        while let Some(call) = self.under_way.pop_front() {
            let counts =
                |claimed: Claimed| claimed.stage == call.stage && claimed.attempt == call.attempt;
            if !self.state.claims().any(counts) {
                continue;
            }
            let (stage, attempt) = (call.stage.clone(), call.attempt);
            let epoch = self.epoch(&stage);
            let EffectRequest::Model(model) = &call.effect;
            let prompt = model.prompt.to_display();
            let outcome = (self.world.calls)(stage.as_str(), epoch, &prompt);
            return Some(Cause::Ended {
                stage,
                attempt,
                outcome,
            });
        }
        if let Some(claimed) = self.state.claims().next() {
            let (stage, attempt) = (claimed.stage, claimed.attempt);
            return Some(Cause::Lost { stage, attempt });
        }
        // Nobody answers again before it is known what became of the last answer.
        if !self.inbox.is_empty() {
            return Some(Cause::Wake);
        }
        let asking = self.state.questions().map(|(_, node, ..)| node.clone());
        let asking: Vec<NodeId> = asking.collect();
        if let Some((node, value)) = asking.into_iter().find_map(|node| self.answer(node)) {
            self.asked += 1;
            let id = format!("answer-{}", self.asked);
            self.put(
                &id,
                InboxBody::Signal {
                    node,
                    wait: None,
                    value,
                },
            );
            return Some(Cause::Wake);
        }
        let due = self
            .state
            .due_at()
            .filter(|due| *due < self.state.deadline)?;
        self.now = self.now.max(due);
        Some(Cause::Wake)
    }

    fn answer(&mut self, node: NodeId) -> Option<(NodeId, ValueRef)> {
        let value = self.answers.get_mut(&node)?.pop_front()?;
        Some((node, self.kept(value)))
    }

    pub fn kept(&mut self, value: Value) -> ValueRef {
        let (value, blob) = ValueRef::of(value);
        self.blobs.extend(blob);
        value
    }

    pub fn put(&mut self, id: &str, body: InboxBody) {
        let (run, id, at) = (self.run.clone(), InboxId::new(id), self.now);
        self.inbox.push(InboxItem { run, id, at, body });
    }

    fn epoch(&self, stage: &StageId) -> u32 {
        let retried = |event: &&Event| matches!(&event.body, EventBody::StageRetrying(retrying) if retrying.stage == *stage);
        u32::try_from(self.events.iter().filter(retried).count()).unwrap()
    }

    /// Goes on to the end; `cut` = the decision, and how many of its events are all that is kept.
    pub fn finish(&mut self, cut: Option<(usize, usize)>) {
        let mut cause = Cause::Wake;
        for number in 0.. {
            assert!(number < 1_000, "the run comes to an end");
            let decision = self.decide(cause.clone(), true);
            let kept = match cut {
                Some((place, count)) if place == number => count,
                _ => decision.events.len(),
            };
            self.take(&decision, kept);
            if self.state.status.is_terminal() {
                return;
            }
            cause = if kept < decision.events.len() {
                // The worker died: what it was about to do is lost, nobody else looked.
                self.under_way.clear();
                self.next(&[]).unwrap_or(Cause::Wake)
            } else if decision.more {
                Cause::Wake
            } else {
                match self.next(&decision.calls) {
                    Some(cause) => cause,
                    None => return,
                }
            };
        }
    }

    /// What the run came to: status, failure, outputs and variables.
    pub fn end(&self) -> Value {
        let of = |values: Vec<(String, &ValueRef)>| -> Value {
            let values = values.into_iter();
            let value = |value: &ValueRef| lattice_sim::judge::scrubbed(&self.value(value));
            values
                .map(|(name, reference)| (name, value(reference)))
                .collect()
        };
        let outputs = self.state.outputs.iter();
        let variables = self.state.variables.iter();
        let failure = self.events.iter().find_map(|event| match &event.body {
            EventBody::RunFailed(failed) => Some(json!([failed.failure.kind, failed.node])),
            _ => None,
        });
        json!({
            "status": self.state.status,
            "failure": failure,
            "outputs": of(outputs.map(|(node, value)| (node.to_string(), value)).collect()),
            "variables": of(variables.map(|(name, value)| (name.clone(), value)).collect()),
        })
    }

    fn value(&self, value: &ValueRef) -> Value {
        match value.inline() {
            Some(value) => (**value).clone(),
            None => (**self.blobs.get(&value.blob().unwrap()).unwrap()).clone(),
        }
    }

    pub fn gave_up(&self) -> bool {
        self.events.iter().any(|event| match &event.body {
            EventBody::StageFailed(failed) => matches!(
                failed.failure.kind,
                FailureKind::AttemptsExhausted | FailureKind::UnknownOutcome
            ),
            _ => false,
        })
    }
}
