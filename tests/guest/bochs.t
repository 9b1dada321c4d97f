#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest on Isola in Bochs, as an Intel processor with x2APIC and TSC deadline, which
TCG has not; make test-all adds an AMD one. Bochs is slow: about half a minute each. And the PVH
guest: on an AMD one, whose exits say where the next instruction is, and on VMX, which TCG lacks."""
import os
import re
import shutil
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, PVH_GUEST, TOP, selftest, tap

BOCHS = os.path.join(TOP, "tools/bochs-run")


def pvh(cpu, word):
    done = subprocess.run(
        [BOCHS, "--cpu", cpu, "--mem", "128", "--timeout", "120", "--domain", PVH_GUEST,
         f"domain=hw mem=48M type=pvh vcpus=2 onend=halt -- {word}"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    lines = re.findall(r"^\(hw\) (.*)", done.stdout.decode("utf-8", "replace").replace("\r", ""),
                       re.M)
    bad = [line for line in lines if line.startswith("not ok")]
    tap.ok(done.returncode == 0 and "# selftest ends: all claims hold" in lines and
           sum(line.startswith("ok ") for line in lines) > 70,
           f"bochs {cpu}: all claims of the PVH guest, on two vCPUs", "\n".join(bad or lines[-20:]))


for cpu in ("corei7_haswell_4770",) + (("ryzen",) if LONG else ()):
    if shutil.which("bochs"):
        selftest(tap, f"bochs {cpu}", ["--cpu", cpu, "--mem", "128"], timeout=240,
                 program=BOCHS)
    else:
        tap.skip(f"bochs {cpu}", "bochs is not installed")
if shutil.which("bochs"):
    pvh("ryzen", "bochs")
    pvh("corei7_haswell_4770", "vmx")
else:
    tap.skip("bochs pvh", "bochs is not installed")
tap.done()
