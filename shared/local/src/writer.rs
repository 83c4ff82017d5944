//! The one thread that writes. What concurrent callers want at the same time shares a transaction,
//! and so one sync of the disk; each is answered after the commit.

use crate::error::{PORT, Trouble, is_fatal, port_error};
use futures::channel::oneshot;
use lattice_model::RunId;
use lattice_model::limits::{LOCAL_FOREIGN_POLL_MS, LOCAL_GROUP_WRITES_MAX, LOCAL_RUN_NUMBERS_MAX};
use lattice_ports::PortError;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const FOREIGN_POLL: Duration = Duration::from_millis(LOCAL_FOREIGN_POLL_MS);

/// How many writes there were, and how many transactions they took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteCounts {
    /// Transactions, and so syncs of the disk.
    pub groups: u64,
    /// Writes of any kind.
    pub writes: u64,
    /// Commits appended to logs.
    pub commits: u64,
}

/// What the writer's thread shares with everybody.
#[derive(Debug, Default)]
pub(crate) struct Status {
    groups: AtomicU64,
    writes: AtomicU64,
    commits: AtomicU64,
    broken: OnceLock<String>,
    /// Rises after each transaction that put an inbox item, and with each write of another process.
    inbox_marks: AtomicU64,
    /// The mark at which no inbox had an unread item.
    inbox_empty_at: AtomicU64,
    /// Whether writes of other processes are noticed.
    watched: AtomicBool,
}

impl Status {
    /// Where the inboxes stand, to be asked before they are read.
    pub(crate) fn inbox_mark(&self) -> u64 {
        self.inbox_marks.load(Ordering::Acquire)
    }

    /// Notes that no inbox had an unread item in a read that began at the mark.
    pub(crate) fn inboxes_empty(&self, mark: u64) {
        self.inbox_empty_at.store(mark + 1, Ordering::Release);
    }

    /// Whether nobody has put an item since all inboxes were empty, so that a read can be spared.
    /// A write of another process is noticed within `FOREIGN_POLL`, and whoever watches for it
    /// wakes the run again: an item is late then, never lost.
    pub(crate) fn inboxes_are_empty(&self) -> bool {
        self.watched.load(Ordering::Acquire)
            && self.inbox_empty_at.load(Ordering::Acquire) == self.inbox_mark() + 1
    }

    pub(crate) fn counts(&self) -> WriteCounts {
        WriteCounts {
            groups: self.groups.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
        }
    }

    /// Refuses every call after a write failed in a way that leaves the disk unknown.
    // INVARIANT: after a failed sync nothing is acknowledged any more; only a new process, which
    // reads back what is there, goes on.
    pub(crate) fn sound(&self) -> Result<(), PortError> {
        match self.broken.get() {
            None => Ok(()),
            Some(reason) => Err(PortError::Broken {
                port: PORT,
                reason: format!(
                    "a write failed ({reason}), so nothing more is written; check the disk, then \
                     run `lattice resume`"
                ),
            }),
        }
    }
}

/// The database as a write sees it: inside the group's transaction.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    /// Numbers of runs that have a row. Only the owner's thread writes rows, so they stay true.
    pub(crate) numbers: HashMap<RunId, i64>,
    /// Commits appended in this transaction.
    pub(crate) commits: u64,
    /// Whether this transaction put an inbox item.
    pub(crate) put_item: bool,
}

/// The handle on the writer's thread; dropping it ends the thread after what is queued.
#[derive(Debug)]
pub(crate) struct Writer {
    tasks: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) status: Arc<Status>,
}

enum Task {
    Write(Box<dyn Write>),
    Watch(Box<dyn FnMut() + Send>),
}

/// One write: performed inside a transaction, perhaps twice, and answered after it.
trait Write: Send {
    fn perform(&mut self, session: &mut Session) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, group: Result<(), PortError>);
}

struct Job<T, F> {
    work: F,
    outcome: Option<Result<T, PortError>>,
    reply: oneshot::Sender<Result<T, PortError>>,
}

impl<T, F> Write for Job<T, F>
where
    T: Send,
    F: FnMut(&mut Session) -> Result<T, Trouble> + Send,
{
    fn perform(&mut self, session: &mut Session) -> rusqlite::Result<()> {
        self.outcome = match (self.work)(session) {
            Ok(done) => Some(Ok(done)),
            Err(Trouble::Port(refused)) => Some(Err(refused)),
            Err(Trouble::Sql(error)) => return Err(error),
        };
        Ok(())
    }

    fn answer(self: Box<Self>, group: Result<(), PortError>) {
        let outcome = match (group, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(stopped()),
            (Err(error), _) => Err(error),
        };
        // The caller may have gone away; what it wanted is done all the same.
        let _ = self.reply.send(outcome);
    }
}

