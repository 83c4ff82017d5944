//! Appends: one conditional put for a commit alone, one transaction for a commit with company.

use crate::error::{TABLE, corrupt};
use crate::item::{Builder, Item, Reader, bytes, hash, key, text};
use crate::keys::{self, HEAD, START, SUMMARY};
use crate::rows::{head_item, newer};
use crate::store::AwsStore;
use crate::table::{Expression, Reason, Transacted, Written};
use aws_sdk_dynamodb::types::{
    Put as PutAction, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use futures::future::try_join_all;
use lattice_journal::{Commit, EventBody, RunSummary};
use lattice_model::limits::{DAY_MS, FOLD_ITEMS_MAX, NOTICES_MAX};
use lattice_model::{CommitId, InboxId, RunId, Seq};
use lattice_ports::{Appended, PortError, Put};
use std::collections::BTreeSet;

/// The condition that nothing stands at a place.
pub(crate) const ABSENT: &str = "attribute_not_exists(p)";

/// What an action of the transaction stands for, in the order of the actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Commit,
    Key,
    Fold,
    Notice,
    Head,
    Summary,
}

/// Whether the cancelled transaction is the end of it.
enum Verdict {
    Appended(Appended),
    /// Only the row stood in the way: a newer one is there, which the commit need not wait for.
    WithoutHead,
}

impl AwsStore {
    pub(crate) async fn append_put(&self, put: Put) -> Result<Appended, PortError> {
        self.outlives(&put.commit)?;
        let alone = put.start_key.is_none()
            && put.folds.is_empty()
            && put.notices.is_empty()
            && put.head.is_none()
            && put.summary.is_none();
        if alone {
            return self.append_alone(&put.commit).await;
        }
        if let Some(reason) = unfit(&put) {
            return self.refuse(&put, reason).await;
        }
        // An item's place in the order of its inbox is drawn before; one that is not used leaves a
        // gap, which nobody minds.
        let places = put.notices.iter().map(|item| self.next_place(&item.run));
        let places = try_join_all(places).await?;
        let notices = put.notices.iter().zip(places);
        let notices = notices.map(|(item, place)| self.item(item, place));
        let notices = notices.collect::<Result<Vec<_>, _>>()?;
        self.append_together(&put, &notices).await
    }

    /// What is stored expires by the moment in the run's id, so the run has to be over by then.
    fn outlives(&self, commit: &Commit) -> Result<(), PortError> {
        let first = commit.events.first().map(|event| &event.body);
        let Some(EventBody::RunQueued(queued)) = first else {
            return Ok(());
        };
        if queued.lifetime_ms <= self.keep.ms() {
            return Ok(());
        }
        let days = queued.lifetime_ms.div_ceil(DAY_MS);
        Err(PortError::Unfit {
            port: TABLE,
            reason: format!(
                "the run may live {days} days, and what is stored is kept for {}",
                self.keep.days
            ),
            help: "lower the workflow's lifetime, or raise `LATTICE_KEEP_DAYS`".to_owned(),
        })
    }

    async fn append_alone(&self, commit: &Commit) -> Result<Appended, PortError> {
        let item = self.commit_item(commit);
        let condition = Expression::new(ABSENT);
        match self.table.put(item, Some(condition)).await? {
            Written::Done(_) => Ok(Appended::Written),
            Written::Refused(Some(standing)) => Ok(Appended::Taken(open(&commit.run, &standing)?)),
            Written::Refused(None) => self.standing(commit).await,
        }
    }

    async fn append_together(&self, put: &Put, notices: &[Item]) -> Result<Appended, PortError> {
        let mut with_head = put.head.is_some();
        loop {
            let (parts, actions) = self.actions(put, notices, with_head)?;
            let reasons = match self.table.transact(actions).await? {
                Transacted::Done => return Ok(Appended::Written),
                Transacted::Cancelled(reasons) => reasons,
            };
            match self.judge(put, &parts, &reasons).await? {
                Verdict::Appended(appended) => return Ok(appended),
                Verdict::WithoutHead => with_head = false,
            }
        }
    }

