//! Gathers the values that an expression refers to, and nothing else.

use crate::input::DecideError;
use crate::ops;
use crate::scratch::Scratch;
use lattice_expr::{Reference, Root, Scope, Segment};
use lattice_journal::ValueRef;
use lattice_model::{BranchId, Hash, NodeId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The values that an op's expressions refer to.
pub(crate) struct Values {
    input: Value,
    variables: BTreeMap<String, Value>,
    nodes: BTreeMap<String, Value>,
    run: Value,
    item: Option<Value>,
    index: Option<u64>,
}

impl Values {
    /// Gathers them; asks for every blob that is missing at once.
    pub fn gather(
        scratch: &Scratch<'_>,
        branch: Option<&BranchId>,
        references: &[&Reference],
    ) -> Result<Self, DecideError> {
        let state = &scratch.state;
        let mut gather = Gather {
            scratch,
            missing: Vec::new(),
        };
        let mut values = Self {
            input: Value::Null,
            variables: BTreeMap::new(),
            nodes: BTreeMap::new(),
            run: json!({
                "id": scratch.input.run,
                "workflow": state.workflow,
                "startedAt": state.started_at,
            }),
            item: None,
            index: state.item_around(branch).map(|item| u64::from(item.index)),
        };
        for reference in references {
            let name = match reference.path.first() {
                Some(Segment::Key(name)) => Some(name.as_str()),
                _ => None,
            };
            match reference.root {
                Root::Input => {
                    if values.input.is_null() {
                        values.input = gather.one(&state.input).unwrap_or_default();
                    }
                }
                Root::Vars => match name {
                    Some(name) => {
                        let value = state.variable(branch, name);
                        gather.named(name, value, &mut values.variables);
                    }
                    None => {
                        let all = state.variables_seen(branch);
                        gather.all(all.into_iter(), &mut values.variables);
                    }
                },
                Root::Nodes => match name {
                    Some(name) => {
                        let output = state.output(branch, &NodeId::new(name));
                        gather.named(name, output, &mut values.nodes);
                    }
                    None => {
                        let all = state.outputs_seen(branch);
                        let all = all.into_iter().map(|(id, value)| (id.as_str(), value));
                        gather.all(all, &mut values.nodes);
                    }
                },
                Root::Item => match ops::map::item_value(scratch, branch) {
                    Ok(item) => values.item = item,
                    Err(DecideError::NeedBlobs(missing)) => gather.missing.extend(missing),
                    Err(error) => return Err(error),
                },
                Root::Run | Root::Secret | Root::Index => {}
            }
        }
        if gather.missing.is_empty() {
            return Ok(values);
        }
        Err(DecideError::NeedBlobs(gather.missing))
    }

    /// The scope to evaluate in.
    pub fn scope(&self) -> Scope<'_> {
        Scope {
            input: &self.input,
            vars: &self.variables,
            nodes: &self.nodes,
            run: &self.run,
            item: self.item.as_ref(),
            index: self.index,
        }
    }
}

struct Gather<'a, 'b> {
    scratch: &'a Scratch<'b>,
    missing: Vec<Hash>,
}

impl Gather<'_, '_> {
    fn one(&mut self, reference: &ValueRef) -> Option<Value> {
        match self.scratch.value(reference) {
            Ok(value) => Some((*value).clone()),
            Err(hash) => {
                self.missing.push(hash);
                None
            }
        }
    }

    fn named(
        &mut self,
        name: &str,
        reference: Option<&ValueRef>,
        into: &mut BTreeMap<String, Value>,
    ) {
        if into.contains_key(name) {
            return;
        }
        if let Some(value) = reference.and_then(|reference| self.one(reference)) {
            into.insert(name.to_owned(), value);
        }
    }

    /// All of them, where the name is known only when the expression runs.
    fn all<'c>(
        &mut self,
        all: impl Iterator<Item = (impl AsRef<str> + 'c, &'c ValueRef)>,
        into: &mut BTreeMap<String, Value>,
    ) {
        for (name, reference) in all {
            self.named(name.as_ref(), Some(reference), into);
        }
    }
}
