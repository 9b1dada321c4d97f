#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The selftest guest with two vCPUs on two CPUs: all claims on Isola, those about races on Debian's Xen 4.17 too."""
import os
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import TOP, selftest, tap

selftest(tap, "isola smp", ["--smp", "2"], timeout=300)
if subprocess.run([os.path.join(TOP, "tools/fetch-guests"), "xen"], stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode:
    tap.skip("xen smp: the races", "no Xen here")
else:
    selftest(tap, "xen smp", ["--smp", "2"], "claims=smp/*", timeout=300, program=os.path.join(TOP, "tools/oracle-run"))
tap.done()
