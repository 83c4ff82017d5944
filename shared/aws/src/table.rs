//! The table: one call of DynamoDB each, its errors as the port's, its price counted.

use crate::counter::{Counter, Unit};
use crate::error::{Resource, TABLE};
use crate::item::{Item, item_bytes, read_units, write_units};
use crate::keys::{DUE_P, LIST_P};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use lattice_ports::PortError;
use std::collections::HashMap;
use std::error::Error;

/// An expression, with what its `#names` and `:values` stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expression {
    pub(crate) text: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Expression {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// `#name` stands for the attribute `name`, which may be a word of DynamoDB's own.
    pub(crate) fn name(mut self, name: &str) -> Self {
        self.names.insert(format!("#{name}"), name.to_owned());
        self
    }

    /// `:name` stands for the value.
    pub(crate) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    /// The names, if there are any: DynamoDB refuses an empty map.
    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// The values, if there are any.
    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

/// What became of a conditional write.
#[derive(Debug)]
pub(crate) enum Written {
    /// It is done; an update gives what it wrote.
    Done(Option<Item>),
    /// The condition did not hold; what stands there.
    Refused(Option<Item>),
}

impl Written {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// All of it is written.
    Done,
    /// None of it is, and why, one reason for each action.
    Cancelled(Vec<Reason>),
}

/// Why an action stood in the way of its transaction, if it did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reason {
    /// `None` = it did not.
    pub(crate) code: Option<String>,
    /// What stands there.
    pub(crate) item: Option<Item>,
}

impl Reason {
    /// Its condition does not hold.
    pub(crate) fn is_refused(&self) -> bool {
        self.code.as_deref() == Some("ConditionalCheckFailed")
    }
}

/// A question to the table or to one of its indices.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    /// The index; `None` = the table, strongly consistent.
    pub(crate) index: Option<&'static str>,
    /// Which items, by their key.
    pub(crate) keys: Expression,
    /// Which of them to give, with the names and values of `keys`.
    pub(crate) filter: Option<String>,
    /// From the last to the first.
    pub(crate) backward: bool,
    /// Items looked at in one call, at most.
    pub(crate) look_at: Option<i32>,
}

/// The table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    client: Client,
    name: String,
    counter: Counter,
}

impl Table {
    pub(crate) fn new(client: Client, name: String, counter: Counter) -> Self {
        Self {
            client,
            name,
            counter,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What errors call it.
    pub(crate) fn resource(&self) -> Resource<'_> {
        Resource {
            port: TABLE,
            name: &self.name,
            setting: "LATTICE_TABLE",
        }
    }

    fn error<E>(&self, error: &SdkError<E, HttpResponse>) -> PortError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        self.resource().error(error)
    }

