//! Rolling restarts: processes of a server behind the balancers of `deploy/`, and load that notices
//! each lost request.
//!
//! The program `backend` is the server. The tests in `tests/` restart it under load for some seconds;
//! the program `rolling`, which `deploy/rolling.sh` runs, does so for minutes and prints a table.

pub mod chain;
#[path = "../../interop/deployed.rs"]
pub mod deployed;
pub mod echo;
pub mod fleet;
pub mod h2load;
pub mod load;
#[path = "../../interop/peer.rs"]
#[allow(dead_code)]
mod peer;