    fn actions(
        &self,
        put: &Put,
        notices: &[Item],
        with_head: bool,
    ) -> Result<(Vec<Part>, Vec<TransactWriteItem>), PortError> {
        let run = &put.commit.run;
        let mut all = Vec::new();
        let commit = self.commit_item(&put.commit);
        all.push((
            Part::Commit,
            self.put_action(commit, Some(Expression::new(ABSENT))),
        ));
        if let Some(start) = &put.start_key {
            let item = self.start_item(start, run);
            all.push((
                Part::Key,
                self.put_action(item, Some(Expression::new(ABSENT))),
            ));
        }
        for id in &put.folds {
            all.push((Part::Fold, self.fold_action(run, id)));
        }
        for item in notices {
            all.push((Part::Notice, self.put_action(item.clone(), None)));
        }
        if let Some(head) = put.head.as_ref().filter(|_| with_head) {
            let action = self.put_action(head_item(head, self.keep), Some(newer(head.seq)));
            all.push((Part::Head, action));
        }
        if let Some(summary) = &put.summary {
            let item = self.summary_item(summary)?;
            all.push((Part::Summary, self.put_action(item, None)));
        }
        let action = |action: Result<TransactWriteItem, PortError>| action;
        let (parts, actions): (Vec<Part>, Vec<_>) = all.into_iter().unzip();
        let actions = actions.into_iter().map(action).collect::<Result<_, _>>()?;
        Ok((parts, actions))
    }

    /// What the reasons mean. The place of the commit is looked at first: a start that is put again
    /// finds its own key taken as well.
    async fn judge(
        &self,
        put: &Put,
        parts: &[Part],
        reasons: &[Reason],
    ) -> Result<Verdict, PortError> {
        let named = || parts.iter().zip(reasons);
        let refused = |part| {
            let mut refused = named().filter(|(_, reason)| reason.is_refused());
            refused.find(|(found, _)| **found == part)
        };
        if let Some((_, reason)) = refused(Part::Commit) {
            let taken = match &reason.item {
                Some(standing) => Appended::Taken(open(&put.commit.run, standing)?),
                None => self.standing(&put.commit).await?,
            };
            return Ok(Verdict::Appended(taken));
        }
        // Something that was in the way for the moment may have hidden what the commit met.
        if let Some((_, reason)) = named().find(|(_, it)| it.code.is_some() && !it.is_refused()) {
            let (code, resource) = (reason.code.as_deref(), self.table.resource());
            return Err(resource.said(code, Some("the transaction was cancelled"), 400));
        }
        if let (Some((_, reason)), Some(start)) = (refused(Part::Key), &put.start_key) {
            let owner = match &reason.item {
                Some(standing) => Some(owner(standing)?),
                None => self.run_of_start(start).await?,
            };
            if let Some(owner) = owner {
                return Ok(Verdict::Appended(Appended::KeyTaken(owner)));
            }
        }
        if let Some(place) = named().position(|(part, it)| *part == Part::Fold && it.is_refused()) {
            let folds = parts.iter().take(place);
            let nth = folds.filter(|part| **part == Part::Fold).count();
            let id = put.folds.get(nth).map_or("?", InboxId::as_str);
            return Err(not_there(id, &put.commit.run));
        }
        match refused(Part::Head) {
            Some(_) => Ok(Verdict::WithoutHead),
            None => {
                let reason = "a transaction was cancelled for no reason that is known";
                Err(self.table.resource().unavailable(reason.to_owned()))
            }
        }
    }

    /// The put cannot be written, unless something else stands there already.
    async fn refuse(&self, put: &Put, reason: String) -> Result<Appended, PortError> {
        let commit = &put.commit;
        let place = key(keys::run(&commit.run), keys::commit(commit.first));
        if let Some(standing) = self.table.get(place).await? {
            return Ok(Appended::Taken(open(&commit.run, &standing)?));
        }
        if let Some(start) = &put.start_key
            && let Some(owner) = self.run_of_start(start).await?
        {
            return Ok(Appended::KeyTaken(owner));
        }
        Err(corrupt(TABLE, reason))
    }

    /// An engine that does not give back what stands there is asked for it.
    async fn standing(&self, commit: &Commit) -> Result<Appended, PortError> {
        let place = key(keys::run(&commit.run), keys::commit(commit.first));
        match self.table.get(place).await? {
            Some(standing) => Ok(Appended::Taken(open(&commit.run, &standing)?)),
            None => Err(corrupt(
                TABLE,
                "a place is taken, and no commit stands there",
            )),
        }
    }

