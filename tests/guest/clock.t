#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The guest's clock against the machine's real-time clock, and of several vCPUs against each other,
while they move; make test-all: on a second kind of processor, too."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, selftest, tap

CLAIMS = "rtc claims=timers/clock*,timers/version*,turns/one_clock"

for cpu in ("qemu64", "Haswell-noTSX") if LONG else ("qemu64",):
    selftest(tap, f"4 vCPUs on 2 CPUs, {cpu}",
             ("--smp", "2", "--cpu", cpu, "--hv", "dom0_max_vcpus=4"), CLAIMS)
tap.done()
