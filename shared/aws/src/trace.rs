//! The trace that a message belongs to travels with it, as W3C Trace Context (`traceparent`).

use std::future::Future;

tokio::task_local! {
    static TRACEPARENT: String;
}

/// Drives the future as part of a trace: each message that it sends carries it.
pub async fn traced<F: Future>(traceparent: String, future: F) -> F::Output {
    TRACEPARENT.scope(traceparent, future).await
}

/// The trace that this task is part of.
pub fn traceparent() -> Option<String> {
    TRACEPARENT.try_with(String::clone).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_trace_belongs_to_its_future() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let inside = traced(parent.to_owned(), async { traceparent() });
        assert_eq!(futures::executor::block_on(inside).as_deref(), Some(parent));
        assert_eq!(traceparent(), None);
    }
}
