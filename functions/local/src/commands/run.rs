//! `lattice run`: stores a workflow, starts a run and carries it on.

use crate::app::App;
use crate::carry::{Carry, OnInterrupt};
use crate::cli::{Data, ProviderChoice};
use crate::commands::report::report_all;
use crate::error::CliError;
use crate::host::Host;
use crate::input;
use crate::outcome::Exit;
use crate::reach;
use crate::source::{self, Source};
use crate::triggers::Unarmed;
use crate::watch::Seen;
use lattice_api::{flows_for, sync_triggers};
use lattice_compiler::{Flows, calls_of};
use lattice_driver::StartRequest;
use lattice_effects::{ProviderConfig, ProviderKind};
use lattice_ir::{Effect, OpKind, Program};
use lattice_model::Tenant;
use lattice_ports::{Clock, Expect, StoredWorkflow, WorkflowVersion, Workflows};
use std::path::PathBuf;
use std::sync::Arc;

/// The words of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The workflow: JSON in our own format, or what older tools saved.
    pub file: PathBuf,
    /// What goes in: JSON, or `@file` [default: `<name>.input.json` beside the workflow].
    #[arg(long, value_name = "JSON|@FILE")]
    pub input: Option<String>,
    /// The answer to a question, given beforehand; once for each node that asks.
    #[arg(long = "answer", value_name = "NODE=OPTION")]
    pub answers: Vec<String>,
    #[command(flatten)]
    pub provider: ProviderChoice,
    /// The same key gives the same run, however often it is started.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    #[command(flatten)]
    pub data: Data,
    /// One event per line, as stored, and a last line with the result.
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Exit codes:
  0    the run completed
  1    the run failed, or could not be started
  2    the command line cannot be understood
  3    the run waits for a person: answer with `lattice signal`, go on with `lattice resume`
  130  cancelled by Ctrl-C
  143  stopped by SIGTERM; the run is unfinished, go on with `lattice resume`

Example:
  lattice run examples/release-notes.json --input @commits.json";

/// Starts a run and stays until there is nothing left to do.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let bytes = source::read(&args.file)?;
    let stored = stored_flows(app, &args.data, &bytes).await?;
    let source = source::open(&args.file, &bytes, stored, &app.screen)?;
    let programs: Vec<&Program> = source.programs().collect();
    let answers = input::answers(&args.answers, &programs)?;
    let input = input::read(args.input.as_deref(), &args.file, &source, app)?;
    let provider = app.provider(&args.provider, Some(&args.file))?;
    for program in &programs {
        check_models(program, &provider)?;
    }
    let described = App::describe(&provider);
    let flags = app.flags_of_run(&args.data, &args.provider, &provider);
    let unknown = match &provider.kind {
        ProviderKind::Mock { script, .. } => script.as_ref(),
        _ => None,
    }
    .map_or(Vec::new(), |script| {
        input::unknown_stages(script, &programs)
    });
    let mut host = Host::open(app, &args.data, provider)?;
    app.screen.note(described);
    for name in unknown {
        let name = crate::text::clean(&name);
        app.screen.note(format!(
            "the mock script answers for `{name}`, and no node has that id"
        ));
    }
    for called in &source.called {
        store(&host, called).await?;
    }
    store(&host, &source).await?;
    let request = StartRequest {
        tenant: Tenant::local(),
        plan: Arc::clone(&source.plan),
        input,
        key: args.key,
        trigger: None,
    };
    let driver = Arc::clone(&host.driver);
    let asked = host.asked.clone();
    host.spawn(
        async move { Seen::Started(driver.start_here(request, |run| asked.add(run)).await) },
    );
    let mut carry = Carry::new(app, &mut host, flags.clone());
    carry.expect(Arc::clone(&source.plan), answers);
    app.screen.line(
        app.screen
            .paint(crate::screen::Tone::Strong, &source.document.name),
    );
    let exit = carry.wait(OnInterrupt::Cancel).await;
    let states: Vec<_> = carry
        .states()
        .map(|(run, state)| (run.clone(), state.clone()))
        .collect();
    let driver = Arc::clone(&host.driver);
    host.close().await;
    let exit = exit?;
    report_all(app, &driver, &states, &flags).await?;
    Ok(exit)
}

/// The workflows in the data directory that a file calls, if there is one.
async fn stored_flows(app: &App, data: &Data, bytes: &[u8]) -> Result<Flows, CliError> {
    if calls_of(bytes).is_empty() {
        return Ok(Flows::new());
    }
    match reach::open(app, data) {
        Ok(store) => Ok(flows_for(&store, &Tenant::local(), bytes).await?),
        // Nothing was stored yet: what it calls has to stand beside the file.
        Err(_) => Ok(Flows::new()),
    }
}

async fn store(host: &Host, source: &Source) -> Result<(), CliError> {
    let (store, program) = (host.driver.store(), source.plan.hash());
    store
        .put_program(program, Arc::clone(&source.program))
        .await?;
    let workflow = StoredWorkflow {
        row: WorkflowVersion {
            tenant: Tenant::local(),
            id: source.document.id.clone(),
            name: source.document.name.clone(),
            version: source.version,
            program,
            stored_at: host.driver.clock().now(),
        },
        document: Arc::from(source.text.as_str()),
    };
    // The file is what counts here, whatever was stored before.
    let (tenant, id) = (workflow.row.tenant.clone(), workflow.row.id.clone());
    store.put_workflow(workflow, Expect::Anything).await?;
    let now = host.driver.clock().now();
    sync_triggers((&**store, &Unarmed), now, &tenant, &id).await?;
    Ok(())
}

/// Refuses a workflow that asks for a class of models for which none is set: it would fail at that
/// node, after calls that were paid for. The mock takes every class.
fn check_models(program: &Program, provider: &ProviderConfig) -> Result<(), CliError> {
    if matches!(provider.kind, ProviderKind::Mock { .. }) {
        return Ok(());
    }
    for op in &program.ops {
        let OpKind::Call(call) = &op.kind else {
            continue;
        };
        let Effect::Model(model) = &call.effect;
        provider.models.resolve(&model.model).map_err(|failure| {
            let (text, help) = failure
                .message
                .split_once("; ")
                .unwrap_or((&failure.message, ""));
            CliError::said(format!("at node `{}`: {text}", op.node), help)
        })?;
    }
    Ok(())
}
