//! A Program and a world for every seed. The Program verifies; what it does may fail as anything may.
//!
//! What no two ways of running agree on never flows into a value here: no expression reads the
//! moment of a delay or the wording of a failure. `expressions` makes what ops compute on, `scripts`
//! what calls give and people answer, `layout` says what stands in which branch, `fans` makes splits
//! and joins, `loops` leads ways back, `maps` does some ops for each item of a list, this file makes the other ops and the ways between them.

mod expressions;
mod fans;
mod layout;
mod loops;
mod maps;
mod scripts;
#[cfg(test)]
mod tests;

use super::chance::Chance;
use super::shapes::build::{
    assign, call, choice, delay, end, equal, eval, jmespath, jsonpath, judging, program, question,
    retry, way, with_variables,
};
use super::world::{STARTED_AT, World};
use expressions::Words;
use lattice_ir::{Call, Choice, Eval, OpKind, Program, Timer, Wait};
use lattice_model::{NodeId, OpId};
use layout::Place;
use scripts::{LABELS, Script};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OPTIONS: [&str; 3] = ["Yes", "No", "Later"];
const HOUR_MS: u64 = 3_600_000;

/// How many seeds in a hundred make a Program with splits.
const SPLITS_PERCENT: usize = 40;
/// Keeps the layout's numbers apart from the others, so that a Program without splits is the same
/// whether there are any elsewhere.
const LAYOUT_SALT: u64 = 70 << 32;

/// How many seeds in a hundred make a Program for whose ways back there is a draw.
const LOOPS_PERCENT: usize = 35;
/// Keeps the draws of ways back apart from the others, for the same reason. The seeds that tests name
/// draw none, so their Programs are what they were.
const LOOPS_SALT: u64 = 445 << 32;

/// How many seeds in a hundred make a Program for whose maps there is a draw, and what keeps those
/// draws apart.
const MAPS_PERCENT: usize = 25;
const MAPS_SALT: u64 = 91 << 32;

/// The Program of the seed and its world: 3 to 20 ops, or some more with splits; some with loops.
///
/// Every call has five attempts and at most two failures before it succeeds, so up to two attempts
/// may be lost without another outcome; one that always fails may then end as
/// `attempts_exhausted`.
pub fn random_program(seed: u64) -> (Program, World) {
    let mut chance = Chance::new(seed);
    let count = 3 + chance.below(18);
    let mut layout = Chance::new(seed ^ LAYOUT_SALT);
    let places = match layout.percent(SPLITS_PERCENT) {
        true => layout::nested(&mut layout),
        false => layout::flat(count),
    };
    let count = places.len();
    let mut maker = Maker {
        chance,
        places,
        last: count - 1,
        words: Words::default(),
        ops: Vec::new(),
        passed: Vec::new(),
        scripts: BTreeMap::new(),
        answers: BTreeMap::new(),
    };
    for place in 0..count {
        let passed = maker.passed_before(place);
        maker.words.behind(passed);
        let (name, kind) = maker.op(place);
        maker.ops.push((name, kind));
        maker.passed.push(passed | 1 << place);
    }
    let mut program = maker.program(seed);
    let mut turns = Chance::new(seed ^ LOOPS_SALT);
    if turns.percent(LOOPS_PERCENT) {
        program = loops::lead_back(&mut turns, program);
        loops::answer_again(&mut turns, &program, &mut maker.answers);
    }
    let mut lists = Chance::new(seed ^ MAPS_SALT);
    if lists.percent(MAPS_PERCENT) {
        let (changed, mapped) = maps::map_some(&mut lists, program);
        program = changed;
        maps::answer_each(&mapped, &mut maker.answers);
        for one in mapped {
            if let Some(script) = maker.scripts.remove(&one.was) {
                maker.scripts.insert(one.is, script);
            }
        }
    }
    let world = World {
        answers: maker.answers,
        ..World::new(scripts::input(&mut maker.chance)).calling(scripts::player(maker.scripts))
    };
    (program, world)
}