    pub(crate) async fn run_of_start(&self, start: &str) -> Result<Option<RunId>, PortError> {
        let found = self.table.get(key(keys::start(start), START)).await?;
        found.as_ref().map(owner).transpose()
    }

    pub(crate) fn commit_item(&self, commit: &Commit) -> Item {
        Builder::at(keys::run(&commit.run), keys::commit(commit.first))
            .with("id", text(commit.id.as_str()))
            .with("prev", hash(&commit.prev))
            .with("hash", hash(&commit.hash))
            .with("body", bytes(&commit.body))
            .until(self.keep.expiry(&commit.run))
            .build()
    }

    pub(crate) fn start_item(&self, start: &str, run: &RunId) -> Item {
        Builder::at(keys::start(start), START)
            .with("run", text(run.as_str()))
            .until(self.keep.expiry(run))
            .build()
    }

    pub(crate) fn summary_item(&self, summary: &RunSummary) -> Result<Item, PortError> {
        let body = serde_json::to_string(summary);
        let body = body.map_err(|error| corrupt(TABLE, format!("a summary: {error}")))?;
        let item = Builder::at(keys::run(&summary.run), SUMMARY)
            .with("body", text(body))
            .until(self.keep.summary_expiry(&summary.run));
        Ok(item.build())
    }

    fn put_action(
        &self,
        item: Item,
        condition: Option<Expression>,
    ) -> Result<TransactWriteItem, PortError> {
        let condition = condition.unwrap_or_default();
        let put = PutAction::builder()
            .table_name(self.table.name())
            .set_item(Some(item))
            .set_condition_expression((!condition.text.is_empty()).then(|| condition.text.clone()))
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let put = put
            .build()
            .map_err(|error| corrupt(TABLE, error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Turns an inbox item into a tombstone.
    fn fold_action(&self, run: &RunId, id: &InboxId) -> Result<TransactWriteItem, PortError> {
        let (change, condition) = crate::inbox::burial();
        let update = Update::builder()
            .table_name(self.table.name())
            .set_key(Some(key(keys::run(run), keys::item(id))))
            .update_expression(change)
            .condition_expression(&condition.text)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values());
        let update = update
            .build()
            .map_err(|error| corrupt(TABLE, error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

/// What no transaction can hold: too many folds or notices, or one item twice.
fn unfit(put: &Put) -> Option<String> {
    let count = put.folds.len();
    if count > FOLD_ITEMS_MAX {
        let limit = FOLD_ITEMS_MAX;
        return Some(format!(
            "a put folds {count} inbox items, over the limit of {limit}"
        ));
    }
    let notices = put.notices.len();
    if notices > NOTICES_MAX {
        return Some(format!(
            "a put has {notices} notices, over the limit of {NOTICES_MAX}"
        ));
    }
    let mut seen = BTreeSet::new();
    let doubled = put.folds.iter().find(|id| !seen.insert(*id))?;
    Some(format!("inbox item `{doubled}` is folded twice by one put"))
}

fn not_there(id: &str, run: &RunId) -> PortError {
    corrupt(
        TABLE,
        format!("inbox item `{id}` of `{run}` is not there to be folded"),
    )
}

/// The run that a start key belongs to.
fn owner(item: &Item) -> Result<RunId, PortError> {
    let reader = Reader(item);
    let run = reader.text("run")?.parse();
    run.map_err(|_| reader.wrong("run", "a run id"))
}

/// Reads a commit back.
pub(crate) fn open(run: &RunId, item: &Item) -> Result<Commit, PortError> {
    let reader = Reader(item);
    let first: Option<Seq> = keys::first_of(reader.text(keys::S)?);
    Ok(Commit::open(
        run.clone(),
        first.ok_or_else(|| reader.wrong(keys::S, "the key of a commit"))?,
        CommitId::new(reader.text("id")?),
        reader.hash("prev")?,
        reader.hash("hash")?,
        reader.bytes("body")?,
    )?)
}

/// The place of a run's row.
pub(crate) fn head_key(run: &RunId) -> Item {
    key(keys::run(run), HEAD)
}
