//! The rows of runs in the table.

use crate::append::head_key;
use crate::item::{Builder, Item, Reader, hash, number, text};
use crate::keys::{self, DUE, DUE_P, DUE_S, HEAD, Keep, LIST, LIST_P, LIST_S, List, P, S};
use crate::store::AwsStore;
use crate::table::{Ask, Expression};
use futures::future::try_join_all;
use lattice_journal::{ForkPoint, Head, RunStatus};
use lattice_model::{Millis, RunId, Seq, WorkflowId};
use lattice_ports::{PortError, RunFilter, RunIndex};

/// The run that a fork comes from, and the last event of it that counts.
const FORK_RUN: &str = "forkRun";
const FORK_SEQ: &str = "forkSeq";

/// Items that a filtered list looks at in one call.
const LOOK_AT_MAX: usize = 500;

impl RunIndex for AwsStore {
    async fn put_head(&self, head: Head) -> Result<bool, PortError> {
        let condition = newer(head.seq);
        let written = self.table.put(head_item(&head, self.keep), Some(condition));
        Ok(written.await?.is_done())
    }

    async fn head(&self, run: &RunId) -> Result<Option<Head>, PortError> {
        let found = self.table.get(head_key(run)).await?;
        found.as_ref().map(read_head).transpose()
    }

    /// Of one tenant: a query for each shard of its list. Of all tenants: a scan of the index, for
    /// operators; what it costs grows with everything that is stored.
    async fn heads(&self, filter: RunFilter) -> Result<Vec<Head>, PortError> {
        if filter.limit == 0 {
            return Ok(Vec::new());
        }
        let items = match &filter.tenant {
            None => self.table.scan(LIST, everywhere(&filter)).await?,
            Some(tenant) => {
                let shards = List::Runs.shards(tenant);
                let asks = shards.into_iter().map(|shard| in_shard(shard, &filter));
                let asks: Vec<Ask> = asks.collect();
                let found = asks.iter().map(|ask| self.table.ask(ask, filter.limit));
                try_join_all(found).await?.into_iter().flatten().collect()
            }
        };
        let heads: Result<Vec<Head>, _> = items.iter().map(read_head).collect();
        let mut heads = heads?;
        heads.sort_by(|one, other| other.run.cmp(&one.run));
        heads.truncate(filter.limit);
        Ok(heads)
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<Head>, PortError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let asks: Vec<Ask> = keys::due_shards()
            .into_iter()
            .map(|shard| due_in(shard, now, limit))
            .collect();
        let found = asks.iter().map(|ask| self.table.ask(ask, limit));
        let found = try_join_all(found).await?;
        let heads: Result<Vec<Head>, _> = found.iter().flatten().map(read_head).collect();
        let mut heads = heads?;
        heads.sort_by(|one, other| (one.due_at, &one.run).cmp(&(other.due_at, &other.run)));
        heads.truncate(limit);
        Ok(heads)
    }

    async fn defer(
        &self,
        run: &RunId,
        seq: Seq,
        was: Millis,
        until: Millis,
    ) -> Result<bool, PortError> {
        let condition = Expression::new("seq = :seq AND ds = :was")
            .value("seq", number(seq.get()))
            .value("was", number(was.get()))
            .value("until", number(until.get()));
        let deferred = self
            .table
            .update(head_key(run), "SET ds = :until", condition);
        Ok(deferred.await?.is_done())
    }
}

/// The condition that what is written knows more events than what stands there.
pub(crate) fn newer(seq: Seq) -> Expression {
    Expression::new("attribute_not_exists(p) OR seq < :seq").value("seq", number(seq.get()))
}

/// A row that is not due stands in no `due` shard: the index holds only what somebody must look at.
pub(crate) fn head_item(head: &Head, keep: Keep) -> Item {
    let run = head.run.as_str();
    let due = head.due_at.map(|due| number(due.get()));
    let from = head.forked_from.as_ref();
    Builder::at(keys::run(&head.run), HEAD)
        .with("tenant", text(head.tenant.as_str()))
        .with("workflow", text(head.workflow.as_str()))
        .with("name", text(&head.name))
        .with("program", hash(&head.program))
        .with("seq", number(head.seq.get()))
        .with("status", text(head.status.as_str()))
        .with("started", number(head.started_at.get()))
        .with("updated", number(head.updated_at.get()))
        .with(LIST_P, text(List::Runs.shard(&head.tenant, run)))
        .with(LIST_S, text(run))
        .maybe(
            DUE_P,
            due.is_some().then(|| text(keys::due_shard(&head.run))),
        )
        .maybe(DUE_S, due)
        .maybe(FORK_RUN, from.map(|from| text(from.run.as_str())))
        .maybe(FORK_SEQ, from.map(|from| number(from.seq.get())))
        .until(keep.expiry(&head.run))
        .build()
}

pub(crate) fn read_head(item: &Item) -> Result<Head, PortError> {
    let reader = Reader(item);
    let word = reader.text("status")?;
    let status = RunStatus::ALL.into_iter().find(|it| it.as_str() == word);
    let run = keys::run_of(reader.text(P)?);
    Ok(Head {
        tenant: reader.tenant("tenant")?,
        run: run.ok_or_else(|| reader.wrong(P, "the key of a run"))?,
        workflow: WorkflowId::new(reader.text("workflow")?),
        name: reader.text("name")?.to_owned(),
        program: reader.hash("program")?,
        seq: reader.seq("seq")?,
        status: status.ok_or_else(|| reader.wrong("status", "a status"))?,
        started_at: reader.millis("started")?,
        updated_at: reader.millis("updated")?,
        due_at: reader.maybe_number(DUE_S)?.map(Millis::new),
        forked_from: forked_from(reader)?,
    })
}