struct Maker {
    chance: Chance,
    places: Vec<Place>,
    last: usize,
    words: Words,
    ops: Vec<(String, OpKind)>,
    /// The places on every way to each op, itself included, as bits: its dominators.
    passed: Vec<u64>,
    scripts: BTreeMap<String, Script>,
    answers: BTreeMap<NodeId, Vec<Value>>,
}

impl Maker {
    fn program(&mut self, seed: u64) -> Program {
        let ops = self.ops.iter();
        let ops = ops.map(|(name, kind)| (name.as_str(), kind.clone()));
        let program = program(&format!("random-{seed}"), ops.collect());
        let variables = json!({
            "count": self.chance.below(10),
            "tag": self.chance.pick("a", &["b", "c"]),
            "list": [1, "two", { "three": 3 }],
        });
        with_variables(program, variables)
    }

    /// The places on every way to this one. All ways to it are known, as they only lead forward.
    fn passed_before(&self, place: usize) -> u64 {
        let ops = self.ops.iter().zip(&self.passed);
        let from = ops.filter(|((_, kind), _)| {
            let mut targets = kind.targets().into_iter();
            targets.any(|target| target.index() == place)
        });
        from.map(|(_, passed)| *passed)
            .reduce(|all, one| all & one)
            .unwrap_or(0)
    }

    fn op(&mut self, place: usize) -> (String, OpKind) {
        if place == self.last {
            return (format!("n{place}"), self.end());
        }
        if let Some(made) = self.of_role(place) {
            return made;
        }
        if let Some(chosen) = self.choice_of_question(place) {
            return chosen;
        }
        let name = format!("n{place}");
        let kind = match self.chance.below(100) {
            0..30 => self.call(&name, place),
            30..45 => self.eval(&name, place),
            45..60 => self.assign(&name, place),
            60..76 => self.choice(&name, place),
            76..84 => self.delay(&name, place),
            84..96 => self.question(&name, place),
            _ if self.places.get(place).is_some_and(|place| place.is_inside) => {
                self.eval(&name, place)
            }
            _ => self.end(),
        };
        (name, kind)
    }

    /// Somewhere further on, mostly the next op.
    fn ahead(&mut self, place: usize) -> u32 {
        let ahead = self.places.get(place).map_or(&[][..], |place| &place.ahead);
        let step = match self.chance.percent(80) {
            true => 0,
            false => self.chance.below(ahead.len()),
        };
        ahead.get(step).copied().unwrap_or(u32::MAX)
    }

    fn maybe_ahead(&mut self, place: usize, percent: usize) -> Option<OpId> {
        let to = self.ahead(place);
        self.chance.percent(percent).then_some(OpId(to))
    }

    fn template(&mut self) -> String {
        self.words.template(&mut self.chance)
    }

    fn end(&mut self) -> OpKind {
        end(self.words.value(&mut self.chance))
    }

    fn call(&mut self, name: &str, place: usize) -> OpKind {
        let prompt = self.template();
        let script = Script::random(&mut self.chance);
        let plain = call(&prompt, self.ahead(place));
        let call = Call {
            on_error: self.maybe_ahead(place, 45),
            on_timeout: self.maybe_ahead(place, 30),
            retry: retry(5),
            timeout_ms: 1_000 * (1 + self.chance.below(600)) as u64,
            ..match script.is_json() {
                true => judging(plain, &LABELS),
                false => plain,
            }
        };
        self.scripts.insert(name.to_owned(), script);
        let caught = call.on_error.is_some() || call.on_timeout.is_some();
        self.words.give(name, place, caught);
        OpKind::Call(call)
    }

    fn eval(&mut self, name: &str, place: usize) -> OpKind {
        let to = self.ahead(place);
        let plain = match self.chance.below(5) {
            0 => jmespath(json!("{{in.items}}"), "[?n > `2`].n", to),
            1 => jmespath(self.words.value(&mut self.chance), "length(@)", to),
            2 => jsonpath(json!("{{in}}"), "$.items[*].n", to),
            _ => eval(self.words.value(&mut self.chance), to),
        };
        let eval = Eval {
            fallback: self.chance.percent(30).then(|| json!({ "fell": "back" })),
            on_error: self.maybe_ahead(place, 50),
            ..plain
        };
        self.words.give(name, place, eval.on_error.is_some());
        OpKind::Eval(eval)
    }

