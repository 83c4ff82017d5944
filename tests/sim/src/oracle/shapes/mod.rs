//! The shelf of shapes: small Programs made by hand, each with a world and each for one thing that
//! a run can do. What each comes to is written down in `tests`.

mod batches;
mod branches;
mod budgets;
pub mod build;
mod calls;
mod choices;
mod families;
mod kin;
mod limits;
mod loops;
mod maps;
mod merges;
#[cfg(test)]
mod tests;
mod values;
mod waits;

use super::world::World;
use lattice_ir::Program;

/// A Program and a world for it.
pub struct Shape {
    /// What it is asked for by.
    pub name: &'static str,
    /// The Program.
    pub program: Program,
    /// The Programs that it calls, and that those call.
    pub below: Vec<Program>,
    /// Makes the world; the same one each time.
    pub world: fn() -> World,
    /// What to look at, and where a fault may lead to another outcome than the oracle's.
    pub notes: &'static str,
    /// Whether the answers have to be there before their questions are asked, and not only after.
    pub answers_early: bool,
    /// Whether a run works on megabytes, so that one does not want thousands of them.
    pub heavy: bool,
}

impl Shape {
    fn new(name: &'static str, program: Program, world: fn() -> World) -> Self {
        Self {
            name,
            program,
            below: Vec::new(),
            world,
            notes: "",
            answers_early: false,
            heavy: false,
        }
    }

    fn calling(self, below: impl IntoIterator<Item = Program>) -> Self {
        let below = below.into_iter().collect();
        Self { below, ..self }
    }

    fn noted(self, notes: &'static str) -> Self {
        Self { notes, ..self }
    }
}

/// Every shape.
pub fn shapes() -> Vec<Shape> {
    let all = [
        calls::shapes(),
        choices::shapes(),
        values::shapes(),
        waits::shapes(),
        branches::shapes(),
        merges::shapes(),
        loops::shapes(),
        families::shapes(),
        kin::shapes(),
        maps::shapes(),
        batches::shapes(),
        budgets::shapes(),
        limits::shapes(),
    ];
    all.into_iter().flatten().collect()
}
