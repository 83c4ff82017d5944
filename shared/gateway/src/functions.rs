//! The functions over the API, each put together once.

use crate::fetch::fetch;
use crate::fired::Fired;
use crate::gateway::Gateway;
use crate::keys::{Fetch, Keys};
use futures::FutureExt;
use lambda_http::{Adapter, LambdaEvent, Request, Service, lambda_runtime, service_fn};
use lattice_api::{Api, Gate, JwtRules, Kit, Metrics, StreamSettings, Streams};
use lattice_aws::{AwsSecrets, AwsStore, ScheduleSettings, SqsQueue, SystemClock};
use lattice_driver::Observer;
use lattice_lambda::settings::Keys as KeySettings;
use lattice_lambda::{NoEffects, Process, Role, StartError, Traced};
use lattice_model::TriggerId;
use lattice_model::limits::CLOUD_STREAM_POLL_MS;
use lattice_ports::{PortError, Schedules, TriggerRow};
use lattice_wire::Function;
use serde_json::value::{RawValue, to_raw_value};
use std::convert::Infallible;
use std::sync::Arc;

/// The adapters of a function that keeps workflows, and so arms schedules; or of one that does not.
type CloudKit<H> = Kit<AwsStore, Traced<SqsQueue>, NoEffects, SystemClock, H, AwsSecrets>;

/// The clock of functions that arm nothing: their roles may not either.
#[derive(Debug, Clone, Copy, Default)]
struct NoSchedules;

impl Schedules for NoSchedules {
    async fn arm(&self, _row: &TriggerRow) -> Result<(), PortError> {
        Err(armed_elsewhere())
    }

    async fn disarm(&self, _id: &TriggerId) -> Result<(), PortError> {
        Err(armed_elsewhere())
    }
}

fn armed_elsewhere() -> PortError {
    PortError::Unavailable {
        port: "schedules",
        reason: "this function arms no schedules; the function `start` does".to_owned(),
    }
}

/// Serves what needs the compiler and no store.
pub async fn compile() -> Result<(), StartError> {
    serve(Role::Compile, Function::Compile).await
}

/// Serves what reads runs and answers them.
pub async fn signal() -> Result<(), StartError> {
    serve(Role::Signal, Function::Signal).await
}

async fn serve(role: Role, function: Function) -> Result<(), StartError> {
    let process = Process::start(role)?;
    let gateway = gateway(&process, function, NoSchedules).await?;
    let work = move |request: Request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(gateway.answer(request).await) }.boxed()
    };
    let ended = lambda_http::run(service_fn(work)).await;
    ended.map_err(StartError::Runtime)
}

/// Serves streams, chunk by chunk.
pub async fn stream() -> Result<(), StartError> {
    let process = Process::start(Role::Stream)?;
    let gateway = gateway(&process, Function::Stream, NoSchedules).await?;
    let work = move |request: Request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(gateway.answer(request).await) }.boxed()
    };
    let ended = lambda_http::run_with_streaming_response(service_fn(work)).await;
    ended.map_err(StartError::Runtime)
}

/// Serves what keeps workflows and starts runs: requests, and schedules that fire.
pub async fn start() -> Result<(), StartError> {
    let process = Process::start(Role::Start)?;
    let schedules = process.clients.schedules(schedules(&process)?);
    let gateway = gateway(&process, Function::Start, schedules).await?;
    let work =
        move |event: LambdaEvent<Box<RawValue>>| take(Arc::clone(&gateway), event).boxed_local();
    let ended = lambda_runtime::run(lambda_runtime::service_fn(work)).await;
    ended.map_err(StartError::Runtime)
}

