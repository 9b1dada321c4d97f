#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest on the machines of matrix.list. make test-all adds the rest of the list, and
boots one machine ten times over: a failure that comes once in ten shows there."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, SELFTEST, isola_run, rows_of, selftest, tap

for name, options in rows_of(os.path.join(os.path.dirname(os.path.realpath(__file__)),
                                          "matrix.list")):
    selftest(tap, name, options.split())
if LONG:
    for turn in range(10):
        status, output, errors = isola_run("--smp", "4", SELFTEST)
        tap.ok(status == 0 and "\nnot ok" not in output, f"smp 4, turn {turn + 1} of 10",
               output[-2000:] + errors)
tap.done()
