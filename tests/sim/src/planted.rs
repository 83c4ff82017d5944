//! Whether the comparison notices a wrong meaning: the engine runs one Program and the oracle reads
//! another, which differs in a single rule. To the judge that is an engine, or an oracle, that gets
//! this rule wrong.

use crate::planted_changes::{
    calls, choices, evals, invert, items, joins, maps, merge, quorum, splits, waits,
};
use crate::report::Breach;
use crate::runner::simulate;
use crate::scenario::{Case, Scenario};
use lattice_ir::{
    Call, Choice, Effect, JoinPolicy, Merge, ModelCall, OpKind, Plan, Program, Split, Wait,
};
use lattice_journal::Choice as AnswerChoice;
use lattice_model::OpId;
use serde_json::json;
use std::fmt;
use std::sync::Arc;

/// A meaning that is got wrong.
pub struct Planted {
    /// In words.
    pub name: &'static str,
    /// The shape in which it shows.
    pub shape: &'static str,
    change: fn(&mut Program),
}

/// Who gets it wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The engine.
    Engine,
    /// The oracle.
    Oracle,
}

/// What came of one fault.
#[derive(Debug)]
pub struct Found {
    /// The fault.
    pub name: &'static str,
    /// The shape.
    pub shape: &'static str,
    /// Who got it wrong.
    pub side: Side,
    /// What was seen where nobody does: there must be nothing.
    pub honest: Option<Breach>,
    /// What was seen.
    pub seen: Option<Breach>,
}

impl Found {
    /// Whether somebody notices, and only then.
    pub fn is_caught(&self) -> bool {
        self.honest.is_none() && self.seen.is_some()
    }
}

/// Plants every fault, first in the engine, then in the oracle.
pub fn all() -> Result<Vec<Found>, String> {
    let sides = [Side::Engine, Side::Oracle];
    let pairs = ALL.iter().flat_map(|one| sides.map(|side| (one, side)));
    pairs.map(|(one, side)| plant(one, side)).collect()
}

fn plant(planted: &Planted, side: Side) -> Result<Found, String> {
    let honest = Case::find(planted.shape, 0)?;
    let mut wrong = Program::clone(honest.plan.program());
    (planted.change)(&mut wrong);
    if wrong == **honest.plan.program() {
        return Err(format!("`{}` changes nothing", planted.name));
    }
    let wrong = Arc::new(wrong);
    let before = breach(&honest);
    let mut case = honest;
    match side {
        Side::Oracle => case.oracle = Some(wrong),
        Side::Engine => {
            let plan = Plan::new(wrong);
            let plan = plan.map_err(|errors| format!("`{}`: {errors:?}", planted.name))?;
            case.oracle = Some(Arc::clone(case.plan.program()));
            case.plan = Arc::new(plan);
        }
    }
    Ok(Found {
        name: planted.name,
        shape: planted.shape,
        side,
        honest: before,
        seen: breach(&case),
    })
}

/// The first breach of a run to which nothing bad happens.
fn breach(case: &Case) -> Option<Breach> {
    let report = simulate(case, &Scenario::of(case));
    report.breaches.into_iter().next()
}

/// One line.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, shape, side) = (self.name, self.shape, format!("{:?}", self.side));
        let word = match (&self.honest, &self.seen) {
            (Some(breach), _) => format!("`{shape}` IS BROKEN: {breach}"),
            (None, None) => format!("NOT CAUGHT in `{shape}`"),
            (None, Some(_)) => "caught".to_owned(),
        };
        write!(f, "{side:<6} {name:<62} {word}")
    }
}

const fn planted(shape: &'static str, name: &'static str, change: fn(&mut Program)) -> Planted {
    Planted {
        name,
        shape,
        change,
    }
}

