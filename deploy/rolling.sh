#!/usr/bin/env bash
# Restarts servers under load, time after time, and prints what clients have seen: two processes behind
# HAProxy in turn, or one that hands its socket over to a successor.
#
#   deploy/rolling.sh [MINUTES] [haproxy | hand-over]      default: 10 haproxy
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release -p h2-sync-deploy
exec target/release/rolling target/release/backend "${1:-10}" "${2:-haproxy}"
