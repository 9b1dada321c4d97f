#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest's claims about turns: many vCPUs on few CPUs, on as many as the host has and
on more, pinned, and where the emulator counts instructions, so that a latency is the hypervisor's
own."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import selftest, tap

TURNS = (
    ("9 vCPUs on 2 CPUs", ("--smp", "2", "--hv", "dom0_max_vcpus=9"), "claims=turns/*"),
    ("6 vCPUs on 4 CPUs", ("--smp", "4", "--hv", "dom0_max_vcpus=6"),
     "claims=turns/shares*,turns/places,turns/one_clock"),
    ("32 vCPUs on 2 CPUs", ("--smp", "2", "--hv", "dom0_max_vcpus=32"),
     "claims=turns/all_at_once,turns/one_clock,turns/places"),
    ("4 vCPUs pinned to 2 CPUs", ("--smp", "2", "--hv", "dom0_max_vcpus=4 dom0_vcpus_pin"),
     "pinned claims=turns/*"),
    ("5 vCPUs, instructions counted", ("--icount", "--hv", "dom0_max_vcpus=5"),
     "exact claims=turns/*"),
)

for name, options, cmdline in TURNS:
    selftest(tap, name, options, cmdline, timeout=180)
tap.done()
