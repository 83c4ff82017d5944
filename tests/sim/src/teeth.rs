//! Whether the suite notices: for each guard the scenarios in which switching it off breaks a
//! promise, and in which every promise is kept while it is on.

use crate::fate::{Fate, Kind};
use crate::report::Breach;
use crate::runner::simulate;
use crate::scenario::{Case, Order, Rig, Scenario, Traffic};
use crate::teeth_cases::{long_chain, short_lived};
use lattice_model::{Guard, Guards};
use serde_json::json;
use std::fmt;

/// A case, and the scenarios of it that a guard has to hold in.
pub struct Tooth {
    /// What runs.
    pub case: Case,
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
}

/// What came of one guard.
#[derive(Debug)]
pub struct Bite {
    /// The guard.
    pub guard: Guard,
    /// A breach with every guard on: there must be none.
    pub with: Option<(Scenario, Breach)>,
    /// A breach with this guard off: there must be one.
    pub without: Option<(Scenario, Breach)>,
}

impl Bite {
    /// Whether the guard holds, and whether somebody notices when it does not.
    pub fn is_caught(&self) -> bool {
        self.with.is_none() && self.without.is_some()
    }
}

/// One line, and the promise that broke.
impl fmt::Display for Bite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guard = format!("{:?}", self.guard);
        if let Some((scenario, breach)) = &self.with {
            return write!(
                f,
                "{guard:<20} DOES NOT HOLD: {breach}\n  {scenario} {:?}",
                scenario.rig
            );
        }
        let Some((_, breach)) = &self.without else {
            return write!(f, "{guard:<20} NOT CAUGHT");
        };
        let seen = breach.to_string();
        let line: String = seen
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(110)
            .collect();
        write!(f, "{guard:<20} caught: {line}")
    }
}

/// Switches every guard off in turn.
pub fn all() -> Result<Vec<Bite>, String> {
    Guard::ALL.iter().map(|guard| bite(*guard)).collect()
}

/// Runs the scenarios of a guard, first with every guard on, then without this one.
pub fn bite(guard: Guard) -> Result<Bite, String> {
    let tooth = case(guard)?;
    let with = tooth.first_breach(Guards::ALL);
    let without = tooth.first_breach(Guards::ALL.without(guard));
    Ok(Bite {
        guard,
        with,
        without,
    })
}

impl Tooth {
    fn first_breach(&self, guards: Guards) -> Option<(Scenario, Breach)> {
        self.scenarios.iter().find_map(|scenario| {
            let mut scenario = scenario.clone();
            scenario.rig.guards = guards;
            let breach = simulate(&self.case, &scenario)
                .breaches
                .into_iter()
                .next()?;
            Some((scenario, breach))
        })
    }
}

/// The scenarios of a guard.
pub fn case(guard: Guard) -> Result<Tooth, String> {
    let name = match guard {
        Guard::AttemptCeiling => "exhausted",
        Guard::HandOnBeforeDelete => "retry_then_success",
        Guard::EarlySignalBuffer => "early_answer",
        Guard::Tombstones | Guard::InboxDedupe | Guard::AnswerNamesWait => "one_option",
        Guard::Lifetime => "nobody_answers",
        Guard::BudgetReserved => "budget_too_small",
        Guard::SlotBeforeStart | Guard::SlotFreed => "limited_kin",
        Guard::JoinWaits => "all_of_three",
        Guard::BranchScope => "variables_in_branches",
        // The second branch is over long before the first.
        Guard::MergeInOrder => "merge_deep",
        Guard::LosersEnd => "any",
        Guard::ChildEndWithCommit | Guard::ChildStartedAgain => "child_done",
        Guard::CancelReachesChildren => "child_times_out",
        Guard::VisitIsStage => "loop_until_good",
        Guard::ItemIsStage => "map_calls",
        // The round that would end the loop by itself is one too many.
        Guard::VisitCeiling => "loop_to_ceiling",
        _ => "chain",
    };
    let case = Case::find(name, 0)?;
    let case = match guard {
        Guard::CheckpointHash => long_chain(&case)?,
        Guard::Lifetime => short_lived(&case)?,
        _ => case,
    };
    let scenarios = scenarios(guard, &Scenario::of(&case));
    Ok(Tooth { case, scenarios })
}

