//! `parallel`: two to sixteen branches at once, then a join.

use crate::Fields;
use crate::codes;
use crate::kind::{Carries, NodeKind, Opened, Output, Part, Port, Split};
use crate::lowering::PORT_JOINED;
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, duration};
use lattice_document::{PORT_ERROR, branch_port};
use lattice_ir::{Join, JoinPolicy, Merge, OpKind, SplitBranch, Way};
use lattice_model::limits::{LIFETIME_MS_MAX, SPLIT_BRANCHES_MAX, SPLIT_BRANCHES_MIN};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::json;

/// The type.
pub(crate) struct Parallel;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// How many branches there are.
    #[schemars(range(min = 2, max = 16))]
    branch_count: u64,
    /// How long each branch may take, in milliseconds; `null` = as long as the run.
    #[schemars(length(max = 16))]
    branch_timeouts: Option<Vec<Option<u64>>>,
    /// What the join waits for.
    failure_strategy: Option<Strategy>,
    /// How many branches have to succeed, with `quorum`.
    #[schemars(range(min = 1, max = 16))]
    quorum: Option<u64>,
    /// What the join makes of the branches' outputs, and of a variable that several of them changed.
    merge_policy: Option<MergePolicy>,
}

/// What a join waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Strategy {
    /// Until all branches are over; it fails if one failed.
    WaitAll,
    /// As `wait-all`, but the first failure ends the others.
    FailFast,
    /// The first branch that succeeds ends the others.
    Any,
    /// So many branches as `quorum` says, that succeed, end the others.
    Quorum,
}

/// What a join makes of several values, in the order of the branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum MergePolicy {
    /// A list with a place for each branch.
    Collect,
    /// Objects are merged key by key; of anything else the last one counts.
    DeepMerge,
    /// The first branch that counts.
    First,
    /// The last branch that counts.
    Last,
    /// They have to be equal.
    Error,
}

impl MergePolicy {
    fn merge(self) -> Merge {
        match self {
            Self::Collect => Merge::Collect,
            Self::DeepMerge => Merge::DeepMerge,
            Self::First => Merge::First,
            Self::Last => Merge::Last,
            Self::Error => Merge::Error,
        }
    }
}

impl NodeKind for Parallel {
    fn name(&self) -> &'static str {
        "parallel"
    }

    fn title(&self) -> &'static str {
        "Parallel"
    }

    fn summary(&self) -> &'static str {
        "Does two to sixteen branches at once and goes on where they meet."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let given = fields.raw("branchCount").is_some();
        let range = SPLIT_BRANCHES_MIN as u64..=SPLIT_BRANCHES_MAX as u64;
        let count = fields.whole("branchCount", range);
        if !given {
            fields.missing("branchCount");
        }
        let timeouts = timeouts(&mut fields, count);
        let pointer = fields.at("branchTimeouts");
        let policy = policy(opening, &mut fields, count);
        let merge = fields.optional::<MergePolicy>("mergePolicy");
        fields.done();
        let count = usize::try_from(count?).ok()?;
        let merges = merge.is_some();
        let merge = merge.map_or(Merge::Collect, MergePolicy::merge);
        let longest = timeouts.iter().flatten().max().copied();
        Some(Opened {
            wait: longest.map(|ms| (ms, pointer)),
            ..opened(count, timeouts, policy, (merge, merges))
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        tell(teller)
    }
}

/// The time of each branch. It stands in milliseconds, as older documents have it.
fn timeouts(fields: &mut Fields<'_>, count: Option<u64>) -> Vec<Option<u64>> {
    let name = "branchTimeouts";
    let timeouts: Vec<Option<u64>> = fields.optional(name).unwrap_or_default();
    if count.is_some_and(|count| timeouts.len() as u64 > count) {
        let text = format!("`{name}` has more places than there are branches");
        fields.out_of_range(name, text);
    }
    let is_wrong = |ms: &u64| !(1..=LIFETIME_MS_MAX).contains(ms);
    if let Some(ms) = timeouts.iter().flatten().find(|ms| is_wrong(ms)) {
        let text = format!("`{name}` has {ms} ms, and must be from 1 to {LIFETIME_MS_MAX} ms");
        fields.out_of_range(name, text);
    }
    timeouts
}

