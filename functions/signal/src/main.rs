//! Answers, cancels, reads.

fn main() {}