/// Whether a run in which nothing goes wrong comes to something else without the guard.
fn needs_no_fault(guard: Guard) -> bool {
    matches!(
        guard,
        Guard::ClaimBeforeEffect
            | Guard::AttemptCeiling
            | Guard::EarlySignalBuffer
            | Guard::Tombstones
            | Guard::JoinWaits
            | Guard::BranchScope
            | Guard::MergeInOrder
            | Guard::LosersEnd
            | Guard::CancelReachesChildren
            | Guard::BudgetReserved
            | Guard::SlotBeforeStart
            | Guard::SlotFreed
            | Guard::VisitIsStage
            | Guard::ItemIsStage
            | Guard::VisitCeiling
    )
}

fn scenarios(guard: Guard, quiet: &Scenario) -> Vec<Scenario> {
    let usual = Rig::default;
    match guard {
        Guard::ConditionalPut | Guard::RedecideOnRebase => race(quiet),
        // Two workers of one boot id race for a claim: whose commit it is, only its id says.
        Guard::CommitIdentity => race(&with(
            quiet,
            Rig {
                one_boot: true,
                ..usual()
            },
        )),
        // A read from the middle of which a commit is missing.
        Guard::DenseLoad => struck(
            &Scenario {
                chain: 1,
                ..quiet.clone()
            },
            Kind::Load,
            8,
            Fate::Hole,
        ),
        // A row that is written long after the run was over.
        Guard::ForwardOnly => struck(&pair(quiet), Kind::PutHead, 3, Fate::SlowBefore(600_000)),
        Guard::CheckpointHash => {
            let rig = Rig {
                corrupt_checkpoints: true,
                ..usual()
            };
            vec![Scenario {
                chain: 1,
                rig,
                ..quiet.clone()
            }]
        }
        Guard::StartKey => vec![with(
            quiet,
            Rig {
                clients: 2,
                ..usual()
            },
        )],
        Guard::Lifetime => vec![with(
            quiet,
            Rig {
                to_the_end: true,
                ..usual()
            },
        )],
        // A cancel at each call, while effects take longer than a look at the tail.
        Guard::CancelFence => cancels(&with(
            quiet,
            Rig {
                effect_ms: Some(25_000),
                ..usual()
            },
        )),
        // An effect that ends after another worker has folded the cancel and before the look at the
        // tail.
        Guard::TerminalIsFinal => cancels(&with(
            &pair(quiet),
            Rig {
                effect_ms: Some(3_000),
                ..usual()
            },
        )),
        Guard::InboxDedupe | Guard::AnswerNamesWait => of_answers(guard, quiet),
        plain if needs_no_fault(plain) => vec![quiet.clone()],
        other => of_lost_workers(other, quiet),
    }
}