fn forked_from(reader: Reader<'_>) -> Result<Option<ForkPoint>, PortError> {
    if reader.maybe_number(FORK_SEQ)?.is_none() {
        return Ok(None);
    }
    let run = reader.text(FORK_RUN)?.parse();
    Ok(Some(ForkPoint {
        run: run.map_err(|_| reader.wrong(FORK_RUN, "the id of a run"))?,
        seq: reader.seq(FORK_SEQ)?,
    }))
}

fn due_in(shard: String, now: Millis, limit: usize) -> Ask {
    let keys = Expression::new("dp = :shard AND ds <= :now")
        .value("shard", text(shard))
        .value("now", number(now.get()));
    Ask {
        index: Some(DUE),
        keys,
        look_at: Some(looking(limit)),
        ..Ask::default()
    }
}

/// The newest rows of a shard. Every shard gives as many as are wanted of all, so that the newest
/// of all are among them.
fn in_shard(shard: String, filter: &RunFilter) -> Ask {
    let keys = match &filter.before {
        None => Expression::new("lp = :shard"),
        Some(run) => {
            Expression::new("lp = :shard AND ls < :before").value("before", text(run.as_str()))
        }
    };
    let (conditions, keys) = conditions(filter, keys.value("shard", text(shard)));
    let look_at = match conditions.is_empty() {
        true => looking(filter.limit),
        false => looking(LOOK_AT_MAX),
    };
    Ask {
        index: Some(LIST),
        keys,
        filter: (!conditions.is_empty()).then(|| conditions.join(" AND ")),
        backward: true,
        look_at: Some(look_at),
    }
}

fn everywhere(filter: &RunFilter) -> Expression {
    let expression = Expression::default().name(S).value("head", text(HEAD));
    let (mut conditions, mut expression) = conditions(filter, expression);
    conditions.push("#s = :head".to_owned());
    if let Some(run) = &filter.before {
        conditions.push("ls < :before".to_owned());
        expression = expression.value("before", text(run.as_str()));
    }
    expression.text = conditions.join(" AND ");
    expression
}

/// What the filter asks for beside the tenant and the page.
fn conditions(filter: &RunFilter, expression: Expression) -> (Vec<String>, Expression) {
    let (mut conditions, mut expression) = (Vec::new(), expression);
    let asked = [
        ("status", "=", filter.status.map(|it| text(it.as_str()))),
        (
            "workflow",
            "=",
            filter.workflow.as_ref().map(|it| text(it.as_str())),
        ),
    ];
    for (name, sign, value) in asked {
        if let Some(value) = value {
            conditions.push(format!("#{name} {sign} :{name}"));
            expression = expression.name(name).value(name, value);
        }
    }
    let moments = [("since", ">=", filter.since), ("until", "<", filter.until)];
    for (name, sign, moment) in moments {
        if let Some(moment) = moment {
            conditions.push(format!("#started {sign} :{name}"));
            expression = expression.name("started").value(name, number(moment.get()));
        }
    }
    (conditions, expression)
}

fn looking(limit: usize) -> i32 {
    i32::try_from(limit.clamp(1, 1_000)).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use lattice_model::{Hash, Tenant};

    fn head(due_at: Option<Millis>) -> Head {
        let noon = Millis::new(1_760_000_000_000);
        Head {
            tenant: Tenant::local(),
            run: RunId::from_parts(noon, [3; 10]),
            workflow: WorkflowId::new("w"),
            name: "The flow".to_owned(),
            program: Hash::of(b"p"),
            seq: Seq::from_stored(4),
            status: RunStatus::Waiting,
            started_at: noon,
            updated_at: noon.plus(1),
            due_at,
            forked_from: None,
        }
    }

    #[test]
    fn a_row_is_in_the_due_index_only_while_it_is_due() {
        let keep = Keep { days: 30 };
        let due = Millis::new(1_760_000_500_000);
        for (row, expected) in [(head(None), false), (head(Some(due)), true)] {
            let item = head_item(&row, keep);
            assert_eq!(item.contains_key(DUE_P), expected);
            assert_eq!(item.contains_key(DUE_S), expected);
            assert_eq!(read_head(&item).unwrap(), row);
        }
    }

    #[test]
    fn a_filter_says_only_what_is_asked_for() {
        let ask = in_shard("l#a#0".to_owned(), &RunFilter::default());
        assert_eq!((ask.filter, ask.keys.text.as_str()), (None, "lp = :shard"));
        let filter = RunFilter {
            status: Some(RunStatus::Waiting),
            workflow: Some(WorkflowId::new("w")),
            since: Some(Millis::new(1)),
            until: Some(Millis::new(2)),
            ..RunFilter::default()
        };
        let said = "#status = :status AND #workflow = :workflow AND #started >= :since AND #started < :until";
        let ask = in_shard("l#a#0".to_owned(), &filter);
        assert_eq!(ask.filter.as_deref(), Some(said));
        let scan = everywhere(&filter);
        assert_eq!(scan.text, format!("{said} AND #s = :head"));
        assert_eq!((scan.names.len(), scan.values.len()), (4, 5));
    }
}
