//! Faults that are planted in the expanded template, to show that each assertion notices its own.

use crate::template::Template;
use serde_json::Value;

/// What is done to the template.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// This JSON is put at the pointer, which has to be there.
    Set(&'static str, &'static str),
    /// This JSON is added: to a list at its end, to an object under the last part of the pointer.
    Add(&'static str, &'static str),
    /// What stands at the pointer is taken out.
    Remove(&'static str),
    /// Every resource of the type loses what it has under the name.
    Strip(&'static str, &'static str),
}

/// A fault, and the assertion that has to notice it.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The assertion.
    pub assertion: &'static str,
    /// What was planted.
    pub says: &'static str,
    /// How.
    pub change: Change,
}

/// The template with the fault in it; an error if there is no place for it.
pub fn plant(template: &Template, fault: &Fault) -> Result<Template, String> {
    let mut root = template.root.clone();
    let done = match fault.change {
        Change::Set(pointer, json) => set(&mut root, pointer, json),
        Change::Add(pointer, json) => add(&mut root, pointer, json),
        Change::Remove(pointer) => remove(&mut root, pointer),
        Change::Strip(kind, name) => strip(&mut root, kind, name),
    };
    match done {
        Some(()) => Ok(Template { root }),
        None => Err(format!(
            "{}: no place for `{}`",
            fault.assertion, fault.says
        )),
    }
}

fn set(root: &mut Value, pointer: &str, json: &str) -> Option<()> {
    let place = root.pointer_mut(pointer)?;
    *place = serde_json::from_str(json).ok()?;
    Some(())
}

fn add(root: &mut Value, pointer: &str, json: &str) -> Option<()> {
    let value: Value = serde_json::from_str(json).ok()?;
    if let Some(list) = root.pointer_mut(pointer).and_then(Value::as_array_mut) {
        list.push(value);
        return Some(());
    }
    let (above, last) = pointer.rsplit_once('/')?;
    let map = root.pointer_mut(above)?.as_object_mut()?;
    map.insert(last.replace("~1", "/"), value);
    Some(())
}

fn remove(root: &mut Value, pointer: &str) -> Option<()> {
    let (above, last) = pointer.rsplit_once('/')?;
    let last = last.replace("~1", "/");
    match root.pointer_mut(above)? {
        Value::Object(map) => map.remove(&last).map(drop),
        Value::Array(list) => {
            let at: usize = last.parse().ok()?;
            (at < list.len()).then(|| drop(list.remove(at)))
        }
        _ => None,
    }
}

fn strip(root: &mut Value, kind: &str, name: &str) -> Option<()> {
    let resources = root["Resources"].as_object_mut()?;
    let of_kind = resources.values_mut().filter(|one| one["Type"] == kind);
    let stripped = of_kind
        .filter_map(|one| one.as_object_mut()?.remove(name))
        .count();
    (stripped > 0).then_some(())
}

/// What comes of all faults: how many were noticed, of how many, and a line for each that was not.
pub fn noticed(template: &Template) -> (usize, usize, Vec<String>) {
    let mut missed = Vec::new();
    let all = crate::planted::all();
    for fault in &all {
        let complaints = match plant(template, fault) {
            Ok(faulty) => crate::assertions::complaints(&faulty),
            Err(error) => {
                missed.push(error);
                continue;
            }
        };
        let own = format!("{}: ", fault.assertion);
        if !complaints.iter().any(|one| one.starts_with(&own)) {
            missed.push(format!(
                "{} does not notice: {}",
                fault.assertion, fault.says
            ));
        }
    }
    (all.len() - missed.len(), all.len(), missed)
}