    /// Puts an item, if the condition holds of what stands there.
    pub(crate) async fn put(
        &self,
        item: Item,
        condition: Option<Expression>,
    ) -> Result<Written, PortError> {
        let bytes = item_bytes(&item);
        let estimate = written_units(&item);
        let condition = condition.unwrap_or_default();
        let put = self.client.put_item().table_name(&self.name);
        let put = put
            .set_item(Some(item))
            .set_condition_expression((!condition.text.is_empty()).then(|| condition.text.clone()))
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match put.send().await {
            Ok(output) => {
                self.wrote(output.consumed_capacity(), estimate);
                Ok(Written::Done(None))
            }
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                let PutItemError::ConditionalCheckFailedException(refused) = error.into_err()
                else {
                    return Ok(Written::Refused(None));
                };
                Ok(self.refused(refused.item, bytes))
            }
            Err(error) => Err(self.error(&error)),
        }
    }

    /// Changes an item, if the condition holds, and gives what it wrote.
    pub(crate) async fn update(
        &self,
        key: Item,
        change: &str,
        condition: Expression,
    ) -> Result<Written, PortError> {
        let update = self.client.update_item().table_name(&self.name);
        let update = update
            .set_key(Some(key))
            .update_expression(change)
            .set_condition_expression((!condition.text.is_empty()).then(|| condition.text.clone()))
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(output) => {
                self.wrote(output.consumed_capacity(), 1.0);
                Ok(Written::Done(output.attributes))
            }
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                let UpdateItemError::ConditionalCheckFailedException(refused) = error.into_err()
                else {
                    return Ok(Written::Refused(None));
                };
                Ok(self.refused(refused.item, 1))
            }
            Err(error) => Err(self.error(&error)),
        }
    }

    /// A refused write is billed like one of what stands there.
    fn refused(&self, standing: Option<Item>, bytes: usize) -> Written {
        let bytes = standing.as_ref().map_or(bytes, item_bytes);
        self.wrote(None, write_units(bytes));
        Written::Refused(standing)
    }

    /// Removes an item.
    pub(crate) async fn delete(&self, key: Item) -> Result<(), PortError> {
        let delete = self.client.delete_item().table_name(&self.name);
        let delete = delete
            .set_key(Some(key))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = delete.send().await.map_err(|error| self.error(&error))?;
        self.wrote(output.consumed_capacity(), 1.0);
        Ok(())
    }

    /// Reads an item, strongly consistent.
    pub(crate) async fn get(&self, key: Item) -> Result<Option<Item>, PortError> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get
            .set_key(Some(key))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = get.send().await.map_err(|error| self.error(&error))?;
        let bytes = output.item().map_or(0, item_bytes);
        self.read(output.consumed_capacity(), bytes, true);
        Ok(output.item)
    }

    /// What the question finds, in the order of the keys: `most` items, or all there are.
    pub(crate) async fn ask(&self, ask: &Ask, most: usize) -> Result<Vec<Item>, PortError> {
        let (mut found, mut from) = (Vec::new(), None);
        while found.len() < most {
            let (items, next) = self.ask_page(ask, from).await?;
            found.extend(items);
            from = next;
            if from.is_none() {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// One page of what the question finds, and where the next one begins, if there is one.
    pub(crate) async fn ask_page(
        &self,
        ask: &Ask,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), PortError> {
        let query = self.client.query().table_name(&self.name);
        let query = query
            .set_index_name(ask.index.map(str::to_owned))
            .set_consistent_read(ask.index.is_none().then_some(true))
            .key_condition_expression(&ask.keys.text)
            .set_filter_expression(ask.filter.clone())
            .set_expression_attribute_names(ask.keys.names())
            .set_expression_attribute_values(ask.keys.values())
            .scan_index_forward(!ask.backward)
            .set_limit(ask.look_at)
            .set_exclusive_start_key(from)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = query.send().await.map_err(|error| self.error(&error))?;
        let bytes = output.items().iter().map(item_bytes).sum();
        self.read(output.consumed_capacity(), bytes, ask.index.is_none());
        Ok((output.items.unwrap_or_default(), output.last_evaluated_key))
    }

    /// Everything in an index that the filter lets through, in no order.
    pub(crate) async fn scan(
        &self,
        index: &'static str,
        filter: Expression,
    ) -> Result<Vec<Item>, PortError> {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let scan = self.client.scan().table_name(&self.name);
            let scan = scan
                .index_name(index)
                .filter_expression(&filter.text)
                .set_expression_attribute_names(filter.names())
                .set_expression_attribute_values(filter.values())
                .set_exclusive_start_key(from)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let output = scan.send().await.map_err(|error| self.error(&error))?;
            let bytes = output.items().iter().map(item_bytes).sum();
            self.read(output.consumed_capacity(), bytes, false);
            found.extend(output.items.unwrap_or_default());
            from = output.last_evaluated_key;
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    /// Writes all or nothing. The SDK gives each call a token of its own, which its repeats carry, so
    /// a repeat after a lost answer is no second transaction; a caller who calls again is told by the
    /// conditions that it was done.
    pub(crate) async fn transact(
        &self,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Transacted, PortError> {
        let estimate: f64 = actions.iter().map(action_units).sum();
        let transaction = self.client.transact_write_items();
        let transaction = transaction
            .set_transact_items(Some(actions))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match transaction.send().await {
            Ok(output) => {
                match output.consumed_capacity() {
                    [] => self.counter.add(Unit::TableWrites, estimate),
                    all => all.iter().for_each(|one| self.wrote(Some(one), 0.0)),
                }
                Ok(Transacted::Done)
            }
            Err(SdkError::ServiceError(error))
                if error.err().is_transaction_canceled_exception() =>
            {
                self.counter.add(Unit::TableWrites, estimate);
                let TransactWriteItemsError::TransactionCanceledException(cancelled) =
                    error.into_err()
                else {
                    return Ok(Transacted::Cancelled(Vec::new()));
                };
                let reasons = cancelled.cancellation_reasons.unwrap_or_default();
                let reasons = reasons.into_iter().map(|reason| Reason {
                    code: reason.code.filter(|code| code != "None"),
                    item: reason.item,
                });
                Ok(Transacted::Cancelled(reasons.collect()))
            }
            Err(error) => Err(self.error(&error)),
        }
    }

    // DynamoDB's own figure counts, unless it is less than what follows from the sizes: not every
    // engine measures.
    fn wrote(&self, consumed: Option<&ConsumedCapacity>, estimate: f64) {
        // A repeated transaction is billed as a read of what it wrote.
        if let Some(units) = consumed.and_then(ConsumedCapacity::read_capacity_units) {
            return self.counter.add(Unit::TableReads, units);
        }
        let units = consumed.and_then(ConsumedCapacity::capacity_units);
        self.counter
            .add(Unit::TableWrites, units.unwrap_or(0.0).max(estimate));
    }

    fn read(&self, consumed: Option<&ConsumedCapacity>, bytes: usize, consistent: bool) {
        let units = consumed.and_then(ConsumedCapacity::capacity_units);
        let units = units.unwrap_or(0.0).max(read_units(bytes, consistent));
        self.counter.add(Unit::TableReads, units);
    }
}

/// An item is written once in the table and once in each index that it stands in.
fn written_units(item: &Item) -> f64 {
    let indices = [DUE_P, LIST_P]
        .iter()
        .filter(|key| item.contains_key(**key));
    write_units(item_bytes(item)) * (1 + indices.count()) as f64
}

/// In a transaction the table costs twice; the indices follow it as ever.
fn action_units(action: &TransactWriteItem) -> f64 {
    action.put().map_or(2.0, |put| {
        written_units(put.item()) + write_units(item_bytes(put.item()))
    })
}
