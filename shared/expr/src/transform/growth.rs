//! How much larger than its input the result of a JMESPath expression can get. The language has no
//! loops over loops, so a bound follows from the text alone: `[@, @]` doubles, and so does every
//! later `[@, @]` behind a pipe. Only `join` multiplies one part of the input with another, so it
//! counts at run time.

use super::jmes::children;
use jmespath::ast::Ast;
use jmespath::functions::{Function, JoinFn};
use jmespath::{Context, ErrorReason, JmespathError, Rcvar, Variable};
use std::sync::atomic::{AtomicUsize, Ordering};

/// An upper bound of the work and of the result, as a multiple of the input. Saturates.
pub(super) fn growth(ast: &Ast) -> u64 {
    let parts = || children(ast).into_iter().map(growth);
    let sum = || parts().fold(0, u64::saturating_add).max(1);
    let product = || parts().fold(1, u64::saturating_mul);
    match ast {
        // The right side works on what the left side gives.
        Ast::Subexpr { .. } | Ast::Projection { .. } => product(),
        // The `&expression` works on each element of the list beside it.
        Ast::Function { args, .. } if args.iter().any(|arg| matches!(arg, Ast::Expref { .. })) => {
            product()
        }
        // Writing a text out as JSON can double it by its escapes.
        Ast::Function { name, .. } if name == "to_string" => sum().saturating_mul(2),
        _ => sum(),
    }
}

/// `join` that adds up what it makes in one evaluation and stops at a limit.
pub(super) struct BudgetedJoin {
    inner: JoinFn,
    max: usize,
    made: AtomicUsize,
}

impl BudgetedJoin {
    pub(super) fn new(max: usize) -> Self {
        Self {
            inner: JoinFn::new(),
            max,
            made: AtomicUsize::new(0),
        }
    }
}

impl Function for BudgetedJoin {
    fn evaluate(&self, args: &[Rcvar], context: &mut Context<'_>) -> Result<Rcvar, JmespathError> {
        if let [glue, words] = args {
            let bytes = joined_length(glue, words);
            let made = self
                .made
                .fetch_add(bytes, Ordering::Relaxed)
                .saturating_add(bytes);
            if made > self.max {
                let reason = format!("`join` gives more than the limit of {} bytes", self.max);
                return Err(JmespathError::from_ctx(context, ErrorReason::Parse(reason)));
            }
        }
        self.inner.evaluate(args, context)
    }
}

/// The length of the joined text; 0 for arguments that `join` itself will refuse.
fn joined_length(glue: &Variable, words: &Variable) -> usize {
    let (Some(glue), Some(words)) = (glue.as_string(), words.as_array()) else {
        return 0;
    };
    let texts = words
        .iter()
        .filter_map(|word| word.as_string())
        .map(String::len);
    texts
        .map(|length| length.saturating_add(glue.len()))
        .fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn check(source: &str, expected: u64) {
        assert_eq!(
            growth(&jmespath::parse(source).unwrap()),
            expected,
            "{source}"
        );
    }

    #[test]
    fn growth_follows_the_text() {
        check("a.b[0].c", 1);
        check("a[*].b", 1);
        check("a[*].{x: x, y: y, z: z}", 3);
        check("[@, @] | [@, @] | [@, @]", 8);
        check("map(&[a, b], c)", 2);
        check("sort_by(a, &b)", 1);
        check("to_string(to_array(to_string(@)))", 4);
        check(&vec!["[@, @]"; 80].join(" | "), u64::MAX);
    }
}
