#!/usr/bin/env bash
# Runs what `cargo test --workspace` runs, but several programs at a time, since most tests wait for
# the most part: as many programs as there are processors, and one more. The examples are among them.
# The argument is a part of `.ci/run`: `core`, `peers`, or `all`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Packages whose tests run other implementations.
with_peers=(h2-sync-deploy h2-sync-grpc-interop h2-sync-interop)
case ${1-all} in
    core) packages=(--workspace "${with_peers[@]/#/--exclude=}") ;;
    peers) packages=("${with_peers[@]/#/--package=}") ;;
    *) packages=(--workspace) ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export folder

# Prints name, directory and program of each test, those that take longest first.
programs() {
    python3 -c '
import json, os, sys
first = ["h2_sync_interop", "h2_sync_hostile", "interop", "h2_sync", "h2_sync_faults"]
found = []
for line in sys.stdin:
    message = json.loads(line)
    if message.get("profile", {}).get("test") and message.get("executable"):
        manifest = os.path.dirname(message["manifest_path"])
        target = message["target"]["name"]
        rank = first.index(target) if target in first else len(first)
        name = os.path.relpath(manifest) + " " + target
        found.append((rank, name, manifest, message["executable"]))
for _, *test in sorted(found):
    print(*test, sep="\n")
'
}

# Runs one program. Its output is kept if it fails, for the end: between that of hundreds of tests that
# pass, a reader would not find it.
run_one() {
    local name=$1 start=$SECONDS status=0 log
    log=$(mktemp -p "$folder")
    cd "$2"
    timeout 900 "${@:3}" >"$log" 2>&1 || status=$?
    printf '%s: %d s, status %d\n' "$name" $((SECONDS - start)) "$status"
    ((status == 0)) || mv "$log" "$folder/failed ${name//\//-}"
    return "$status"
}
export -f run_one

# What failed: all of the output, and then, where a reader begins, the names.
failures() {
    local log
    for log in "$folder/failed "*; do
        printf '\n== %s\n' "${log##*/}"
        cat "$log"
    done
    printf '\n== summary\n'
    for log in "$folder/failed "*; do
        printf '%s\n' "${log##*/}"
        grep -aE '^test .* FAILED$|panicked at' "$log" || tail -n 5 "$log"
        # Those that ran until the program was stopped.
        sed -n 's/^test \(.*\) has been running for over 60 seconds$/\1/p' "$log" | while read -r test; do
            grep -aqE "^test $test \.\.\. (ok|FAILED)$" "$log" || printf 'no end: %s\n' "$test"
        done
    done
}

cargo test "${packages[@]}" --no-run --message-format json-render-diagnostics >"$folder/messages"
[[ ${1-all} != peers ]] || cargo build -p h2-sync -p h2-sync-tools --features h2-sync/handover --examples --bins
{
    [[ ${1-all} == core ]] || printf '%s\n' 'examples' "$PWD" .ci/examples.sh
    programs <"$folder/messages"
} | xargs -d '\n' -n 3 -P $(($(nproc) + 1)) bash -c 'run_one "$@"' run_one || {
    failures
    exit 1
}
