//! Polls the tasks of all processes in one thread, in the order in which they were woken.

use crate::desk::ProcessId;
use crate::lock;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// `Send`, so that what runs here also runs in an executor of many threads.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type Ready = Arc<Mutex<VecDeque<u64>>>;

/// The tasks that are alive.
#[derive(Default)]
pub struct Executor {
    tasks: BTreeMap<u64, (ProcessId, Task)>,
    ready: Ready,
    spawned: u64,
}

struct Woken {
    task: u64,
    ready: Ready,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        let mut ready = lock(&self.ready);
        if !ready.contains(&self.task) {
            ready.push_back(self.task);
        }
    }
}

impl Executor {
    /// Adds a task that dies with its process.
    pub fn spawn(&mut self, process: ProcessId, task: impl Future<Output = ()> + Send + 'static) {
        self.spawned += 1;
        self.tasks.insert(self.spawned, (process, Box::pin(task)));
        lock(&self.ready).push_back(self.spawned);
    }

    /// Drops every task of the process, wherever it stands.
    pub fn kill(&mut self, process: ProcessId) {
        let dead: Vec<u64> = self
            .tasks
            .iter()
            .filter(|(_, (owner, _))| *owner == process)
            .map(|(task, _)| *task)
            .collect();
        for task in dead {
            self.tasks.remove(&task);
        }
    }

    /// Polls the task that was woken first; says whether there was one.
    pub fn poll_one(&mut self) -> bool {
        let Some(task) = lock(&self.ready).pop_front() else {
            return false;
        };
        let Some((_, future)) = self.tasks.get_mut(&task) else {
            return true;
        };
        let ready = Arc::clone(&self.ready);
        let waker = Waker::from(Arc::new(Woken { task, ready }));
        if let Poll::Ready(()) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.tasks.remove(&task);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_killed_process_drops_what_its_tasks_hold() {
        struct Held(Arc<Mutex<u32>>);
        impl Drop for Held {
            fn drop(&mut self) {
                *lock(&self.0) += 1;
            }
        }
        let dropped = Arc::new(Mutex::new(0));
        let mut executor = Executor::default();
        for process in [1, 1, 2] {
            let held = Held(Arc::clone(&dropped));
            executor.spawn(process, async move {
                futures::future::pending::<()>().await;
                drop(held);
            });
        }
        while executor.poll_one() {}
        executor.kill(1);
        assert_eq!(*lock(&dropped), 2);
    }
}
