//! The real coding agents, each at a pinned version, installed when `cargo xtask clients` asks for them:
//! they are more than a gigabyte, so that no lane needs them.

use crate::tools::{succeed, target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folder, package, version.
const CLIENTS: [(&str, &str, &str); 4] = [
    ("claude-code", "@anthropic-ai/claude-code", "2.1.330"),
    ("codex", "@openai/codex", "0.169.0"),
    ("opencode", "opencode-ai", "1.18.33"),
    ("copilot", "@github/copilot", "1.0.102"),
];

/// Makes sure that the clients are there, or the one that is asked for. Gives the folder they are in.
pub fn ensure(root: &Path, only: Option<&str>) -> Result<PathBuf, String> {
    let home = target(root).join("tools").join("clients");
    if let Some(word) = only.filter(|word| CLIENTS.iter().all(|(name, ..)| name != word)) {
        let names: Vec<_> = CLIENTS.iter().map(|(name, ..)| *name).collect();
        return Err(format!(
            "there is no client `{word}`; the clients are {}",
            names.join(", ")
        ));
    }
    for (name, package, version) in CLIENTS {
        if only.is_some_and(|word| word != name) || is_there(&home.join(name), package, version) {
            continue;
        }
        eprintln!("   {package} {version} is missing; installing it, which takes a while");
        let mut command = Command::new("npm");
        command.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--prefix",
        ]);
        command
            .arg(home.join(name))
            .arg(format!("{package}@{version}"));
        succeed(&mut command, "npm")?;
        if !is_there(&home.join(name), package, version) {
            return Err(format!(
                "{package} was installed and is not version {version}"
            ));
        }
    }
    Ok(home)
}

/// Whether that version of the package stands in the folder.
fn is_there(home: &Path, package: &str, version: &str) -> bool {
    let path = home.join("node_modules").join(package).join("package.json");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.contains(&format!("\"version\": \"{version}\""))
}

#[cfg(test)]
mod tests {
    use super::ensure;
    use std::path::Path;

    #[test]
    fn an_unknown_client_is_answered_with_the_known_ones() {
        let answer = ensure(Path::new("nowhere"), Some("emacs"));
        let expected =
            "there is no client `emacs`; the clients are claude-code, codex, opencode, copilot";
        assert_eq!(answer, Err(expected.to_owned()));
    }
}
