//! Counts the work of an evaluation and stops it at a budget. Two internal functions, which no
//! author can write since their names start with `@`, are put around parts of the tree:
//! `@spend(x)` around what an operator, a function or a literal takes in, `@each(x)` around what a
//! macro loops over. Both charge the size of their value and give it back as it is.
//!
//! `@each` also turns an object into the sorted list of its keys: CEL leaves the order of its keys
//! open, and the same condition must give the same answer every time.

use super::walk::OPTIONAL;
use crate::error::{ExprError, Language};
use cel::common::ast::{CallExpr, EntryExpr, Expr, operators};
use cel::common::types::{CelBytes, CelList, CelMap, CelString};
use cel::common::value::{CowVal, Val};
use cel::parser::Expression;
use cel::{Context, ExecutionError, FunctionContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What touching one value costs beside the bytes of its text, in units of work.
pub(super) const VALUE_UNITS: u64 = 16;

const SPEND: &str = "@spend";
const EACH: &str = "@each";

/// Adds the counting to a parsed condition.
pub(super) fn put_in(mut expression: Expression) -> Expression {
    visit(&mut expression);
    expression
}

fn visit(expression: &mut Expression) {
    match &mut expression.expr {
        Expr::Call(call) => visit_call(call),
        Expr::Comprehension(fold) => {
            visit(&mut fold.iter_range);
            wrap(EACH, &mut fold.iter_range);
            // The other parts are the macro's own and touch only what the step gives them.
            visit(&mut fold.loop_step);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(visit_and_spend),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    visit_and_spend(&mut entry.key);
                    visit_and_spend(&mut entry.value);
                }
            }
        }
        Expr::Select(select) => visit(&mut select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

fn visit_call(call: &mut CallExpr) {
    // These pass a value on, or look one up, without touching all of it.
    let passes = matches!(
        call.func_name.as_str(),
        operators::CONDITIONAL
            | operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::NOT_STRICTLY_FALSE
            | operators::INDEX
            | operators::OPT_INDEX
            | operators::OPT_SELECT
    );
    let each = if passes { visit } else { visit_and_spend };
    call.args.iter_mut().for_each(each);
    if let Some(target) = &mut call.target
        && !matches!(&target.expr, Expr::Ident(name) if name == OPTIONAL)
    {
        visit_and_spend(target);
    }
}

fn visit_and_spend(expression: &mut Expression) {
    visit(expression);
    let takes_no_work = match &expression.expr {
        // `@result` is the macro's own list, and CEL knows its steps by their shape.
        Expr::Ident(name) => name.starts_with('@'),
        Expr::Literal(_) | Expr::List(_) => true,
        _ => false,
    };
    if !takes_no_work {
        wrap(SPEND, expression);
    }
}

fn wrap(function: &str, expression: &mut Expression) {
    let inner = std::mem::take(expression);
    expression.id = inner.id;
    expression.expr = Expr::Call(CallExpr {
        func_name: function.to_owned(),
        target: None,
        args: vec![inner],
    });
}

/// The budget of one evaluation.
pub(super) struct Meter(Arc<AtomicU64>);

/// What the `cel` crate calls for a function.
type Function = Box<
    dyn for<'c, 'v> Fn(&mut FunctionContext<'c, 'v>) -> Result<CowVal<'c, 'v>, ExecutionError>
        + Send
        + Sync,
>;

impl Meter {
    pub(super) fn new(budget: u64) -> Self {
        Self(Arc::new(AtomicU64::new(budget)))
    }

    /// Whether the budget was used up.
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Makes the two functions known to an evaluation.
    pub(super) fn register(&self, context: &mut Context<'_, '_>) -> Result<(), ExprError> {
        let left = Arc::clone(&self.0);
        let spend: Function = Box::new(move |call| charge(&left, call));
        let left = Arc::clone(&self.0);
        let each: Function = Box::new(move |call| charge(&left, call).map(sorted_keys));
        for (name, function) in [(SPEND, spend), (EACH, each)] {
            context
                .add_function(name, function)
                .map_err(|error| ExprError::Failed {
                    what: Language::Condition,
                    reason: error.to_string(),
                })?;
        }
        Ok(())
    }
}

fn charge<'c, 'v>(
    left: &AtomicU64,
    call: &mut FunctionContext<'c, 'v>,
) -> Result<CowVal<'c, 'v>, ExecutionError> {
    let value = call
        .args
        .pop()
        .ok_or_else(ExecutionError::missing_argument_or_target)?;
    // Only this evaluation holds the counter, on one thread: an atomic because CEL wants `Sync`.
    let mut rest = left.load(Ordering::Relaxed);
    take(value.as_ref(), &mut rest);
    left.store(rest, Ordering::Relaxed);
    if rest == 0 {
        return Err(call.error("the budget of work is used up"));
    }
    Ok(value)
}

/// Takes the size of a value from the budget, and stops looking once nothing is left.
fn take(value: &dyn Val, left: &mut u64) {
    let own = if let Some(text) = value.downcast_ref::<CelString>() {
        text.inner().len()
    } else if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        bytes.inner().len()
    } else {
        0
    };
    *left = left.saturating_sub(own as u64 + VALUE_UNITS);
    if let Some(list) = value.downcast_ref::<CelList>() {
        for item in list.inner() {
            if *left == 0 {
                return;
            }
            take(item.as_ref(), left);
        }
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        // The order of the entries does not change their sum.
        for (key, item) in map.inner() {
            if *left == 0 {
                return;
            }
            take(key.inner(), left);
            take(item.as_ref(), left);
        }
    }
}

fn sorted_keys<'c, 'v>(value: CowVal<'c, 'v>) -> CowVal<'c, 'v> {
    let Some(map) = value.downcast_ref::<CelMap>() else {
        return value;
    };
    let mut keys: Vec<_> = map.inner().keys().collect();
    keys.sort();
    let keys: Vec<Box<dyn Val + 'v>> = keys
        .into_iter()
        .map(|key| key.inner().clone_as_boxed())
        .collect();
    CowVal::owned(CelList::from(keys))
}
