#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""--icount is deterministic: two runs of the whole selftest print the same bytes, clocks and
calibration included. And claims that measure the hypervisor's time, which no host disturbs there.
"""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import POWERED_OFF, SELFTEST, isola_run, tap

runs = [isola_run("--icount", SELFTEST) for _ in range(2)]
tap.ok(all(status == POWERED_OFF for status, _, _ in runs), "both runs end in order",
       f"{runs[0][2]}{runs[1][2]}")
one, two = (output.splitlines() for _, output, _ in runs)
first = next(((a, b) for a, b in zip(one, two) if a != b), None)
tap.ok(len(one) > 50 and one == two, "both print the same",
       f"{first}, {len(one)} and {len(two)} lines")

status, output, errors = isola_run("--icount", SELFTEST, "claims=tools/cap_holds")
tap.ok(status == POWERED_OFF and "\nok 1 - tools/cap_holds" in output and "# SKIP" not in output,
       "a cap holds", output[-1500:] + errors)
tap.done()
