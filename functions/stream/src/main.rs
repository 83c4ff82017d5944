//! Streams the events of a run.

fn main() {}