fn stopped() -> PortError {
    PortError::Unavailable {
        port: PORT,
        reason: "the writer has stopped".to_owned(),
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        let (sender, tasks) = mpsc::channel();
        let status = Arc::new(Status::default());
        let shared = Arc::clone(&status);
        let session = Session {
            connection,
            numbers: HashMap::new(),
            commits: 0,
            put_item: false,
        };
        let run = move || {
            Loop {
                session,
                status: shared,
                watchers: Vec::new(),
            }
            .run(&tasks)
        };
        let thread = std::thread::Builder::new()
            .name("lattice-writer".to_owned())
            .spawn(run)?;
        Ok(Self {
            tasks: Some(sender),
            thread: Some(thread),
            status,
        })
    }

    /// Performs the work in the next group, and gives its answer once that is on the disk. The
    /// work must refuse before it changes anything.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnMut(&mut Session) -> Result<T, Trouble> + Send + 'static,
    {
        self.status.sound()?;
        let (reply, answer) = oneshot::channel();
        self.send(Task::Write(Box::new(Job {
            work,
            outcome: None,
            reply,
        })));
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Calls back from the writer's thread whenever another process has written.
    pub(crate) fn watch(&self, on_write: Box<dyn FnMut() + Send>) {
        self.send(Task::Watch(on_write));
    }

    /// A task that finds no thread is dropped, and with it the way to answer its caller.
    fn send(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            let _ = tasks.send(task);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.tasks = None;
        let own = |thread: &JoinHandle<()>| thread.thread().id() == std::thread::current().id();
        if let Some(thread) = self.thread.take().filter(|thread| !own(thread)) {
            let _ = thread.join();
        }
    }
}

/// The thread's own state.
struct Loop {
    session: Session,
    status: Arc<Status>,
    watchers: Vec<Box<dyn FnMut() + Send>>,
}

impl Loop {
    fn run(mut self, tasks: &Receiver<Task>) {
        let mut group = Vec::new();
        // Counted from the opening on, so that nothing is missed before somebody watches.
        let mut seen = None;
        self.look(&mut seen);
        let mut looked = Instant::now();
        loop {
            let first = match self.watchers.is_empty() {
                true => tasks.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => tasks.recv_timeout(FOREIGN_POLL.saturating_sub(looked.elapsed())),
            };
            match first {
                Ok(task) => self.sort(task, &mut group),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while group.len() < LOCAL_GROUP_WRITES_MAX
                && let Ok(task) = tasks.try_recv()
            {
                self.sort(task, &mut group);
            }
            self.commit(&mut group);
            if !self.watchers.is_empty() && looked.elapsed() >= FOREIGN_POLL {
                looked = Instant::now();
                self.look(&mut seen);
            }
        }
    }

    fn sort(&mut self, task: Task, group: &mut Vec<Box<dyn Write>>) {
        match task {
            Task::Write(write) => group.push(write),
            Task::Watch(watcher) => {
                self.watchers.push(watcher);
                self.status.watched.store(true, Ordering::Release);
            }
        }
    }

    /// Performs the group in one transaction. If that fails, each of it alone: the one that does
    /// not fit on the disk must not take the others along.
    fn commit(&mut self, group: &mut Vec<Box<dyn Write>>) {
        if group.is_empty() {
            return;
        }
        let outcome = match self.status.sound() {
            Ok(()) => self.attempt(group),
            Err(broken) => Err(broken),
        };
        // A file that another process keeps busy is busy for each of them alone, too.
        let passing = matches!(outcome, Err(PortError::Unavailable { .. }));
        let alone = outcome.is_err() && !passing && group.len() > 1;
        if alone && self.status.sound().is_ok() {
            for write in std::mem::take(group) {
                self.commit(&mut vec![write]);
            }
            return;
        }
        for write in group.drain(..) {
            write.answer(outcome.clone());
        }
    }

    fn attempt(&mut self, group: &mut [Box<dyn Write>]) -> Result<(), PortError> {
        self.session.commits = 0;
        self.session.put_item = false;
        if let Err(error) = self.transact(group) {
            self.undo(&error);
            return Err(port_error(&error));
        }
        if self.session.put_item {
            self.status.inbox_marks.fetch_add(1, Ordering::Release);
        }
        self.status.groups.fetch_add(1, Ordering::Relaxed);
        self.status
            .writes
            .fetch_add(group.len() as u64, Ordering::Relaxed);
        self.status
            .commits
            .fetch_add(self.session.commits, Ordering::Relaxed);
        Ok(())
    }

    fn transact(&mut self, group: &mut [Box<dyn Write>]) -> rusqlite::Result<()> {
        self.session
            .connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        for write in group {
            write.perform(&mut self.session)?;
        }
        self.session
            .connection
            .prepare_cached("COMMIT")?
            .execute([])?;
        if self.session.numbers.len() > LOCAL_RUN_NUMBERS_MAX {
            self.session.numbers.clear();
        }
        Ok(())
    }

    fn undo(&mut self, error: &rusqlite::Error) {
        self.session.numbers.clear();
        let open = !self.session.connection.is_autocommit();
        let undone = if open {
            self.session.connection.execute_batch("ROLLBACK")
        } else {
            Ok(())
        };
        let failed = Some(error)
            .filter(|error| is_fatal(error))
            .or(undone.as_ref().err());
        if let Some(failed) = failed {
            tracing::error!(error = %failed, "a write failed; nothing more is written");
            // Only the first reason counts.
            let _ = self.status.broken.set(failed.to_string());
        }
    }

    /// `data_version` of the connection that writes changes only when another one has written,
    /// and nobody else in this process does.
    fn look(&mut self, seen: &mut Option<i64>) {
        let read = self
            .session
            .connection
            .prepare_cached("PRAGMA data_version");
        let version = read.and_then(|mut read| read.query_row([], |row| row.get::<_, i64>(0)));
        let Ok(version) = version else { return };
        if seen
            .replace(version)
            .is_some_and(|before| before != version)
        {
            self.status.inbox_marks.fetch_add(1, Ordering::Release);
            self.watchers.iter_mut().for_each(|watcher| watcher());
        }
    }
}
