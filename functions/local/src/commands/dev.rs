//! `lattice dev`: the API, a page and the workers, for as long as people leave it running.

use crate::app::App;
use crate::cli::{Data, ProviderChoice};
use crate::error::CliError;
use crate::host::{Asked, Host, LocalKit};
use crate::outcome::Exit;
use crate::screen::Tone;
use crate::serve::{self, descriptors};
use crate::triggers;
use crate::watch::{Seen, Weight, weigh};
use lattice_api::server::{ServerSettings, serve};
use lattice_api::{Api, Gate, Metrics, StreamSettings, Streams};
use lattice_driver::Observer;
use lattice_local::{LocalSchedules, LocalStore, SystemClock};
use lattice_model::limits::DEV_PORT;
use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

/// The words of `dev`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = DEV_PORT)]
    pub port: u16,
    /// Do not open the page in a browser.
    #[arg(long)]
    pub no_open: bool,
    #[command(flatten)]
    pub provider: ProviderChoice,
    #[command(flatten)]
    pub data: Data,
}

const AFTER_HELP: &str = "\
It carries on every run of the data directory that is not over, whoever started it. Ctrl-C or SIGTERM
stops it (exit code 0); runs go on where they were at the next start.

Example:
  lattice dev --port 4870";

/// Serves until it is stopped.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let provider = app.provider(&args.provider, None)?;
    let described = App::describe(&provider);
    let metrics = Arc::new(Metrics::new());
    let mut streams = None;
    let ends = Arc::new(triggers::Ends::default());
    let observers = |store: &LocalStore, _: &_| {
        let store = Arc::new(store.clone());
        let opened = Streams::new(store, Arc::clone(&metrics), StreamSettings::default());
        streams = Some(Arc::clone(&opened));
        let ends = Arc::clone(&ends) as Arc<dyn Observer>;
        vec![Arc::clone(&metrics) as Arc<dyn Observer>, opened, ends]
    };
    let mut host = Host::open_with(app, &args.data, provider, Asked::everything(), observers)?;
    let streams = streams.ok_or_else(|| CliError::Task("no streams".to_owned()))?;
    let (listener, address) = match listen(args.port).await {
        Ok(bound) => bound,
        Err(error) => {
            host.close().await;
            return Err(error);
        }
    };
    let url = format!("http://{address}");
    let store = Arc::clone(host.driver.store());
    store.announce(&url)?;
    let secrets = Arc::new(app.secrets());
    let schedules = Arc::new(LocalSchedules::new(SystemClock::new()?));
    let hooks = triggers::arm(&store, &schedules, (&url, &secrets)).await?;
    let api: Arc<Api<LocalKit>> = Api::new(
        Arc::clone(&host.driver),
        Gate::loopback(address.port()),
        Arc::clone(&streams),
        metrics,
        (schedules, secrets),
    );
    let router = serve::router(&api);
    let descriptors = descriptors::raise();
    let settings = ServerSettings {
        connections_max: descriptors.connections_max,
        ..ServerSettings::default()
    };
    let stop = watch::Sender::new(false);
    let serving = tokio::spawn(serve(listener, router, settings, stop.subscribe()));
    let carried = host.driver.recover().await?;
    let firing = tokio::spawn(triggers::fire(Arc::clone(&api), ends));
    let notes = [Some(described), descriptors.note];
    notes.iter().flatten().for_each(|text| note(app, text));
    // Listened for before anybody is told that it is there: who stops it at once is heard too.
    let mut stops = Stops::listen()?;
    hello(app, &args.data, (&url, carried), &hooks);
    if !args.no_open && std::io::stdout().is_terminal() {
        open_page(app, &url);
    }
    let ended = until_stopped(&mut host.seen, &mut stops).await;
    note(
        app,
        "stopping: what is under way gets a moment; runs go on at the next start",
    );
    firing.abort();
    streams.stop();
    stop.send_replace(true);
    let _ = serving.await;
    host.close().await;
    ended
}

/// What a person should know first: where it is, what it holds, what it takes.
fn hello(app: &App, data: &Data, (url, carried): (&str, usize), hooks: &[String]) {
    let place = format!("Agent Lattice is at {url}");
    app.screen.line(app.screen.paint(Tone::Strong, &place));
    let (dir, carried) = (app.data_dir(data), runs(carried));
    let dir = dir.display();
    let held = format!("data in `{dir}`, {carried} to carry on; Ctrl-C stops");
    app.screen.line(held);
    hooks.iter().for_each(|line| app.screen.line(line));
}

/// What an operator should know, in the form of the log if programs read that.
fn note(app: &App, text: &str) {
    match app.get("LATTICE_LOG_FORMAT") {
        Some("json") => tracing::info!("{text}"),
        _ => app.screen.note(text),
    }
}

fn runs(count: usize) -> String {
    match count {
        0 => "no run".to_owned(),
        1 => "1 run".to_owned(),
        many => format!("{many} runs"),
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), CliError> {
    let cannot = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "stop what listens there, or choose another with `--port`"
            }
            _ => "choose another with `--port`",
        };
        CliError::said(format!("cannot listen on port {port}: {error}"), help)
    };
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = bound.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

fn open_page(app: &App, url: &str) {
    if let Err(error) = open::that_detached(url) {
        let text = format!("no browser could be opened ({error}); open {url} yourself");
        note(app, &text);
    }
}

/// The signals that stop the server.
struct Stops {
    interrupts: Signal,
    terms: Signal,
}

impl Stops {
    fn listen() -> Result<Self, CliError> {
        Ok(Self {
            interrupts: signal(SignalKind::interrupt()).map_err(CliError::Runtime)?,
            terms: signal(SignalKind::terminate()).map_err(CliError::Runtime)?,
        })
    }
}

/// Waits for a signal, or for what nothing can go on after.
async fn until_stopped(
    seen: &mut UnboundedReceiver<Seen>,
    stops: &mut Stops,
) -> Result<Exit, CliError> {
    loop {
        let seen = tokio::select! {
            () = heard(&mut stops.interrupts) => return Ok(Exit::Completed),
            () = heard(&mut stops.terms) => return Ok(Exit::Completed),
            seen = seen.recv() => seen,
        };
        match seen {
            Some(Seen::Trouble(run, error)) => match weigh(&error) {
                Weight::OfTheStore => {
                    // The disk may have room again before long; nothing is acknowledged until then.
                    tracing::error!(%run, %error, "the store does not take writes; trying again");
                    if matches!(
                        &error,
                        lattice_driver::DriverError::Port(lattice_ports::PortError::Broken { .. })
                    ) {
                        return Err(error.into());
                    }
                }
                Weight::Passing | Weight::OfTheRun => {
                    tracing::warn!(%run, %error, "a run could not be carried on; it comes again");
                }
            },
            Some(Seen::Broken(what)) => return Err(CliError::Task(what)),
            Some(_) => {}
            None => return Err(CliError::Task("the workers are gone".to_owned())),
        }
    }
}

/// Ends at the signal; never if there can be none any more.
async fn heard(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
