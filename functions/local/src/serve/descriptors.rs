//! Open files: each connection needs one, and systems start programs with few.

use lattice_model::limits::{CONNECTIONS_MAX, DESCRIPTORS_KEPT};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the system allows.
#[derive(Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// Connections that can be open at the same time.
    pub connections_max: usize,
    /// What an operator should know, if it is less than wanted.
    pub note: Option<String>,
}

/// Raises this process's own limit as far as it needs and may.
pub fn raise() -> Descriptors {
    let limit = getrlimit(Resource::Nofile);
    let wanted = (CONNECTIONS_MAX + DESCRIPTORS_KEPT) as u64;
    let open = limit.current.unwrap_or(u64::MAX);
    if open >= wanted {
        return judge(open);
    }
    let current = limit.maximum.unwrap_or(u64::MAX).min(wanted);
    let raised = Rlimit {
        current: Some(current),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => {
            tracing::info!(
                from = open,
                to = current,
                "the limit of open files is raised"
            );
            judge(current)
        }
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            judge(open)
        }
    }
}

fn judge(open: u64) -> Descriptors {
    let open = usize::try_from(open).unwrap_or(usize::MAX);
    let connections_max = open
        .saturating_sub(DESCRIPTORS_KEPT)
        .clamp(1, CONNECTIONS_MAX);
    let note = (connections_max < CONNECTIONS_MAX).then(|| {
        format!(
            "at most {connections_max} connections: the system allows {open} open files; \
             raise that with `ulimit -n {}`",
            CONNECTIONS_MAX + DESCRIPTORS_KEPT
        )
    });
    Descriptors {
        connections_max,
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_does_not_allow_is_said() {
        let enough = (CONNECTIONS_MAX + DESCRIPTORS_KEPT) as u64;
        assert_eq!(judge(enough).note, None);
        assert_eq!(judge(u64::MAX).connections_max, CONNECTIONS_MAX);
        let few = judge(1_024);
        assert_eq!(few.connections_max, 1_024 - DESCRIPTORS_KEPT);
        assert!(
            few.note
                .is_some_and(|note| note.contains("1024 open files"))
        );
        assert_eq!(judge(3).connections_max, 1);
    }
}