fn policy(opening: &Opening<'_>, fields: &mut Fields<'_>, count: Option<u64>) -> JoinPolicy {
    let strategy = fields.optional::<Strategy>("failureStrategy");
    let given = fields.raw("quorum").is_some();
    let quorum = fields.whole("quorum", 1..=count.unwrap_or(SPLIT_BRANCHES_MAX as u64));
    match strategy {
        Some(Strategy::Quorum) if !given => fields.missing("quorum"),
        Some(Strategy::Quorum) => {}
        _ if given => {
            let text = "`quorum` counts only with the `failureStrategy` `quorum`".to_owned();
            let help = "set `failureStrategy` to `quorum`, or remove `quorum`";
            opening.error(codes::CONTRADICTION, &fields.at("quorum"), text, help);
        }
        _ => {}
    }
    match strategy.unwrap_or(Strategy::WaitAll) {
        Strategy::WaitAll => JoinPolicy::All,
        Strategy::FailFast => JoinPolicy::FailFast,
        Strategy::Any => JoinPolicy::Quorum { needed: 1 },
        Strategy::Quorum => JoinPolicy::Quorum {
            needed: quorum.and_then(|it| u32::try_from(it).ok()).unwrap_or(1),
        },
    }
}

fn opened(
    count: usize,
    timeouts: Vec<Option<u64>>,
    policy: JoinPolicy,
    (merge, merges): (Merge, bool),
) -> Opened {
    let branch = |place| Port {
        carries: Carries::Nothing,
        ..Port::required(branch_port(place))
    };
    let ports = (0..count).map(branch).chain([Port::error()]).collect();
    let split = Part::main(move |lowering| {
        let branches = (0..count).map(|place| SplitBranch {
            way: Way {
                port: branch_port(place),
                to: lowering.to(&branch_port(place)),
            },
            timeout_ms: timeouts.get(place).copied().flatten(),
        });
        OpKind::Split(lattice_ir::Split {
            branches: branches.collect(),
            join: lowering.part(1),
        })
    });
    let join = Part::named("join", move |lowering| {
        OpKind::Join(Join {
            split: lowering.part(0),
            policy,
            merge,
            next: lowering.to(PORT_JOINED),
            on_error: lowering.to_maybe(PORT_ERROR),
            on_timeout: None,
        })
    });
    Opened {
        output: match merge {
            Merge::Collect => {
                Output::Shape(json!({"type": "array", "minItems": count, "maxItems": count}))
            }
            _ => Output::Any,
        },
        split: Some(Split {
            branches: count,
            merges,
            all: !matches!(policy, JoinPolicy::Quorum { .. }),
        }),
        ..Opened::new(ports, vec![split, join])
    }
}

fn tell(teller: Teller<'_>) -> Told {
    let count = teller.number("branchCount").unwrap_or(0);
    let counts = match teller.plain("failureStrategy") {
        Some("fail-fast") => {
            "Wait for all of them. As soon as one fails, stop the others, and this step \
                              has failed."
        }
        Some("any") => "As soon as one of them succeeds, stop the others and go on.",
        Some("quorum") => "As soon as enough of them have succeeded, stop the others and go on.",
        _ => {
            "Wait until all of them are over. If one of them failed, this step has failed, but let the \
              others finish first."
        }
    };
    let quorum = teller.number("quorum");
    let quorum = quorum.map(|number| format!("Enough are {number}."));
    let merge = match teller.plain("mergePolicy") {
        Some("deep-merge") => {
            "The result is the results of the branches merged key by key, in the order \
                               of the branches; of anything but objects the last one counts."
        }
        Some("first") => "The result is that of the first branch, in their order, that counts.",
        Some("last") => "The result is that of the last branch, in their order, that counts.",
        Some("error") => {
            "All results have to be equal, and are the result; if they are not, this step \
                          has failed."
        }
        _ => "The result is a list of the branches' results, in the order of the branches.",
    };
    let timeouts = teller
        .raw("branchTimeouts")
        .and_then(serde_json::Value::as_array);
    let timeouts = timeouts.into_iter().flatten().enumerate();
    let timeouts = timeouts.filter_map(|(place, ms)| {
        let ms = ms.as_u64()?;
        Some(format!("Branch {} may take {}.", place + 1, duration(ms)))
    });
    let timeouts: Vec<_> = timeouts.collect();
    let mut told = Told::new(Need::Parallel)
        .say(format!(
            "Work on these {count} branches at the same time, each by itself, until they meet again."
        ))
        .say(counts)
        .say_maybe(quorum)
        .say(merge)
        .say_maybe((!timeouts.is_empty()).then(|| timeouts.join(" ")));
    for place in 0..usize::try_from(count).unwrap_or(0) {
        let way = format!("this is branch {}", place + 1);
        told = told.way(lattice_document::branch_port(place), way);
    }
    told
}
