//! The frames of one open stream: bytes that come within their time, within their limit.

use crate::error::{BadFrame, Setback, Trouble, WatchError};
use futures::stream::{BoxStream, StreamExt, try_unfold};
use lattice_model::limits::STREAM_FRAME_BYTES_MAX;
use reqwest::Response;
use sse_stream::{Sse, SseByteStream};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A response that is being read.
pub(crate) struct Frames {
    frames: BoxStream<'static, Result<Sse, sse_stream::Error>>,
    /// Bytes that have come since the last frame: the parser holds no more than these.
    unframed: Arc<AtomicUsize>,
    opened: Instant,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}

/// Why no more bytes come.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the connection was cut")]
    Broken(#[source] reqwest::Error),
    #[error("nothing came for {0:?}")]
    Silent(Duration),
    #[error("a frame is too long")]
    TooLong,
}

impl From<Cut> for Setback {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Broken(error) => Trouble::Cut(error.without_url()).into(),
            Cut::Silent(idle) => Trouble::Silent(idle).into(),
            Cut::TooLong => Self::Stop(WatchError::TooLong {
                limit: STREAM_FRAME_BYTES_MAX,
            }),
        }
    }
}

impl Frames {
    /// Reads the body as frames. A heartbeat is no frame, so silence is measured on the bytes.
    pub(crate) fn new(response: Response, idle: Duration) -> Self {
        let unframed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&unframed);
        let bytes = try_unfold(
            (response, counter),
            move |(mut response, counter)| async move {
                let bytes = match timeout(idle, response.chunk()).await {
                    Ok(Ok(Some(bytes))) => bytes,
                    Ok(Ok(None)) => return Ok(None),
                    Ok(Err(error)) => return Err(Cut::Broken(error)),
                    Err(_) => return Err(Cut::Silent(idle)),
                };
                // INVARIANT: a frame longer than the limit is refused. One that is shorter by less than
                // the network gives at once may be refused too: the bytes may be those of the next one.
                let before = counter.fetch_add(bytes.len(), Ordering::Relaxed);
                match before + bytes.len() > STREAM_FRAME_BYTES_MAX {
                    true => Err(Cut::TooLong),
                    false => Ok(Some((bytes, (response, counter)))),
                }
            },
        );
        Self {
            frames: SseByteStream::new(Box::pin(bytes)).boxed(),
            unframed,
            opened: Instant::now(),
        }
    }

    /// The next frame; nothing at the end of the response. A frame that is not whole by then is
    /// dropped. May be given up while it waits: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Sse>, Setback> {
        let frame = self.frames.next().await;
        self.unframed.store(0, Ordering::Relaxed);
        frame.transpose().map_err(setback)
    }

    /// For how long it has been open.
    pub(crate) fn age(&self) -> Duration {
        self.opened.elapsed()
    }
}

fn setback(error: sse_stream::Error) -> Setback {
    match error {
        sse_stream::Error::Utf8Parse(error) => BadFrame::Encoding(error).into(),
        sse_stream::Error::Body(error) => match error.downcast::<Cut>() {
            Ok(cut) => (*cut).into(),
            Err(other) => BadFrame::Unparsed(other.to_string()).into(),
        },
        other => BadFrame::Unparsed(other.to_string()).into(),
    }
}