/// Guards about workers that die, stand still or come late.
fn of_lost_workers(guard: Guard, quiet: &Scenario) -> Vec<Scenario> {
    let usual = Rig::default;
    match guard {
        // The first worker has its answer and then stands still until another has taken over.
        Guard::AttemptFence => struck(&pair(quiet), Kind::Unread, 8, Fate::SlowAfter(60_000)),
        // Somebody dies just behind a commit: with it the end of a child stands in the inbox of the run
        // above, and whoever finds that run waiting makes sure that its child begins.
        Guard::ChildEndWithCommit | Guard::ChildStartedAgain => {
            struck(quiet, Kind::Append, 8, Fate::CrashAfter)
        }
        // Storing the claim takes so long that its lease is nearly over.
        Guard::DeadlineInsideLease => {
            let long = with(
                &pair(quiet),
                Rig {
                    effect_ms: Some(12_000),
                    ..usual()
                },
            );
            struck(&long, Kind::Append, 6, Fate::SlowAfter(30_000))
        }
        Guard::LeaseWait => {
            vec![with(
                &pair(quiet),
                Rig {
                    effect_ms: Some(12_000),
                    ..usual()
                },
            )]
        }
        // A crash at each call, behind a claim among others.
        Guard::StableKey => {
            let crash = |number| Scenario {
                crash_at: Some(number),
                ..quiet.clone()
            };
            (1..=30).map(crash).collect()
        }
        // The worker dies while it waits for the answer; nothing but the message is left.
        Guard::ReturnOnLiveClaim => {
            let strikes = vec![(Kind::EffectEnd, 1, Fate::CrashBefore)];
            vec![with(
                quiet,
                Rig {
                    strikes,
                    sweeps: false,
                    ..usual()
                },
            )]
        }
        // As before, and whoever looks has never seen the claim.
        Guard::LeaseNote => {
            let forgetful = Scenario {
                forgetful: true,
                ..quiet.clone()
            };
            struck(&forgetful, Kind::EffectEnd, 3, Fate::CrashBefore)
        }
        // A pause between two attempts; nothing but the message that was handed on is left.
        Guard::HandOnBeforeDelete => vec![with(
            quiet,
            Rig {
                sweeps: false,
                ..usual()
            },
        )],
        // The client dies between the first commit and the message, and never comes back.
        Guard::SweepResends => {
            let strikes = vec![(Kind::Send, 1, Fate::CrashBefore)];
            vec![with(
                quiet,
                Rig {
                    strikes,
                    clients_return: false,
                    ..usual()
                },
            )]
        }
        // A guard that is new here: without a scenario of its own nothing catches it, and the test
        // that counts them says so.
        _ => Vec::new(),
    }
}

/// Guards about what people answer.
fn of_answers(guard: Guard, quiet: &Scenario) -> Vec<Scenario> {
    let rig = match guard {
        // The answer to a put is lost, so the person's client puts it again.
        Guard::InboxDedupe => {
            let strikes = vec![(Kind::PutItem, 1, Fate::AnswerLost)];
            Rig {
                strikes,
                ..Rig::default()
            }
        }
        // Somebody answers a visit of the question that is not the open one, and differently.
        _ => Rig {
            stray_answer: Some(json!(1)),
            ..Rig::default()
        },
    };
    vec![with(quiet, rig)]
}

fn with(scenario: &Scenario, rig: Rig) -> Scenario {
    Scenario {
        rig,
        ..scenario.clone()
    }
}

/// Two workers that get every message at once.
fn pair(quiet: &Scenario) -> Scenario {
    Scenario {
        workers: 2,
        traffic: Traffic::Duplicated,
        ..quiet.clone()
    }
}

/// Two workers whose calls interleave in twenty drawn orders.
fn race(quiet: &Scenario) -> Vec<Scenario> {
    let drawn = |seed| Scenario {
        seed,
        order: Order::Drawn,
        ..pair(quiet)
    };
    (1..=20).map(drawn).collect()
}

/// The same fate for the first, or the second .. call of a kind.
fn struck(quiet: &Scenario, kind: Kind, up_to: u64, fate: Fate) -> Vec<Scenario> {
    let strike = |nth| {
        let strikes = vec![(kind, nth, fate)];
        with(
            quiet,
            Rig {
                strikes,
                ..quiet.rig.clone()
            },
        )
    };
    (1..=up_to).map(strike).collect()
}

fn cancels(quiet: &Scenario) -> Vec<Scenario> {
    let cancel = |number| Scenario {
        cancel_at: Some(number),
        ..quiet.clone()
    };
    (1..=40).map(cancel).collect()
}
