#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest with several vCPUs: all claims with two on two CPUs, every reference recounted
after each file of them; those about several also with four on two CPUs. make test-all: those about
races of two requests with four, too, with eight (some are used up, as a vCPU is initialised once),
and on Debian's Xen 4.17."""
import os
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, TOP, WITH_MESSAGES, audited, selftest, tap

RACES = "claims=smp/*,races/*,transitions/race*"
MANY = ["--smp", "2", "--hv", "dom0_max_vcpus=8"]


def on_xen():
    if subprocess.run([os.path.join(TOP, "tools/fetch-guests"), "xen"], stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE).returncode:
        tap.skip("xen smp: the races", "no Xen here")
        return
    # Genuine Xen writes a line for each refusal: 30,000 of them and more, at the pace of a serial
    # line, are time that claims do not have.
    selftest(tap, "xen 8 vCPUs on 2", MANY + ["--hv", MANY[-1] + " guest_loglvl=none"], RACES,
             timeout=300, program=os.path.join(TOP, "tools/oracle-run"))


selftest(tap, "isola smp", ["--smp", "2", "--hypervisor", audited(), *WITH_MESSAGES], timeout=300)
selftest(tap, "isola 4 vCPUs on 2", ["--smp", "2", "--hv", "dom0_max_vcpus=4"],
         RACES if LONG else "claims=smp/*,races/*", timeout=300)
if LONG:
    selftest(tap, "isola 8 vCPUs on 2", MANY, "claims=races/*", timeout=300)
    on_xen()
tap.done()
