//! Finds what is due.

fn main() {}
