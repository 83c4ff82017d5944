//! What each route does, one handler for each operation.

mod events;
mod exports;
mod forks;
mod hooks;
mod runs;
mod signals;
mod system;
mod triggers;
mod workflows;

use crate::service::{Api, Call, Done, Parts};
use lattice_wire::Operation;
use std::sync::Arc;

/// Hands a request to its handler. An operation without one does not compile.
pub async fn handle<E: Parts>(api: &Arc<Api<E>>, call: Call) -> Done {
    match call.route.operation {
        Operation::Health => system::health(),
        Operation::OpenApi => system::openapi(),
        Operation::Compile => workflows::compile(api, &call).await,
        Operation::Export => exports::document(&call),
        Operation::ListWorkflows => workflows::list(api, &call).await,
        Operation::GetWorkflow => workflows::get(api, &call).await,
        Operation::PutWorkflow => workflows::put(api, &call).await,
        Operation::DeleteWorkflow => workflows::delete(api, &call).await,
        Operation::ListVersions => workflows::versions(api, &call).await,
        Operation::ExportWorkflow => exports::workflow(api, &call).await,
        Operation::StartRun => runs::start(api, &call).await,
        Operation::ListRuns => runs::list(api, &call).await,
        Operation::GetRun => runs::get(api, &call).await,
        Operation::GetState => runs::state(api, &call).await,
        Operation::SignalRun => signals::signal(api, &call).await,
        Operation::CancelRun => signals::cancel(api, &call).await,
        Operation::ResumeRun => signals::resume(api, &call).await,
        Operation::ForkRun => forks::fork(api, &call).await,
        Operation::ListEvents => events::list(api, &call).await,
        Operation::StreamEvents => events::stream(api, &call).await,
        Operation::ListWaits => runs::waits(api, &call).await,
        Operation::PostHook | Operation::PutHook | Operation::PatchHook | Operation::GetHook => {
            hooks::take(api, &call).await
        }
        Operation::ListHooks => triggers::hooks(api, &call).await,
        Operation::ListSchedules => triggers::schedules(api, &call).await,
        Operation::PauseSchedule => triggers::pause(api, &call).await,
        Operation::ResumeSchedule => triggers::resume(api, &call).await,
    }
}
