//! What the machine was doing: read from `/proc` where there is one.

use serde::Serialize;

/// The machine at the start of a measurement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// The load average of the last minute; unknown without `/proc`.
    pub load_1_min: Option<f64>,
    /// Whether this build was optimised; a debug build measures little.
    pub optimised: bool,
}

/// Clock ticks a second, in which `/proc` counts CPU time: 100 on every Linux that Rust supports.
const TICKS_PER_S: f64 = 100.0;

impl Machine {
    /// Looks at the machine.
    pub fn look() -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        let first = load.as_deref().and_then(|text| text.split(' ').next());
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_1_min: first.and_then(|text| text.parse().ok()),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// CPU seconds that this process has used; unknown without `/proc`.
pub fn cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the process may hold spaces; the fields are counted behind its parenthesis.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_S)
}

/// Resident memory in MB; unknown without `/proc`.
pub fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kb: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kb / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::{cpu_s, resident_mb};

    #[test]
    fn what_proc_says_is_read() {
        if std::path::Path::new("/proc/self/stat").exists() {
            assert!(cpu_s().is_some_and(|seconds| seconds >= 0.0));
            assert!(resident_mb().is_some_and(|mb| mb > 1.0));
        }
    }
}