/// Every fault.
pub const ALL: &[Planted] = &[
    planted("merge_collect", "`collect` keeps the last output", |it| {
        merge(it, Merge::Last);
    }),
    planted("merge_first", "`first` takes the last", |it| {
        merge(it, Merge::Last);
    }),
    planted("merge_last", "`last` takes the first", |it| {
        merge(it, Merge::First);
    }),
    planted(
        "merge_deep",
        "`deep-merge` is shallow: the last wins",
        |it| {
            merge(it, Merge::Last);
        },
    ),
    planted("merge_error", "`error` takes the first", |it| {
        merge(it, Merge::First);
    }),
    planted("merge_deep", "branches are merged in another order", |it| {
        splits(it, |split| split.branches.reverse());
    }),
    planted(
        "variables_in_branches",
        "a join deep-merges variables",
        |it| {
            merge(it, Merge::DeepMerge);
        },
    ),
    planted("two_of_three", "a quorum is content with one fewer", |it| {
        quorum(it, 1);
    }),
    planted("two_of_three", "a quorum wants one more", |it| {
        quorum(it, 3)
    }),
    planted("two_of_three_broken", "a quorum counts a failure", |it| {
        quorum(it, 1);
    }),
    planted("quorum_unreachable", "a failure is forgiven", |it| {
        quorum(it, 2);
    }),
    planted("any", "any one is two", |it| quorum(it, 2)),
    planted("all_broken", "all but one is all", |it| quorum(it, 2)),
    planted("fail_fast_broken", "fail-fast waits for the others", |it| {
        joins(it, |join| join.policy = JoinPolicy::All);
    }),
    planted("caught_join", "a failed join is not caught", |it| {
        joins(it, |join| join.on_error = None);
    }),
    planted(
        "time_way",
        "a join's time-out takes the way of errors",
        |it| {
            joins(it, |join| join.on_timeout = None);
        },
    ),
    planted(
        "branch_out_of_time",
        "a branch has no end of its time",
        |it| {
            let for_ever = |split: &mut Split| {
                let branches = split.branches.iter_mut();
                branches.for_each(|branch| branch.timeout_ms = None);
            };
            splits(it, for_ever);
        },
    ),
    planted("if_true", "a condition is inverted", invert),
    planted("if_false", "the other way is inverted", invert),
    planted("switch", "the last arm that fits wins", |it| {
        choices(it, |choice| choice.arms.reverse());
    }),
    planted("switch", "a text equals the number that it spells", |it| {
        let number = lattice_ir::Test::Equals {
            target: "{{in.order.size}}".to_owned(),
            value: json!(3),
        };
        let first = |choice: &mut Choice| {
            if let Some(arm) = choice.arms.first_mut() {
                arm.test = number.clone();
            }
        };
        choices(it, first);
    }),
    planted("diamond", "a choice keeps its port as an output", |it| {
        choices(it, |choice| choice.keeps_port = true);
    }),
    planted("caught", "a failure is not caught", |it| {
        calls(it, |call| call.on_error = None);
    }),
    planted("timeout_way", "a time-out takes the way of errors", |it| {
        calls(it, |call| call.on_timeout = None);
    }),
    planted("exhausted", "one attempt fewer", |it| {
        calls(it, |call| call.retry.attempts_max -= 1);
    }),
    planted("retry_then_success", "two attempts and no more", |it| {
        calls(it, |call| call.retry.attempts_max = 2);
    }),
    planted("malformed", "an answer need not fit its schema", |it| {
        let loose = |call: &mut Call| {
            let Effect::Model(ModelCall { output_schema, .. }) = &mut call.effect;
            *output_schema = None;
        };
        calls(it, loose);
    }),
    planted("chain", "a stage is left out", |it| {
        let mut left = 1;
        let skip = |call: &mut Call| {
            call.next = OpId(call.next.0 + left);
            left = 0;
        };
        calls(it, skip);
    }),
    planted("variables", "a variable is set under another name", |it| {
        for op in &mut it.ops {
            if let (OpKind::Assign(assign), "again") = (&mut op.kind, op.name.as_str()) {
                assign.variable = "more".to_owned();
            }
        }
    }),
    planted("deleted_variable", "a deleted variable is null", |it| {
        for op in &mut it.ops {
            if let OpKind::Assign(assign) = &mut op.kind {
                assign.value.get_or_insert(json!(null));
            }
        }
    }),
    planted("fallback", "there is no fallback", |it| {
        evals(it, |eval| eval.fallback = None);
    }),
    planted("transforms", "a transform gives its input back", |it| {
        evals(it, |eval| eval.transform = None);
    }),
    planted(
        "answer_before_timeout",
        "an answer takes the timer's way",
        |it| {
            waits(it, |wait| {
                std::mem::swap(&mut wait.on_answer, &mut wait.on_timer)
            });
        },
    ),
    planted("question_timeout", "a timer takes the answer's way", |it| {
        waits(it, |wait| {
            std::mem::swap(&mut wait.on_answer, &mut wait.on_timer)
        });
    }),
    planted("several_options", "one option is all that is taken", |it| {
        let one = |wait: &mut Wait| {
            if let Some(question) = wait.question.as_mut() {
                question.choice = AnswerChoice::One;
            }
        };
        waits(it, one);
    }),
    planted("map_fails", "the first failure is ignored", |it| {
        maps(it, |map| map.goes_on = true);
    }),
    planted("map_goes_on", "one failure ends them all", |it| {
        maps(it, |map| map.goes_on = false);
    }),
    planted("batch_goes_on", "a failure in a batch ends the map", |it| {
        maps(it, |map| map.goes_on = false);
    }),
    planted(
        "map_paused",
        "results stand in the order of their ends",
        |it| {
            items(it, |items| items.swap(0, 1));
        },
    ),
    planted("map_paused", "nobody waits between batches", |it| {
        maps(it, |map| map.pause_ms = 0);
    }),
    planted("map_two_at_once", "one item more at once", |it| {
        maps(it, |map| map.items_at_once = 3);
    }),
    planted("batch_calls", "an index of the second batch is off", |it| {
        let off = |items: &mut Vec<serde_json::Value>| {
            for item in items.iter_mut().skip(9) {
                item["n"] = json!(item["n"].as_u64().unwrap_or(0) + 1);
            }
        };
        items(it, off);
    }),
    planted("batch_goes_on", "the last batch is left out", |it| {
        items(it, |items| items.truncate(18));
    }),
    planted("map_scope", "an item sees what another one wrote", |it| {
        it.variables.insert("seen".to_owned(), json!("-a"));
    }),
    planted("map_scope", "what an item wrote is seen behind it", |it| {
        evals(it, |eval| eval.fallback = Some(json!("c")));
    }),
    planted("map_no_body", "an item without a result is null", |it| {
        items(it, |items| items.fill(json!(null)));
    }),
    planted("pure", "an end gives its input back", |it| {
        for op in &mut it.ops {
            if let OpKind::End(end) = &mut op.kind {
                end.output = json!("{{in}}");
            }
        }
    }),
];
