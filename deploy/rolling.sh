#!/usr/bin/env bash
# Restarts two processes behind HAProxy under load, in turns, and prints what clients have seen.
#
#   deploy/rolling.sh [MINUTES]      default: 10
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release -p h2-sync-deploy
exec target/release/rolling target/release/backend "${1:-10}"
