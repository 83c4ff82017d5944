//! `lattice doctor`: what would go wrong, found before it does.

mod checks;
mod probe;
mod stack;

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::screen::Tone;
use serde_json::json;

/// The words of `doctor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes:\n  0  nothing is broken\n  1  something is\n\nExample:\n  lattice doctor\n  lattice doctor --stack agent-lattice-dev"
)]
pub struct Args {
    #[command(flatten)]
    pub data: Data,
    /// Compare a stack on AWS with the template instead of looking at this machine.
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// The stack's region; that of the AWS tools if it is not named.
    #[arg(long, value_name = "REGION", requires = "stack")]
    pub region: Option<String>,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// What a check found.
#[derive(Debug)]
struct Finding {
    check: String,
    health: Health,
    text: String,
    help: String,
}

/// How good or bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Warn,
    Broken,
}

impl Finding {
    fn good(check: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            health: Health::Good,
            text: text.into(),
            help: String::new(),
        }
    }

    fn warn(check: impl Into<String>, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            health: Health::Warn,
            text: text.into(),
            help: help.into(),
        }
    }

    fn broken(check: impl Into<String>, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            health: Health::Broken,
            ..Self::warn(check, text, help)
        }
    }

    fn of_error(check: impl Into<String>, error: impl Into<CliError>) -> Self {
        let (text, help) = error.into().sentences();
        Self::broken(check, text, help)
    }
}

/// Checks everything.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let findings = match &args.stack {
        Some(name) => stack::findings(name, args.region).await?,
        None => {
            let mut findings = probe::provider(app).await;
            findings.extend(checks::secrets(app, &args.data).await);
            findings.extend(checks::data(app, &args.data));
            findings.push(checks::files());
            findings
        }
    };
    for finding in &findings {
        let (word, tone) = match finding.health {
            Health::Good => ("ok", Tone::Good),
            Health::Warn => ("look", Tone::Look),
            Health::Broken => ("broken", Tone::Bad),
        };
        app.screen.record(&json!({
            "check": finding.check, "status": word, "text": finding.text, "help": finding.help,
        }));
        let word = app.screen.paint(tone, &format!("{word:<6}"));
        app.screen
            .line(format!("{word}  {}: {}", finding.check, finding.text));
        if !finding.help.is_empty() {
            app.screen.line(format!("        {}", finding.help));
        }
    }
    let broken = findings
        .iter()
        .any(|finding| finding.health == Health::Broken);
    Ok(if broken {
        Exit::Failed
    } else {
        Exit::Completed
    })
}
