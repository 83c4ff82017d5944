//! Faults planted into exported files: which of them the client's own check notices, which `skills-ref`
//! does, and what our export does with a document that asks for the same fault.

use crate::Failure;
use crate::documents::{chain, document};
use crate::place::{Place, write};
use lattice_export::{Target, export};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// What our export has to do.
#[derive(Clone, Copy, PartialEq)]
enum Ours {
    /// Problems and no file.
    Refuses,
    /// A warning that holds this text.
    Warns(&'static str),
    /// Files, in none of which this text stands.
    NeverWrites(&'static str),
}

struct Fault {
    name: &'static str,
    target: Target,
    path: &'static str,
    plant: fn(&str) -> String,
    ours: Ours,
    /// Settings of the sub-agent, the skill or the MCP tool that ask for the fault.
    asks: fn() -> Value,
}

fn agent(settings: Value) -> Value {
    let mut all = json!({"name": "reviewer", "description": "d", "prompt": "p"});
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), settings) {
        all.extend(more);
    }
    json!({"id": "a", "type": "subAgent", "label": "A", "settings": all})
}

fn skill(name: &str, description: &str) -> Value {
    json!({"id": "s", "type": "skill", "settings": {
        "name": name, "description": description, "instructions": "Write."}})
}

/// The text with every line that begins so replaced.
fn line(text: &str, start: &str, new: &str) -> String {
    let lines = text
        .lines()
        .map(|line| if line.starts_with(start) { new } else { line });
    lines.map(|line| format!("{line}\n")).collect()
}

const CLAUDE: &str = ".claude/agents/reviewer.md";
const OPENCODE: &str = ".opencode/agents/reviewer.md";
const COPILOT: &str = ".github/agents/reviewer.agent.md";

