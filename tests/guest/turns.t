#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest's claims about turns: many vCPUs on few CPUs, pinned, and where the emulator
counts instructions, so that a latency is the hypervisor's own: in make test without those claims
that are about shares, which take the longest there. make test-all: also on more CPUs than the host
has, and as many vCPUs as a domain may have."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, selftest, tap

TURNS = (
    ("9 vCPUs on 2 CPUs", ("--smp", "2", "--hv", "dom0_max_vcpus=9"), "claims=turns/*"),
    ("4 vCPUs pinned to 2 CPUs", ("--smp", "2", "--hv", "dom0_max_vcpus=4 dom0_vcpus_pin"),
     "pinned claims=turns/*"),
    ("5 vCPUs, instructions counted", ("--icount", "--hv", "dom0_max_vcpus=5"),
     "exact claims=" + ("turns/*" if LONG else "turns/wake*")),
)
MANY = (
    ("6 vCPUs on 4 CPUs", ("--smp", "4", "--hv", "dom0_max_vcpus=6"),
     "claims=turns/shares*,turns/places,turns/one_clock"),
    ("32 vCPUs on 2 CPUs", ("--smp", "2", "--hv", "dom0_max_vcpus=32"),
     "claims=turns/all_at_once,turns/one_clock,turns/places"),
)

for name, options, cmdline in TURNS + (MANY if LONG else ()):
    selftest(tap, name, options, cmdline, timeout=180)
tap.done()
