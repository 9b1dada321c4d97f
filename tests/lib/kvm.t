#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest on Isola under KVM, on one, two and four CPUs. Run by make test-kvm after a
probe."""
import os
import sys
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from isolatest import selftest, tap

for smp in (1, 2, 4):
    selftest(tap, f"kvm smp {smp}", ["--accel", "kvm", "--smp", str(smp)])
tap.done()
