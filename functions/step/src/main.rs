//! Carries runs on, a batch of messages at a time.

fn main() {}
