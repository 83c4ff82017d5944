//! The system on AWS's own interfaces, tested without an account: an engine that speaks them, and
//! what is driven through it.

pub mod clock;
pub mod cloud_test;
pub mod deploy;
pub mod drive;
pub mod engine;
pub mod http;
pub mod proxy;
pub mod stay;
