//! The harness in small.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

#[test]
fn forty_subscribers_dropped_eight_times_each_miss_nothing() {
    let words = "--subscribers 40 --events 1500 --drops 8 --slow 1 --seed 5";
    let output = Command::new(env!("CARGO_BIN_EXE_lattice-streams"))
        .args(words.split(' '))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    let figure = |name: &str| -> u64 {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name));
        let figure = line.unwrap_or_else(|| panic!("no `{name}` in\n{said}{errors}"));
        figure.trim().parse().unwrap()
    };
    assert_eq!(figure("subscribers"), 40);
    let events = figure("events of the run");
    assert!(events >= 1_500, "{said}");
    // Five of them begin in the middle.
    let told = figure("events told");
    assert!((35 * events..=40 * events).contains(&told), "{said}");
    let drops = figure("drops on purpose");
    assert!((290..=320).contains(&drops), "{said}");
    // All but the drop before the first event, and that too where one had come by then.
    let resumed = figure("streams resumed behind an event, by the server");
    assert!(resumed >= drops - 40, "{said}");
    assert!(figure("pieces of live text told") > 0, "{said}");
    for nothing in [
        "gaps",
        "repeats",
        "events unlike the stored ones",
        "incomplete",
    ] {
        assert_eq!(figure(nothing), 0, "{said}");
    }
    assert_eq!(figure("cut off as slow, by the server"), 1, "{said}");
    assert_eq!(figure("cut off for other reasons"), 0, "{said}");
    // What is replayed for late readers is no lag: it would be beyond the last bucket.
    let lag = said
        .lines()
        .find_map(|line| line.strip_prefix("append to frame, p99 in ms (bucket)"));
    let lag: f64 = lag.unwrap_or_default().trim().parse().unwrap();
    assert!(lag.is_finite(), "{said}");
    let lay = figure("bytes that lay in the system's buffers, most");
    assert!(lay > 0, "{said}");
}