/// Takes a schedule's event or a request; whatever it is, the answer is JSON.
async fn take<H: Schedules>(
    gateway: Arc<Gateway<CloudKit<H>>>,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<Box<RawValue>, String> {
    let LambdaEvent { payload, context } = event;
    let wrong = |error: serde_json::Error| error.to_string();
    if let Ok(fired) = serde_json::from_str::<Fired>(payload.get()) {
        let clock = gateway.api().driver.clock();
        lattice_lambda::process::begin(&**clock, &context.request_id, None);
        let started = fired.start(gateway.api()).await;
        gateway.tell();
        return to_raw_value(&started?).map_err(wrong);
    }
    let work = |request: Request| {
        let gateway = Arc::clone(&gateway);
        async move { Ok::<_, Infallible>(gateway.answer(request).await) }.boxed()
    };
    let request = serde_json::from_str(payload.get()).map_err(wrong)?;
    let mut adapter = Adapter::from(service_fn(work));
    let answered = adapter.call(LambdaEvent::new(request, context)).await;
    match answered {
        Ok(answer) => to_raw_value(&answer).map_err(wrong),
        Err(never) => match never {},
    }
}

fn schedules(process: &Process) -> Result<ScheduleSettings, StartError> {
    let told = process.settings.schedules.clone();
    let told = told.ok_or_else(|| StartError::Own("no settings of schedules".to_owned()))?;
    Ok(ScheduleSettings {
        group: told.group,
        role_arn: told.role_arn,
        start_arn: told.target_arn,
        dead_letter_arn: told.dead_letter_arn,
    })
}

async fn gateway<H: Schedules>(
    process: &Process,
    function: Function,
    schedules: H,
) -> Result<Arc<Gateway<CloudKit<H>>>, StartError> {
    let (gate, keys) = gate(process).await?;
    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(process.store());
    let streams = Streams::new(store, Arc::clone(&metrics), stream_settings());
    let watchers: Vec<Arc<dyn Observer>> = Vec::new();
    let driver = Arc::new(process.driver(NoEffects, watchers));
    let parts = (Arc::new(schedules), Arc::new(process.secrets()));
    let api = Api::new(driver, gate, streams, metrics, parts);
    Ok(Gateway::new(api, function, keys, process.teller()))
}

/// Streams as on a laptop, but that every event is found by reading: others write them.
fn stream_settings() -> StreamSettings {
    StreamSettings {
        poll_ms: CLOUD_STREAM_POLL_MS,
        ..StreamSettings::default()
    }
}

/// Who may call, and where the issuer's keys come from if they may change.
async fn gate(process: &Process) -> Result<(Gate, Option<Keys<SystemClock>>), StartError> {
    let callers = process.settings.callers.clone();
    let callers = callers.ok_or_else(|| StartError::Own("no settings of callers".to_owned()))?;
    let own = |error: &dyn std::fmt::Display| StartError::Own(error.to_string());
    let (text, keys) = match callers.keys {
        KeySettings::Text(text) => (text, None),
        KeySettings::Url(url) => {
            let http = process.http.clone();
            let get: Fetch = Box::new(move || fetch(http.clone(), url.clone()).boxed());
            let text = get().await.map_err(|error| {
                own(&format!(
                    "the issuer's keys cannot be got ({error}); `LATTICE_JWKS_URL` says from where"
                ))
            })?;
            (text, Some(Keys::new(get, Arc::clone(&process.clock))))
        }
    };
    let rules = JwtRules {
        keys: text,
        issuer: callers.issuer,
        audience: callers.audience,
        tenant_claim: callers.tenant_claim,
    };
    let gate = Gate::jwt(&rules).map_err(|error| own(&error))?;
    Ok((gate, keys))
}

#[cfg(test)]
mod tests {
    use super::stream_settings;
    use lattice_model::limits::{STREAM_HEARTBEAT_MS, STREAM_MS_MAX, STREAM_MS_MIN};

    #[test]
    fn a_stream_ends_in_its_own_time_which_is_shorter_than_an_invocation() {
        let settings = stream_settings();
        assert_eq!(settings.life_ms, (STREAM_MS_MIN, STREAM_MS_MAX));
        assert_eq!(settings.heartbeat_ms, STREAM_HEARTBEAT_MS);
        // The template's own figure for the function `stream`.
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/template.yaml");
        let template = std::fs::read_to_string(template).unwrap_or_default();
        let function = template
            .split("  StreamFunction:")
            .nth(1)
            .unwrap_or_default();
        let seconds = function
            .split("Timeout: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let seconds: u64 = seconds
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        assert!(seconds * 1_000 >= STREAM_MS_MAX + 20_000, "{seconds}");
    }
}
