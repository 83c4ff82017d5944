//! Changes of Programs, for whoever plants a wrong meaning.

use lattice_ir::{
    Call, Choice, Eval, Join, JoinPolicy, Map, Merge, OpKind, Program, Split, Wait, Way,
};

pub fn maps(program: &mut Program, change: impl Fn(&mut Map)) {
    for op in &mut program.ops {
        if let OpKind::Map(map) = &mut op.kind {
            change(map);
        }
    }
}

/// Changes a list that is written down.
pub fn items(program: &mut Program, change: impl Fn(&mut Vec<serde_json::Value>)) {
    maps(program, |map| {
        if let serde_json::Value::Array(items) = &mut map.items {
            change(items);
        }
    });
}

pub fn joins(program: &mut Program, mut change: impl FnMut(&mut Join)) {
    for op in &mut program.ops {
        if let OpKind::Join(join) = &mut op.kind {
            change(join);
        }
    }
}

pub fn merge(program: &mut Program, merge: Merge) {
    joins(program, |join| join.merge = merge);
}

pub fn quorum(program: &mut Program, needed: u32) {
    joins(program, |join| join.policy = JoinPolicy::Quorum { needed });
}

pub fn splits(program: &mut Program, change: impl Fn(&mut Split)) {
    for op in &mut program.ops {
        if let OpKind::Split(split) = &mut op.kind {
            change(split);
        }
    }
}

pub fn choices(program: &mut Program, change: impl Fn(&mut Choice)) {
    for op in &mut program.ops {
        if let OpKind::Choice(choice) = &mut op.kind {
            change(choice);
        }
    }
}

pub fn calls(program: &mut Program, mut change: impl FnMut(&mut Call)) {
    for op in &mut program.ops {
        if let OpKind::Call(call) = &mut op.kind {
            change(call);
        }
    }
}

pub fn evals(program: &mut Program, change: impl Fn(&mut Eval)) {
    for op in &mut program.ops {
        if let OpKind::Eval(eval) = &mut op.kind {
            change(eval);
        }
    }
}

pub fn waits(program: &mut Program, change: impl Fn(&mut Wait)) {
    for op in &mut program.ops {
        if let OpKind::Wait(wait) = &mut op.kind {
            change(wait);
        }
    }
}

/// Where a condition led one way, it leads the other.
pub fn invert(program: &mut Program) {
    choices(program, |choice| {
        if let (Some(arm), Some(Way { to, .. })) =
            (choice.arms.first_mut(), choice.otherwise.as_mut())
        {
            std::mem::swap(&mut arm.way.to, to);
        }
    });
}
