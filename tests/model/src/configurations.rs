//! What is explored, and how much of it there is. The counts are part of the test: fewer states than
//! here mean that something which could happen cannot happen in the model any more.

use crate::model::{Ask, Bounds, RunModel};
use crate::programs::{calls, fan, fan_and_on, question};
use crate::world::Faults;
use lattice_ir::{JoinPolicy, Program};
use lattice_model::Guards;

/// One space.
pub struct Configuration {
    /// What it is called.
    pub name: &'static str,
    /// What runs.
    pub program: fn() -> Program,
    /// How large it is.
    pub bounds: Bounds,
    /// Its states.
    pub unique: usize,
    /// Its steps from a state to a state.
    pub generated: usize,
    /// Whether it is too large for the ordinary tests.
    pub is_large: bool,
}

impl Configuration {
    /// The model of it.
    pub fn model(&self, guards: Guards) -> Result<RunModel, String> {
        RunModel::new((self.program)(), self.bounds, guards)
    }
}

const ANY: JoinPolicy = JoinPolicy::Quorum { needed: 1 };

/// Two workers, effects chained, nothing asked for and nothing wrong.
const QUIET: Bounds = Bounds {
    workers: 2,
    faults: Faults {
        deaths: 0,
        copies: 0,
        lost_answers: 0,
        refusals: 0,
    },
    asks: &[],
    chain: 8,
    holes: false,
    repeats: false,
};

const fn faults(deaths: u8, copies: u8, lost_answers: u8, refusals: u8) -> Faults {
    Faults {
        deaths,
        copies,
        lost_answers,
        refusals,
    }
}

const fn small(
    name: &'static str,
    program: fn() -> Program,
    bounds: Bounds,
    (unique, generated): (usize, usize),
) -> Configuration {
    Configuration {
        name,
        program,
        bounds,
        unique,
        generated,
        is_large: false,
    }
}

const fn large(
    name: &'static str,
    program: fn() -> Program,
    bounds: Bounds,
    counts: (usize, usize),
) -> Configuration {
    Configuration {
        is_large: true,
        ..small(name, program, bounds, counts)
    }
}

/// Every space, the small ones first.
pub const ALL: &[Configuration] = &[
    small(
        "one call, everything goes wrong, cancelled",
        || calls(1),
        Bounds {
            faults: faults(1, 1, 1, 1),
            asks: &[Ask::Cancel],
            ..QUIET
        },
        (47_831, 138_742),
    ),
    small(
        "one call, three workers, two deaths",
        || calls(1),
        Bounds {
            workers: 3,
            faults: faults(2, 2, 0, 0),
            ..QUIET
        },
        (31_464, 120_321),
    ),
    small(
        "two calls, answers lost",
        || calls(2),
        Bounds {
            faults: faults(1, 1, 1, 0),
            holes: true,
            ..QUIET
        },
        (21_372, 70_647),
    ),
    small(
        "two calls, a message for each, cancelled",
        || calls(2),
        Bounds {
            faults: faults(1, 1, 0, 0),
            asks: &[Ask::Cancel],
            chain: 1,
            ..QUIET
        },
        (74_518, 191_229),
    ),
    small(
        "a question, answered early, in time or late",
        || question(true),
        Bounds {
            faults: faults(1, 1, 0, 0),
            asks: &[Ask::Answer],
            repeats: true,
            ..QUIET
        },
        (52_967, 137_359),
    ),
    small(
        "a question without a timer, answered and cancelled",
        || question(false),
        Bounds {
            faults: faults(1, 0, 1, 0),
            asks: &[Ask::Answer, Ask::Cancel],
            ..QUIET
        },
        (62_616, 179_812),
    ),
    small(
        "a question, answered for an older visit",
        || question(false),
        Bounds {
            faults: faults(0, 1, 1, 0),
            asks: &[Ask::OldAnswer],
            ..QUIET
        },
        (33_282, 78_584),
    ),
    small(
        "all of two branches",
        || fan(2, JoinPolicy::All),
        Bounds {
            faults: faults(1, 1, 0, 1),
            ..QUIET
        },
        (78_745, 184_949),
    ),
    small(
        "any of two branches, cancelled",
        || fan(2, ANY),
        Bounds {
            faults: faults(1, 1, 0, 0),
            asks: &[Ask::Cancel],
            ..QUIET
        },
        (104_954, 286_917),
    ),
    small(
        "any of two branches, and on",
        || fan_and_on(2, ANY),
        Bounds {
            faults: faults(0, 1, 0, 0),
            ..QUIET
        },
        (37_219, 67_068),
    ),
    small(
        "two branches or none",
        || fan(2, JoinPolicy::FailFast),
        Bounds {
            faults: faults(0, 1, 1, 1),
            ..QUIET
        },
        (44_925, 99_295),
    ),
    small(
        "any of three branches",
        || fan(3, ANY),
        Bounds {
            faults: faults(0, 1, 0, 0),
            ..QUIET
        },
        (77_850, 154_073),
    ),
    small(
        "all of three branches",
        || fan(3, JoinPolicy::All),
        Bounds {
            faults: faults(0, 1, 0, 0),
            ..QUIET
        },
        (296_658, 568_877),
    ),
    large(
        "any of three branches, one fails",
        || fan(3, ANY),
        Bounds {
            faults: faults(0, 1, 0, 1),
            ..QUIET
        },
        (360_019, 718_466),
    ),
    large(
        "any of two branches, everything goes wrong, cancelled",
        || fan(2, ANY),
        Bounds {
            faults: faults(1, 1, 1, 1),
            asks: &[Ask::Cancel],
            ..QUIET
        },
        (1_089_788, 3_364_258),
    ),
    large(
        "all of three branches, a death",
        || fan(3, JoinPolicy::All),
        Bounds {
            faults: faults(1, 1, 0, 0),
            ..QUIET
        },
        (956_826, 2_316_355),
    ),
    large(
        "any of three branches, three workers",
        || fan(3, ANY),
        Bounds {
            workers: 3,
            faults: faults(0, 2, 0, 0),
            ..QUIET
        },
        (9_089_382, 25_850_245),
    ),
    large(
        "any of four branches",
        || fan(4, ANY),
        Bounds {
            faults: faults(0, 1, 0, 0),
            ..QUIET
        },
        (1_234_192, 2_536_582),
    ),
    small(
        "four branches or none, one fails, an answer is lost",
        || fan(4, JoinPolicy::FailFast),
        Bounds {
            faults: faults(0, 0, 1, 1),
            ..QUIET
        },
        (7_562, 12_202),
    ),
    large(
        "all of four branches",
        || fan(4, JoinPolicy::All),
        Bounds {
            faults: faults(0, 1, 0, 0),
            ..QUIET
        },
        (10_251_340, 20_022_729),
    ),
    small(
        "all of four branches, a death",
        || fan(4, JoinPolicy::All),
        Bounds {
            faults: faults(1, 0, 0, 0),
            ..QUIET
        },
        (5_940, 7_725),
    ),
];

/// The space of this name.
pub fn find(name: &str) -> Result<&'static Configuration, String> {
    let found = ALL.iter().find(|one| one.name == name);
    found.ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|one| format!("`{}`", one.name)).collect();
        format!("there is no space `{name}`; expected {}", names.join(", "))
    })
}
