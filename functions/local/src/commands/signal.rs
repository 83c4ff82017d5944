//! `lattice signal`: an answer to a question that a run asks.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::{input, reach};
use lattice_driver::{DriverError, RequestError, Signal, load_run};
use lattice_model::{Guards, NodeId, RunId};

/// The words of `signal`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice signal run_01k00000000000000000000000 approve Approve")]
pub struct Args {
    /// The run.
    pub run: String,
    /// The node that asks.
    pub node: String,
    /// The answer: an option by its label, value or number, a JSON list of them, or a text.
    pub value: String,
    #[command(flatten)]
    pub data: Data,
}

/// Stores an answer.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let run: RunId = args.run.parse()?;
    let node = NodeId::new(args.node);
    let store = reach::open(app, &args.data)?;
    let hand = reach::hand(app, store.clone())?;
    let loaded = load_run(&store, &run, Guards::ALL).await?;
    let state = loaded.ok_or_else(|| DriverError::NoRun(run.clone()))?.state;
    if state.status.is_terminal() {
        let status = state.status;
        return Err(RequestError::Over { run, status }.into());
    }
    let plan = hand.plan(state.program).await?;
    let question = input::question(plan.program(), &node)?;
    let value = input::value(&args.value, question.choice);
    let signal = Signal {
        node: node.clone(),
        wait: None,
        value,
        id: None,
    };
    hand.signal(&run, signal).await?;
    say(
        app,
        &args.data,
        &run,
        &format!("the answer to node `{node}`"),
        "goes on",
    );
    Ok(Exit::Completed)
}

/// Says that something is stored, who will see to it, and what the run `then` does there.
pub fn say(app: &App, data: &Data, run: &RunId, what: &str, then: &str) {
    let flags = app.flags(data);
    match reach::owner(&app.data_dir(data)) {
        Some(holder) => {
            app.screen.line(format!(
                "{what} is stored; the run {then} in {holder} if that carries it on"
            ));
            app.screen.line(format!(
                "watch it: lattice events {run} --follow{}",
                flags.data
            ));
        }
        None => {
            app.screen.line(format!(
                "{what} is stored; nothing works on the run at the moment"
            ));
            app.screen
                .line(format!("go on: lattice resume {run}{}", flags.resume));
        }
    }
}
