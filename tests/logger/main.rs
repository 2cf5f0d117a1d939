//! What the application's logger is told, and that it is called without a lock.
//!
//! All tests share one logger. It uses the connections of all tests for each line.

mod access;
mod capture;
mod levels;
mod locks;
#[path = "../support/mod.rs"]
mod support;
