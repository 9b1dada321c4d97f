#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's Xen tools make, watch, save, restore and destroy domains of Debian's kernel. make
test-all: all that they do, with both store daemons, by Debian's own init script, on one CPU and on
two, with asi= and without; and what toolstack/extra.sh says."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, tap
from toolstack import NoImage, run_scenario

ALL_SECONDS = 3600
# On one CPU xl wants no second vCPU, and there is no CPU 1 to pin to: so it is on Xen, too.
NO_SECOND_CPU = {"vcpus-set2", "vcpus-pin"}
INITD_STEPS = 4
FOUR_MIB = 1536
# words, CPUs, the hypervisor's, seconds, and a CPU model: one with XSAVE has more to save
RUNS = [("scenario=create+saverestore", 2, "", 900, "--cpu", "Haswell-noTSX")]
if LONG:
    RUNS += [
        ("scenario=all", 2, "", ALL_SECONDS),
        ("scenario=all", 1, "", ALL_SECONDS),
        ("scenario=all xs=c", 2, "", ALL_SECONDS),
        ("scenario=all", 2, "asi=off", ALL_SECONDS),
        ("scenario=initd", 2, "", 900),
        ("scenario=extra parts=cpuid xs=c", 2, "", 900, "--cpu", "Haswell-noTSX"),
        ("scenario=extra parts=newest+disk+net+rounds xs=c", 2, "", ALL_SECONDS),
        ("scenario=extra parts=four xs=c", 2, "", ALL_SECONDS),
    ]

for words, cpus, hv, seconds, *options in RUNS:
    name = ", ".join([words, f"{cpus} CPU{'s' * (cpus > 1)}"] + ([hv] if hv else []) + options[1:])
    expected = {"failing": NO_SECOND_CPU} if "all" in words and cpus == 1 else {}
    if "initd" in words:
        expected["least"] = INITD_STEPS
    if "four" in words:
        expected["mem"] = FOUR_MIB
    try:
        well, figures, text = run_scenario(words, *options, cpus=cpus, hv=hv, seconds=seconds,
                                           **expected)
    except NoImage as why:
        tap.skip(name, str(why))
        continue
    tap.ok(well, f"{name}: {figures}", text)
tap.done()
