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
