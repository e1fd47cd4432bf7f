#!/usr/bin/env bash
# Runs Ethereum's state tests and block tests of a fixtures folder, interpreted
# and, where it can run, as native code, and closes with one line over all runs:
# "N passed, N failed, N skipped". The folder holds the archives *-state-*.tar.zst
# and *-block-*.tar.zst, or, as unpacked from a release of
# ethereum/execution-spec-tests, state_tests/ and blockchain_tests/.
set -euo pipefail
shopt -s nullglob

sequencer=$(dirname "$0")/../bin/sequencer
fixtures=${1:?usage: test/conformance.sh DIR}
state=("$fixtures"/*-state-*.tar.zst "$fixtures"/state_tests)
block=("$fixtures"/*-block-*.tar.zst "$fixtures"/blockchain_tests)
# A name without a wildcard stays in the list when nothing is there.
[ -d "$fixtures/state_tests" ] || unset 'state[-1]'
[ -d "$fixtures/blockchain_tests" ] || unset 'block[-1]'
if [ ${#state[@]} = 0 ] || [ ${#block[@]} = 0 ]; then
	echo "conformance: no state or block tests in $fixtures"
	echo "Download a release of https://github.com/ethereum/execution-spec-tests and say FIXTURES=dir."
	exit 1
fi

engines=(interp)
[ "$(uname -sm)" = "Linux x86_64" ] && engines+=(native)

report=$(mktemp)
trap 'rm -f "$report"' EXIT
status=0
for engine in "${engines[@]}"; do
	echo "conformance: $engine"
	"$sequencer" evm statetest --engine "$engine" "${state[@]}" | tee -a "$report" || status=1
	"$sequencer" evm blocktest --engine "$engine" "${block[@]}" | tee -a "$report" || status=1
done

awk -v runs_wanted=$((2 * ${#engines[@]})) '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { passed += $1; failed += $3; skipped += $5; runs++ }
     END { if (runs != runs_wanted) { print "conformance: a run did not end with its counts"; exit 1 }
           printf "conformance: all runs\n%d passed, %d failed, %d skipped\n", passed, failed, skipped
           if (passed == 0 || failed > 0) exit 1 }' "$report" || status=1
exit $status
