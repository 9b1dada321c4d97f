#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest on Isola in Bochs, as an Intel processor with x2APIC and TSC deadline, which
TCG has not; make test-all adds an AMD one. Bochs is slow: about half a minute each."""
import os
import shutil
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, TOP, selftest, tap

for cpu in ("corei7_haswell_4770",) + (("ryzen",) if LONG else ()):
    if shutil.which("bochs"):
        selftest(tap, f"bochs {cpu}", ["--cpu", cpu, "--mem", "128"], timeout=240,
                 program=os.path.join(TOP, "tools/bochs-run"))
    else:
        tap.skip(f"bochs {cpu}", "bochs is not installed")
tap.done()