const FAULTS: &[Fault] = &[
    Fault {
        name: "a colon in YAML without quotes",
        target: Target::ClaudeCode,
        path: CLAUDE,
        plant: |it| line(it, "description:", "description: Step: one"),
        ours: Ours::NeverWrites("description: Step: one"),
        asks: || agent(json!({"description": "Step: one"})),
    },
    Fault {
        name: "`---` inside the front matter",
        target: Target::ClaudeCode,
        path: ".claude/skills/house-style/SKILL.md",
        plant: |it| line(it, "description:", "description: \"one --- two\""),
        ours: Ours::NeverWrites("one --- two\""),
        asks: || skill("house-style", "one --- two"),
    },
    Fault {
        name: "broken TOML",
        target: Target::Codex,
        path: ".codex/agents/reviewer.toml",
        plant: |it| format!("{it}x = [\n"),
        ours: Ours::NeverWrites("\nx = [\n"),
        asks: || agent(json!({"prompt": "\"\"\"\nx = [\n"})),
    },
    Fault {
        name: "a tool that does not exist",
        target: Target::ClaudeCode,
        path: CLAUDE,
        plant: |it| line(it, "tools:", "tools: \"Telepathy\""),
        ours: Ours::Warns("Telepathy"),
        asks: || agent(json!({"tools": ["Telepathy"]})),
    },
    Fault {
        name: "a model that does not exist",
        target: Target::OpenCode,
        path: OPENCODE,
        plant: |it| line(it, "mode:", "mode: subagent\nmodel: no-such"),
        ours: Ours::Warns("no-such"),
        asks: || agent(json!({"model": "no-such"})),
    },
    Fault {
        name: "capitals in a name",
        target: Target::OpenCode,
        path: ".opencode/skills/house-style/SKILL.md",
        plant: |it| line(it, "name:", "name: \"House-Style\""),
        ours: Ours::NeverWrites("name: \"House-Style\""),
        asks: || skill("House-Style", "d"),
    },
    Fault {
        name: "no description",
        target: Target::Copilot,
        path: COPILOT,
        plant: |it| line(it, "description:", "x: y"),
        ours: Ours::NeverWrites("description: \"\""),
        asks: || agent(json!({"description": ""})),
    },
    Fault {
        name: "a description over 1,024",
        target: Target::Codex,
        path: ".agents/skills/house-style/SKILL.md",
        plant: |it| {
            line(
                it,
                "description:",
                &format!("description: \"{}\"", "xy".repeat(600)),
            )
        },
        ours: Ours::NeverWrites(LONG),
        asks: || skill("house-style", LONG),
    },
    Fault {
        name: "an agent's text over 30,000",
        target: Target::Copilot,
        path: COPILOT,
        plant: |it| format!("{it}{}", "x".repeat(30_001)),
        ours: Ours::Refuses,
        asks: || agent(json!({"prompt": "x".repeat(30_001)})),
    },
    Fault {
        name: "a word that is no permission",
        target: Target::OpenCode,
        path: "opencode.json",
        plant: |it| it.replace("\"allow\"", "\"perhaps\""),
        ours: Ours::Refuses,
        asks: || {
            json!({"id": "m", "type": "mcp", "settings": {"serverId": "web", "toolName": "open",
            "server": {"command": ["x"]}, "permission": "perhaps"}})
        },
    },
    Fault {
        name: "broken JSON in settings",
        target: Target::ClaudeCode,
        path: ".claude/settings.json",
        plant: |it| format!("{it}{{"),
        ours: Ours::NeverWrites("a\"}{"),
        asks: || {
            json!({"id": "m", "type": "mcp", "settings": {"serverId": "web", "toolName": "a\"}{",
            "server": {"command": ["x"]}, "permission": "allow"}})
        },
    },
    Fault {
        name: "a `mode` that does not exist",
        target: Target::OpenCode,
        path: OPENCODE,
        plant: |it| line(it, "mode:", "mode: \"helper\""),
        ours: Ours::NeverWrites("mode: \"helper\""),
        asks: || agent(json!({"name": "helper", "description": "mode: helper"})),
    },
    Fault {
        name: "a skill in a file of its own",
        target: Target::ClaudeCode,
        path: ".claude/skills/house-style.md",
        plant: |_| "---\nname: house-style\n---\nx\n".to_owned(),
        ours: Ours::NeverWrites("skills/house-style.md"),
        asks: || skill("house-style.md", "d"),
    },
    Fault {
        name: "a name that the client keeps",
        target: Target::Codex,
        path: ".codex/agents/reviewer.toml",
        plant: |it| line(it, "name =", "name = \"worker\""),
        ours: Ours::Refuses,
        asks: || agent(json!({"name": "worker"})),
    },
];

/// Longer than a description may be.
const LONG: &str = const {
    match std::str::from_utf8(&[b'x'; 1_025]) {
        Ok(text) => text,
        Err(_) => "",
    }
};

/// Plants each fault, and says who noticed. The second part: the faults that we missed.
pub async fn plant(
    targets: &[Target],
    tools: &Path,
    skills: &Path,
    model: &str,
    clean: &lattice_document::Document,
) -> Result<(Value, Vec<&'static str>), Failure> {
    let (mut rows, mut missed) = (Vec::new(), Vec::new());
    for fault in FAULTS
        .iter()
        .filter(|fault| targets.contains(&fault.target))
    {
        let made = export(clean, fault.target).map_err(|problems| format!("{problems:?}"))?;
        let client = notices(fault, tools, skills, model, &made.files).await?;
        let ours = ours(fault)?;
        if !ours {
            missed.push(fault.name);
        }
        let how = match fault.ours {
            Ours::Refuses => "refused",
            Ours::Warns(_) => "warned of",
            Ours::NeverWrites(_) => "never written",
        };
        let (client, skills_ref) = client;
        rows.push(
            json!({"fault": fault.name, "client": fault.target.word(), "noticedByClient": client,
            "noticedBySkillsRef": skills_ref, "ours": if ours { how } else { "MISSED" }}),
        );
    }
    Ok((Value::from(rows), missed))
}