    fn assign(&mut self, name: &str, place: usize) -> OpKind {
        let variable = self.chance.pick("count", &["tag", "extra", "list"]);
        if self.chance.percent(15) {
            // A delete gives its node no output, so nothing reads it.
            return assign(variable, None, self.ahead(place));
        }
        let value = self.words.value(&mut self.chance);
        self.words.give(name, place, false);
        assign(variable, Some(value), self.ahead(place))
    }

    fn choice(&mut self, name: &str, place: usize) -> OpKind {
        let mut arms = Vec::new();
        for arm in 0..=self.chance.below(4) {
            let to = self.ahead(place);
            arms.push(self.words.arm(&mut self.chance, arm, to));
        }
        let otherwise = way("default", self.ahead(place));
        let made = Choice {
            otherwise: self.chance.percent(85).then_some(otherwise),
            on_error: self.maybe_ahead(place, 50),
            keeps_port: self.chance.percent(70),
            ..choice(arms)
        };
        if made.keeps_port {
            self.words.give(name, place, made.on_error.is_some());
        }
        OpKind::Choice(made)
    }

    /// The choice between the options of the question just before, as a part of the same node.
    fn choice_of_question(&mut self, place: usize) -> Option<(String, OpKind)> {
        let before = place.checked_sub(1)?;
        let (node, kind) = self.ops.get(before)?;
        let OpKind::Wait(wait) = kind else {
            return None;
        };
        let options = wait.question.as_ref()?.options.len();
        if wait.on_answer?.index() != place || options == 0 {
            return None;
        }
        let (name, target) = (
            format!("{node}.choice"),
            format!("{{{{nodes.{node}.output.option}}}}"),
        );
        let mut arms = Vec::new();
        for option in 0..options {
            let port = format!("branch-{option}");
            let to = self.ahead(place);
            arms.push(equal(&target, json!(option), &port, to));
        }
        let chosen = Choice {
            keeps_port: false,
            ..choice(arms)
        };
        Some((name, OpKind::Choice(chosen)))
    }

    fn timer(&mut self) -> Timer {
        let hours = self.chance.below(80) as u64 * HOUR_MS;
        match self.chance.below(6) {
            0 => Timer::Until(STARTED_AT.plus(hours).rfc3339()),
            1 => Timer::Until("{{in.moment}}".to_owned()),
            2 => Timer::After(self.chance.below(2_000) as u64),
            _ => Timer::After(hours),
        }
    }

    fn delay(&mut self, name: &str, place: usize) -> OpKind {
        let plain = delay(self.timer(), self.ahead(place));
        let wait = Wait {
            on_error: self.maybe_ahead(place, 30),
            ..plain
        };
        if wait.on_error.is_some() {
            self.words.give(name, place, true);
        }
        OpKind::Wait(wait)
    }

    fn question(&mut self, name: &str, place: usize) -> OpKind {
        let options = self
            .chance
            .pick(&OPTIONS[..0], &[&OPTIONS[..2], &OPTIONS[..]]);
        let plain = question(&self.template(), options, self.ahead(place));
        // An hour at least, so that answers which come at once come before it.
        let timer = Timer::After((1 + self.chance.below(80)) as u64 * HOUR_MS);
        let timer = self.chance.percent(50).then_some(timer);
        let wait = Wait {
            on_timer: timer.as_ref().map(|_| OpId(self.ahead(place))),
            on_error: self.maybe_ahead(place, 60),
            timer,
            ..plain
        };
        let answers = scripts::answers(&mut self.chance, options);
        self.answers.insert(NodeId::new(name), answers);
        self.words.give(name, place, wait.on_error.is_some());
        OpKind::Wait(wait)
    }
}
