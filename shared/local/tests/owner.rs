//! One owner at a time; guests beside it; files that only the owner of the account can read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use lattice_ir::{Missed, Overlap, Schedule, TriggerKind};
use lattice_local::{Holder, LocalError, LocalOptions, LocalStore};
use lattice_model::{NodeId, Seq, Tenant, TriggerId, WorkflowId};
use lattice_ports::suites::sample::{Chain, NOON, item, run};
use lattice_ports::{
    FiringNote, Inbox, InboxPut, Pause, PortError, Put, RunIndex, RunLog, TriggerRow, Triggers,
};
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

fn open(dir: &Path) -> Result<LocalStore, LocalError> {
    LocalStore::open(dir, &LocalOptions::default())
}

#[test]
fn a_second_owner_is_told_who_has_the_directory_until_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let owner = open(dir.path()).unwrap();
    let boot = owner.boot().unwrap().clone();
    let error = open(dir.path()).unwrap_err();
    let said = error.to_string();
    let LocalError::Owned { holder, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(
        (holder.pid, holder.boot),
        (Some(std::process::id()), Some(boot.clone()))
    );
    assert!(said.contains(&format!("process {}", std::process::id())) && said.contains("--data"));
    let clone = owner.clone();
    drop(owner);
    assert!(open(dir.path()).is_err(), "a clone still owns it");
    drop(clone);
    assert_ne!(open(dir.path()).unwrap().boot(), Some(&boot));
}

/// The lock file as another process sees it.
fn holder(dir: &Path) -> Holder {
    Holder::read(&File::open(dir.join("lattice.lock")).unwrap())
}

#[test]
fn an_owner_tells_where_it_answers_until_the_next_one_comes() {
    let dir = tempfile::tempdir().unwrap();
    let owner = open(dir.path()).unwrap();
    let before = holder(dir.path());
    assert_eq!(before.url, None);
    // A shorter address leaves nothing of the longer one behind.
    for url in [
        "http://127.0.0.1:4870/a/long/way",
        "http://[::1]:1",
        "http://127.0.0.1:4870",
    ] {
        owner.announce(url).unwrap();
        let expected = Holder {
            url: Some(url.to_owned()),
            ..before.clone()
        };
        assert_eq!(holder(dir.path()), expected);
        let error = open(dir.path()).unwrap_err();
        let LocalError::Owned { holder, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(holder, expected);
    }
    let refused = LocalStore::open_guest(dir.path())
        .unwrap()
        .announce("http://x");
    assert!(matches!(refused, Err(LocalError::Guest { .. })));
    let boot = owner.boot().cloned();
    drop(owner);
    let next = open(dir.path()).unwrap();
    assert_eq!(holder(dir.path()).url, None);
    assert_eq!(holder(dir.path()).boot.as_ref(), next.boot());
    assert_ne!(next.boot(), boot.as_ref());
}

/// Whoever reads while the owner writes finds a whole text.
#[test]
fn the_lock_file_is_readable_while_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let owner = open(dir.path()).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..2_000 {
                owner.announce(&"u".repeat(1 + number % 40)).unwrap();
            }
        });
        while !writer.is_finished() {
            assert_eq!(holder(dir.path()).pid, Some(std::process::id()));
        }
    });
}

