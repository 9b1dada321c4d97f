#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The hostile fuzz guest: 2 * 10^5 random operations on 2 vCPUs and some on 4, recounted every
1,000 operations. What is listed in tests/hfuzz/reached.list must nearly all be reached, so that the
fuzz cannot become empty unnoticed. `make test-all`: more, and the planted bugs. A failure names the
seed and the last operations of each vCPU."""
import os
import sys
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../hfuzz")]
from isolatest import LONG, audited, tap  # noqa: E402
from hfuzz import fuzz  # noqa: E402

SHARE = 95                      # percent of the listed pairs
RUNS = [(2, 1, 200000), (4, 2, 10000)]          # vCPUs, seed, operations
LONG_RUNS = [(1, 3, 100000), (2, 4, 1000000), (4, 5, 500000), (4, 6, 500000)]


def listed():
    with open(os.path.join(HERE, "../hfuzz/reached.list"), encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                name, _, results = line.partition(":")
                yield from ((name, result) for result in results.split())


hypervisor = audited()
for vcpus, seed, ops in RUNS + (LONG_RUNS if LONG else []):
    outcome = fuzz(hypervisor, seed=seed, ops=ops, vcpus=vcpus, timeout=300 + ops / 200)
    name = f"{vcpus} vCPUs, seed {seed}, {ops} operations"
    tap.ok(not outcome.wrong, f"{name}: the hypervisor stands and every count is right",
           outcome.explain())
    if ops >= 200000:
        pairs = list(listed())
        missing = [f"{op}: {result}" for op, result in pairs
                   if result not in outcome.table.get(op, {})]
        tap.ok(len(pairs) > 300 and 100 * len(missing) <= (100 - SHARE) * len(pairs),
               f"{name}: of {len(pairs)} pairs of operation and result {len(pairs) - len(missing)} "
               "are reached", "\n".join(missing))
tap.done()
