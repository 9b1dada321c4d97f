#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The time of day that dom0 sets is that of a domain which never leaves its CPU, at once."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, POWERED_OFF, SELFTEST, isola_run, tap
from planting import planted

FOLLOW = "claims=wallclock/follows follow"
PLANTED = (
    ("nobody else is told", "arch/x86/asi/pvclock.c",
     "\t\t\tsoftirq_raise_on(cpu, SOFTIRQ_CLOCK);\n",
     "\t\t\tif (cpu == smp_cpu_id())\n\t\t\t\tsoftirq_raise(SOFTIRQ_CLOCK);\n"),
)


def follows(*options):
    """What was seen, if that was wrong."""
    status, text, errors = isola_run(*options, "--smp", "2", "--mem", "192", "--hv",
                                     "dom0_mem=64M dom0_max_vcpus=1", "--domain", SELFTEST,
                                     f"domain=web mem=40M -- {FOLLOW}", SELFTEST, FOLLOW)
    good = status == POWERED_OFF and "\n(web) ok 1 - wallclock/follows" in text
    return None if good else f"{status}\n{text[-3000:]}{errors}"


wrong = follows()
tap.ok(not wrong, "a domain that runs on sees dom0's settime", wrong)
if LONG:
    for (what, *_), hypervisor, why in planted(PLANTED):
        tap.ok(hypervisor and follows("--hypervisor", hypervisor), f"noticed: {what}", why)
tap.done()
