//! What is known of a connection: how much its reader has taken, and whether it is to be cut off.
//!
//! A stream that is not taken is not asked for more, so it cannot end itself; the connection has to.

use futures::task::AtomicWaker;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is known of a connection. The server hands it to each request as an extension.
#[derive(Debug, Default)]
pub struct Meter {
    taken: AtomicU64,
    cut: AtomicBool,
    waker: AtomicWaker,
    /// Since when the system has taken nothing although there was something.
    stuck: Mutex<Option<Instant>>,
}

impl Meter {
    /// Bytes that the system has taken for the reader so far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Ends the connection at its next turn.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// For how long the system has taken nothing although there was something.
    pub fn stuck_for(&self) -> Duration {
        let stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Notes what came of a write.
    fn wrote(&self, wrote: &Poll<io::Result<usize>>) {
        let mut stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        match wrote {
            Poll::Ready(Ok(bytes)) => {
                self.taken.fetch_add(*bytes as u64, Ordering::Relaxed);
                *stuck = None;
            }
            Poll::Ready(Err(_)) => *stuck = None,
            Poll::Pending => {
                stuck.get_or_insert_with(Instant::now);
            }
        }
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }
}

/// A connection that counts.
#[derive(Debug)]
pub struct Metered<T> {
    inner: T,
    meter: Arc<Meter>,
}

impl<T> Metered<T> {
    /// Counts what goes through `inner`.
    pub fn new(inner: T, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the reader was too slow")
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> Metered<T> {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        // Registered before looking, so that a cut in between wakes.
        self.meter.waker.register(context.waker());
        if self.meter.is_cut() {
            return Poll::Ready(Err(cut_off()));
        }
        let wrote = write(Pin::new(&mut self.inner), context);
        self.meter.wrote(&wrote);
        wrote
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(context, |inner, context| inner.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(context, |inner, context| {
            inner.poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.meter.waker.register(context.waker());
        if self.meter.is_cut() {
            return Poll::Ready(Err(cut_off()));
        }
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn what_is_taken_is_counted_and_a_cut_ends_a_writer_that_is_stuck() {
        let (near, mut far) = tokio::io::duplex(8);
        let meter = Arc::new(Meter::default());
        let mut metered = Metered::new(near, Arc::clone(&meter));
        let stuck = tokio::spawn(async move { metered.write_all(&[7; 100]).await });
        let mut first = [0; 20];
        far.read_exact(&mut first).await.unwrap();
        while meter.taken() < 28 {
            tokio::task::yield_now().await;
        }
        assert_eq!(meter.taken(), 28);
        meter.cut();
        let error = stuck.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
