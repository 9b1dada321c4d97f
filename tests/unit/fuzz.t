#!/bin/sh
# SPDX-License-Identifier: MIT
# The page-table files led by libFuzzer for 200,000 operations (`make fuzz`: ten million); the
# corpus is kept from run to run.
cd "$(dirname "$0")/../.." || exit 1
export FUZZ_CALLS="${FUZZ_CALLS:-$([ -n "${TEST_ALL:-}" ] && echo 20000000 || echo 200000)}"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
tests/unit/mm/run fuzz >"$log" 2>&1
if grep -q '^# calls .* no finding$' "$log"; then
	grep '^# calls' "$log"
	echo "ok 1 - libFuzzer finds nothing in $FUZZ_CALLS operations"
else
	tail -n 40 "$log" | sed 's/^/# /'
	echo "not ok 1 - libFuzzer finds nothing in $FUZZ_CALLS operations"
fi
# the program that was built for that
FUZZ_CALLS=0 "${O:-build}/tests/unit/mm/fuzz/fuzz" >"$log" 2>&1 && printf 'not '
grep -q 'nothing to find' "$log" || printf 'not '
echo "ok 2 - no operation at all is no success"
echo 1..2
