#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The selftest guest on Isola, one CPU, BIOS, QEMU's qemu64: every claim is a point."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import selftest, tap

selftest(tap, "isola")
tap.done()
