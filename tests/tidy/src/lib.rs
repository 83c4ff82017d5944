//! The repository checks itself: plain tests over its own files, one module per rule.
//!
//! Each rule is a function from text to complaints. One test feeds it the repository, another
//! feeds it something wrong, so that a rule which has gone blind is noticed.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clippy_config;
mod floors;
mod guards;
mod licences;
mod links;
mod problem_pages;
mod purity;
mod repo;
mod shelf;
mod sources;
mod words;
