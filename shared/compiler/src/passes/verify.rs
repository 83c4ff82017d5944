//! The last check: what the compiler made must hold as a Program.

use crate::codes;
use crate::problems::Problems;
use lattice_document::Problem;
use lattice_ir::Program;

/// See the head of the file.
pub fn check(program: &Program, problems: &mut Problems) {
    let Err(errors) = lattice_ir::verify(program) else {
        return;
    };
    for error in errors {
        let problem = Problem::error(codes::DEFECT, "", error.to_string());
        problems.add(problem.help("this is a defect of the compiler: please report it"));
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::codes;
    use crate::pointers::Pointers;
    use crate::problems::Problems;
    use lattice_document::Shape;
    use lattice_ir::{IR_VERSION, Program};
    use lattice_model::{OpId, WorkflowId};
    use std::collections::BTreeMap;

    #[test]
    fn a_program_that_does_not_verify_is_reported_as_a_defect() {
        let program = Program {
            ir_version: IR_VERSION,
            workflow: WorkflowId::new("w"),
            name: "w".to_owned(),
            input: None,
            variables: BTreeMap::new(),
            lifetime_ms: 1,
            budget: None,
            concurrency: None,
            entry: OpId(0),
            triggers: Vec::new(),
            ops: Vec::new(),
            nodes: BTreeMap::new(),
        };
        let mut problems = Problems::new(Pointers::new(Shape::Current));
        check(&program, &mut problems);
        let found = problems.finish();
        assert!(!found.is_empty() && found.iter().all(|one| one.code == codes::DEFECT));
    }
}
