//! The local engine that the tests talk to: found, or started, once per process.
