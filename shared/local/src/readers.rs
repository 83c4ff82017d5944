//! Threads that read beside the writer. They see what is committed, and nothing less.

use crate::error::{LocalError, PORT, Trouble};
use crate::{lock, schema};
use futures::channel::oneshot;
use lattice_ports::PortError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// The handle on the threads; dropping it ends them after what is queued.
#[derive(Debug)]
pub(crate) struct Readers {
    reads: Option<Mutex<Sender<Read>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts the threads, each with a connection of its own.
    pub(crate) fn start(path: &Path, count: usize) -> Result<Self, LocalError> {
        let (sender, reads) = mpsc::channel::<Read>();
        let reads = Arc::new(Mutex::new(reads));
        let mut threads = Vec::new();
        for _ in 0..count.max(1) {
            let (connection, reads) = (schema::open_reader(path)?, Arc::clone(&reads));
            let thread = std::thread::Builder::new()
                .name("lattice-reader".to_owned())
                .spawn(move || serve(&connection, &reads))
                .map_err(|source| LocalError::Io {
                    path: path.to_owned(),
                    source,
                })?;
            threads.push(thread);
        }
        Ok(Self {
            reads: Some(Mutex::new(sender)),
            threads,
        })
    }

    /// Performs the read on one of the threads.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            // A caller that gave up while its read was queued holds up nobody behind it.
            if reply.is_canceled() {
                return;
            }
            // Nobody waits for the answer any more if this fails.
            let _ = reply.send(read(connection).map_err(Trouble::into_port));
        });
        if let Some(reads) = &self.reads {
            // If the threads are gone the read is dropped, and `answer` says so.
            let _ = lock(reads).send(read);
        }
        answer.await.unwrap_or_else(|_| {
            Err(PortError::Unavailable {
                port: PORT,
                reason: "the readers have stopped".to_owned(),
            })
        })
    }
}

fn serve(connection: &Connection, reads: &Mutex<Receiver<Read>>) {
    loop {
        let next = lock(reads).recv();
        match next {
            Ok(read) => read(connection),
            Err(_) => return,
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.reads = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::Readers;
    use crate::schema;
    use futures::FutureExt;
    use futures::executor::block_on;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;

    #[test]
    fn a_read_whose_caller_gave_up_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reads.db");
        std::fs::File::create(&path).unwrap();
        let _writer = schema::open_writer(&path).unwrap();
        let readers = Readers::start(&path, 1).unwrap();
        let made = Arc::new(AtomicU32::new(0));
        let count = || {
            let made = Arc::clone(&made);
            readers.read(move |_| Ok(made.fetch_add(1, Ordering::SeqCst)))
        };
        let (let_go, held) = mpsc::channel::<()>();
        // The one thread is busy, and everything behind it is queued.
        let mut busy = Box::pin(readers.read(move |_| Ok(held.recv().is_ok())));
        assert!(busy.as_mut().now_or_never().is_none());
        let mut waits = Box::pin(count());
        assert!(waits.as_mut().now_or_never().is_none());
        for _ in 0..3 {
            assert!(count().now_or_never().is_none(), "asked, and dropped");
        }
        let_go.send(()).unwrap();
        assert!(block_on(busy).unwrap());
        assert_eq!(block_on(waits).unwrap(), 0);
        assert_eq!(block_on(count()).unwrap(), 1, "the three were not made");
    }
}
