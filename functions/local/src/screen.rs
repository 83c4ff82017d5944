//! What people and programs read: standard output, standard error, colours, redaction.

use crate::error::CliError;
use crate::outcome::Exit;
use anstyle::{AnsiColor, Style};
use lattice_policy::Redactor;
use serde::Serialize;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Standard output and standard error. Texts pass the redactor; JSON lines are of what was
/// redacted before it was stored.
#[derive(Debug)]
pub struct Screen {
    redactor: Arc<Redactor>,
    json: bool,
    coloured: bool,
    closed: AtomicBool,
}

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy)]
pub enum Tone {
    /// It worked.
    Good,
    /// It did not.
    Bad,
    /// Somebody has to look.
    Look,
    /// Less important.
    Faint,
    /// More important.
    Strong,
}

impl Screen {
    /// The screen of a command.
    pub fn new(json: bool, redactor: Arc<Redactor>) -> Self {
        let coloured = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        Self {
            redactor,
            json,
            coloured: coloured && !json,
            closed: AtomicBool::new(false),
        }
    }

    /// A screen for errors that come before the settings are known.
    pub fn bare(json: bool) -> Self {
        Self::new(json, Arc::new(Redactor::new()))
    }

    /// Whether standard output is for programs.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nobody reads standard output any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// A line for people; nothing if standard output is for programs.
    pub fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            self.put(&self.redactor.redact_text(text.as_ref()));
        }
    }

    /// A line for programs; nothing if standard output is for people.
    pub fn record(&self, value: &impl Serialize) {
        if self.json {
            match serde_json::to_string(value) {
                Ok(text) => self.put(&text),
                Err(error) => self.note(format!("a line could not be written as JSON: {error}")),
            }
        }
    }

    /// A line beside the output: what the user should know and no program reads.
    pub fn note(&self, text: impl AsRef<str>) {
        // Nobody is left to be told if standard error is closed.
        let _ = writeln!(io::stderr(), "{}", self.redactor.redact_text(text.as_ref()));
    }

    /// The text in a colour, where there are colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Look => AnsiColor::Yellow.on_default(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Strong => Style::new().bold(),
        };
        format!("{style}{text}{style:#}")
    }

    /// Says an error on standard error.
    pub fn fail(&self, error: &CliError) -> Exit {
        if self.json {
            let text = self.redactor.redact_value(error.to_json()).to_string();
            let _ = writeln!(io::stderr(), "{text}");
            return Exit::Failed;
        }
        let (text, help) = error.sentences();
        self.note(format!("error: {text}"));
        if !help.is_empty() {
            self.note(format!("help: {help}"));
        }
        Exit::Failed
    }

    fn put(&self, text: &str) {
        let mut out = io::stdout().lock();
        // A reader that went away (`lattice events RUN | head`) is no error: runs go on, and
        // commands that only read look at `is_closed`.
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
    }
}
