//! Compiles documents: the function without any data.

fn main() {}