fn ours(fault: &Fault) -> Result<bool, Failure> {
    let mut value = chain(&[(fault.asks)()]);
    value["id"] = json!("asks");
    let made = export(&document(&value)?, fault.target);
    Ok(match (fault.ours, made) {
        (Ours::Refuses, Err(problems)) => problems.iter().any(lattice_document::Problem::is_error),
        (Ours::Warns(text), Ok(made)) => made.warnings.iter().any(|one| one.lost.contains(text)),
        (Ours::NeverWrites(text), Ok(made)) => !made.files.iter().any(|(path, bytes)| {
            // The steps are read as they are, and hold every text.
            let is_read = fault.name.starts_with("broken TOML") || path.ends_with("WORKFLOW.md");
            let content = String::from_utf8_lossy(bytes);
            let is_toml = path.ends_with(".toml") && content.parse::<toml::Table>().is_err();
            is_toml || path.ends_with(text) || (!is_read && content.contains(text))
        }),
        _ => false,
    })
}

/// Whether the client's own check notices, and whether `skills-ref` does, which reads skills only.
async fn notices(
    fault: &Fault,
    tools: &Path,
    skills: &Path,
    model: &str,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(bool, Option<bool>), Failure> {
    let place = Place::new(fault.target, tools, model, files).await?;
    let path = place.project().join(fault.path);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    write(&path, (fault.plant)(&before).as_bytes())?;
    let said = match fault.target {
        Target::ClaudeCode => {
            let plugin = json!({"name": "x", "version": "1.0.0", "description": "x", "author": {"name": "x"}});
            let manifest = place.project().join(".claude/.claude-plugin/plugin.json");
            write(&manifest, plugin.to_string().as_bytes())?;
            place
                .run(&["plugin", "validate", "--strict", ".claude"])
                .await?
        }
        Target::Codex => place.run(&["exec", "--strict-config", "hello"]).await?,
        Target::OpenCode => place.run(&["debug", "agent", "reviewer"]).await?,
        Target::Copilot => {
            place
                .run(&["--trust-folder", "-p", "hello", "--agent", "reviewer"])
                .await?
        }
    };
    let stem = Path::new(fault.path)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let client = !said.is_ok || said.err.contains(&stem);
    if !fault.path.contains("skills/") {
        return Ok((client, None));
    }
    let folder = path.parent().unwrap_or(&path).display().to_string();
    let folder = if fault.path.ends_with("SKILL.md") {
        folder
    } else {
        path.display().to_string()
    };
    let checked = place
        .run_other(&skills.join("agentskills"), &["validate", &folder])
        .await?;
    Ok((client, Some(!checked.is_ok)))
}

/// The table for people.
pub fn text(rows: &Value) -> String {
    let word = |value: &Value| match value.as_bool() {
        Some(true) => "noticed",
        Some(false) => "not noticed",
        None => "-",
    };
    let rows = rows.as_array().into_iter().flatten().map(|row| {
        let (fault, client) = (row["fault"].as_str(), row["client"].as_str());
        format!(
            "| {} | {} | {} | {} | {} |\n",
            fault.unwrap_or_default(),
            client.unwrap_or_default(),
            word(&row["noticedByClient"]),
            word(&row["noticedBySkillsRef"]),
            row["ours"].as_str().unwrap_or_default(),
        )
    });
    let head =
        "| fault | client | its own check | skills-ref | our export |\n|---|---|---|---|---|\n";
    format!("{head}{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{FAULTS, ours};

    #[test]
    fn our_export_lets_no_planted_fault_through() {
        let missed = FAULTS.iter().filter(|fault| !ours(fault).unwrap());
        let missed: Vec<_> = missed.map(|fault| fault.name).collect();
        assert_eq!(missed, Vec::<&str>::new());
    }
}
