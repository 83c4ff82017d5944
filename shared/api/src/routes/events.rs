//! Logs: a page of one, or all of it as it grows.

use crate::log::page;
use crate::refuse::Refused;
use crate::service::{Api, Call, Done, Parts, json};
use crate::streams::{Opened, beyond_end};
use crate::take::{header, seq};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use lattice_model::{RunId, Seq};
use lattice_wire::codes::HEADER;
use lattice_wire::shapes::EventPage;
use lattice_wire::sse;

/// A page of a log.
pub async fn list<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let after = call.query.seq("lastSeq")?.unwrap_or(Seq::ZERO);
    let limit = call.query.limit(call.route)?;
    let head = api.head(call).await?;
    let page = page(api.store(), &head.run, after, limit).await?;
    let (last_seq, over) = match page.last() {
        Some(event) => (event.seq, event.body.is_terminal()),
        // Nothing behind: is there anything at it?
        None if after == Seq::ZERO => (after, false),
        None => at_end(api, &head.run, after).await?,
    };
    let more = !over && !page.events.is_empty() && {
        let next = crate::log::page(api.store(), &head.run, last_seq, 1).await?;
        !next.events.is_empty()
    };
    let answer = EventPage {
        events: page.events,
        last_seq,
        more,
        over,
    };
    json(StatusCode::OK, &answer)
}

/// A seq behind which there is nothing: the end of the log, or beyond it.
async fn at_end<E: Parts>(api: &Api<E>, run: &RunId, after: Seq) -> Result<(Seq, bool), Refused> {
    let before = Seq::from_stored(after.get().saturating_sub(1));
    match page(api.store(), run, before, 1).await?.last() {
        Some(event) => Ok((after, event.body.is_terminal())),
        None => Err(beyond_end(run, after)),
    }
}

/// The log as it grows.
pub async fn stream<E: Parts>(api: &Api<E>, call: &Call) -> Done {
    let queried = call.query.seq("lastSeq")?;
    let resumed = header(&call.headers, sse::LAST_EVENT_ID)?;
    let resumed = resumed
        .map(|text| seq(text).ok_or_else(|| bad_id(text)))
        .transpose()?;
    // A browser that comes back repeats the address it began with, and says in the header how far
    // it has come.
    let after = resumed.or(queried).unwrap_or(Seq::ZERO);
    let head = api.head(call).await?;
    let over = head.status.is_terminal();
    let opened = api
        .streams
        .open(&head.run, after, over, call.meter.clone())
        .await?;
    let mut response = match opened {
        Opened::Over => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            return Ok(response);
        }
        Opened::Stream(viewer) => Response::new(Body::from_stream(viewer.into_stream())),
    };
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(sse::MEDIA_TYPE));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    // Proxies that gather answers would hold frames back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn bad_id(text: &str) -> Refused {
    let text: String = text.chars().take(40).collect();
    let detail = format!("`Last-Event-ID` is `{text}`");
    Refused::new(
        HEADER,
        detail,
        "give the `id` of the last frame, a whole number",
    )
}