#[test]
fn directory_and_files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("some/data");
    let store = open(&data).unwrap();
    block_on(store.append(Put::of(Chain::new(run(1)).seal("one", 1)))).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = data
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_named_with_a_remedy() {
    // Nobody can make a file there, not even root.
    let error = open(Path::new("/sys")).unwrap_err();
    assert!(matches!(error, LocalError::ReadOnly { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("`/sys`") && said.contains("permissions"),
        "{said}"
    );
}

#[test]
fn a_directory_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = open(file.path()).unwrap_err();
    assert!(matches!(error, LocalError::Io { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&file.path().display().to_string())
    );
}

#[test]
fn a_newer_file_is_left_untouched() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let path = dir.path().join("lattice.db");
    let set = |version: u32| {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.pragma_update(None, "user_version", version).unwrap();
    };
    set(99);
    for error in [
        open(dir.path()).unwrap_err(),
        LocalStore::open_guest(dir.path()).unwrap_err(),
    ] {
        assert!(
            matches!(
                error,
                LocalError::Newer {
                    found: 99,
                    known: 5,
                    ..
                }
            ),
            "{error}"
        );
    }
    set(0);
    let error = LocalStore::open_guest(dir.path()).unwrap_err();
    assert!(
        matches!(
            error,
            LocalError::Older {
                found: 0,
                known: 5,
                ..
            }
        ),
        "{error}"
    );
    set(5);
    assert!(open(dir.path()).is_ok());
}

#[test]
fn a_guest_reads_and_puts_items_and_the_owner_notices() {
    let dir = tempfile::tempdir().unwrap();
    let error = LocalStore::open_guest(dir.path()).unwrap_err();
    assert!(matches!(error, LocalError::Empty { .. }), "{error}");
    let owner = open(dir.path()).unwrap();
    let (noticed, notices) = mpsc::channel();
    owner.watch_foreign_writes(move || noticed.send(()).unwrap());
    let commit = Chain::new(run(1)).seal("one", 1);
    block_on(owner.append(Put::of(commit.clone()))).unwrap();
    // Its own writes are no news to the owner.
    assert!(notices.recv_timeout(Duration::from_millis(200)).is_err());

    let guest = LocalStore::open_guest(dir.path()).unwrap();
    assert_eq!(guest.boot(), None);
    assert_eq!(block_on(guest.load(&run(1), Seq::FIRST)).unwrap(), [commit]);
    assert_eq!(block_on(owner.unread(&run(1), 9)).unwrap(), []);
    let put = block_on(guest.put_item(item(&run(1), "i", "yes"))).unwrap();
    assert_eq!(put, InboxPut::Stored);
    notices.recv_timeout(Duration::from_secs(5)).unwrap();
    // Whoever knew the inbox to be empty does not think so any more.
    assert_eq!(block_on(owner.unread(&run(1), 9)).unwrap().len(), 1);
    assert_eq!(block_on(owner.runs_with_unread(9)).unwrap(), [run(1)]);

    let refused = block_on(guest.append(Put::of(Chain::new(run(2)).seal("two", 1)))).unwrap_err();
    assert!(matches!(refused, PortError::ReadOnly { .. }), "{refused}");
    assert_eq!(block_on(owner.load(&run(2), Seq::FIRST)).unwrap(), []);
}

/// What a guest put while the owner did not watch yet is news once it does.
#[test]
fn an_owner_that_watches_late_has_missed_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let owner = open(dir.path()).unwrap();
    let guest = LocalStore::open_guest(dir.path()).unwrap();
    block_on(owner.append(Put::of(Chain::new(run(1)).seal("one", 1)))).unwrap();
    block_on(guest.put_item(item(&run(1), "i", "yes"))).unwrap();
    let (noticed, notices) = mpsc::channel();
    owner.watch_foreign_writes(move || noticed.send(()).unwrap());
    notices.recv_timeout(Duration::from_secs(5)).unwrap();
}

#[test]
fn a_guest_needs_no_owner() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let guest = LocalStore::open_guest(dir.path()).unwrap();
    block_on(guest.put_item(item(&run(1), "i", "yes"))).unwrap();
    let owner = open(dir.path()).unwrap();
    assert_eq!(block_on(owner.unread(&run(1), 9)).unwrap().len(), 1);
    assert_eq!(block_on(owner.head(&run(1))).unwrap(), None);
}

/// A person who pauses a schedule need not own the directory; who notes a firing has to.
#[test]
fn a_guest_pauses_a_schedule_and_changes_nothing_else_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let owner = open(dir.path()).unwrap();
    let row = TriggerRow {
        id: TriggerId::new("tr_a"),
        tenant: Tenant::local(),
        workflow: WorkflowId::new("w"),
        node: NodeId::new("tick"),
        on: TriggerKind::Schedule(Schedule {
            expression: "rate(5 minutes)".to_owned(),
            timezone: "UTC".to_owned(),
            input: serde_json::json!({}),
            overlap: Overlap::Skip,
            missed: Missed::Once,
        }),
        stored_at: NOON,
        pause: None,
        note: FiringNote::default(),
    };
    block_on(owner.put_trigger(row.clone())).unwrap();
    let guest = LocalStore::open_guest(dir.path()).unwrap();
    let pause = Pause {
        since: NOON,
        until: None,
    };
    assert!(block_on(guest.pause_trigger(&row.id, pause)).unwrap());
    let paused = block_on(owner.trigger(&row.id)).unwrap().unwrap();
    assert_eq!(paused.pause, Some(pause));
    let note = row.note.changed(|note| note.skipped = Some(NOON));
    for refused in [
        block_on(guest.note_firing(&row.id, note)).map(drop),
        block_on(guest.put_trigger(row.clone())),
        block_on(guest.delete_trigger(&row.id)),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, PortError::ReadOnly { .. }), "{error}");
    }
}
