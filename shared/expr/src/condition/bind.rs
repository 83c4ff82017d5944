//! Gives a condition its values: only the parts of the scope that it mentions become CEL values.

use super::scan::INPUT;
use crate::error::ExprError;
use crate::reference::{Reference, Root, Segment};
use crate::scope::Scope;
use crate::weight::check_depth;
use cel::Context;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use serde_json::Value;
use std::collections::BTreeMap;

type Boxed<'v> = Box<dyn Val + 'v>;

/// The paths a condition reads, as a tree for each root.
#[derive(Debug, Default)]
pub(super) struct Mentions(BTreeMap<Root, Mention>);

/// What is read of one value: all of it, or only some of its fields.
#[derive(Debug, Default)]
struct Mention {
    whole: bool,
    fields: BTreeMap<String, Mention>,
}

impl Mentions {
    pub(super) fn of(references: &[Reference]) -> Self {
        let mut mentions = Self::default();
        for reference in references {
            mentions
                .0
                .entry(reference.root)
                .or_default()
                .add(&reference.path);
        }
        mentions
    }

    /// Binds every root that is mentioned and has a value.
    pub(super) fn bind<'v>(
        &self,
        scope: &Scope<'v>,
        context: &mut Context<'_, 'v>,
    ) -> Result<(), ExprError> {
        for (root, mention) in &self.0 {
            let value = match root {
                Root::Input => Some(convert(scope.input, mention, 1)?),
                Root::Run => Some(convert(scope.run, mention, 1)?),
                Root::Item => scope
                    .item
                    .map(|item| convert(item, mention, 1))
                    .transpose()?,
                Root::Index => scope.index.map(number),
                Root::Vars => Some(variables(scope, mention)?),
                Root::Nodes => Some(nodes(scope, mention)?),
                Root::Secret => None,
            };
            if let Some(value) = value {
                let name = if *root == Root::Input {
                    INPUT
                } else {
                    root.name()
                };
                context.add_variable_as_val(name, value);
            }
        }
        Ok(())
    }
}

static WHOLE: Mention = Mention {
    whole: true,
    fields: BTreeMap::new(),
};

impl Mention {
    fn add(&mut self, path: &[Segment]) {
        match path.split_first() {
            Some((Segment::Key(key), rest)) => {
                self.fields.entry(key.clone()).or_default().add(rest);
            }
            // Below a list everything is read: an index says little about the others.
            Some((Segment::Index(_), _)) | None => self.whole = true,
        }
    }

    /// What is read of one field, if anything.
    fn field(&self, key: &str) -> Option<&Self> {
        if self.whole {
            Some(&WHOLE)
        } else {
            self.fields.get(key)
        }
    }
}

fn variables<'v>(scope: &Scope<'v>, mention: &Mention) -> Result<Boxed<'v>, ExprError> {
    let wanted = scope
        .vars
        .iter()
        .filter_map(|(name, value)| mention.field(name).map(|field| (name, value, field)));
    map_of(wanted.map(|(name, value, field)| Ok((name.as_str(), convert(value, field, 1)?))))
}

fn nodes<'v>(scope: &Scope<'v>, mention: &Mention) -> Result<Boxed<'v>, ExprError> {
    let wanted = scope
        .nodes
        .iter()
        .filter_map(|(id, value)| mention.field(id).map(|field| (id, value, field)));
    map_of(wanted.map(|(id, value, node)| {
        let output = node
            .field("output")
            .map(|field| Ok(("output", convert(value, field, 1)?)));
        Ok((id.as_str(), map_of(output.into_iter())?))
    }))
}

/// The value with only what is mentioned of it. A value that is no object is taken whole, so that a
/// wrong path fails on its real type.
fn convert<'v>(value: &'v Value, mention: &Mention, depth: usize) -> Result<Boxed<'v>, ExprError> {
    check_depth(depth)?;
    Ok(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(digits) => match (digits.as_i64(), digits.as_u64(), digits.as_f64()) {
            (Some(whole), _, _) => Box::new(CelInt::from(whole)),
            (None, Some(large), _) => Box::new(CelUInt::from(large)),
            (None, None, broken) => Box::new(CelDouble::from(broken.unwrap_or(f64::NAN))),
        },
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(items) => {
            let items = items.iter().map(|item| convert(item, &WHOLE, depth + 1));
            Box::new(CelList::from(items.collect::<Result<Vec<_>, _>>()?))
        }
        Value::Object(fields) => {
            let wanted = fields
                .iter()
                .filter_map(|(key, value)| mention.field(key).map(|field| (key, value, field)));
            map_of(
                wanted.map(|(key, value, field)| {
                    Ok((key.as_str(), convert(value, field, depth + 1)?))
                }),
            )?
        }
    })
}

fn map_of<'v>(
    entries: impl Iterator<Item = Result<(&'v str, Boxed<'v>), ExprError>>,
) -> Result<Boxed<'v>, ExprError> {
    // The map that CEL wants has no order; `meter` gives the loops of a condition its sorted keys.
    let mut map = CelMap::default().into_inner();
    for entry in entries {
        let (key, value) = entry?;
        map.insert(CelMapKey::from(key), value);
    }
    Ok(Box::new(CelMap::from(map)))
}

fn number<'v>(value: u64) -> Boxed<'v> {
    match i64::try_from(value) {
        Ok(small) => Box::new(CelInt::from(small)),
        Err(_) => Box::new(CelUInt::from(value)),
    }
}
