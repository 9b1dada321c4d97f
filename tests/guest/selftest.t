#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest on Isola, one CPU, BIOS, QEMU's qemu64: every claim is a point; those about
PCI configuration in memory on a q35 too. And words that choose no claim are no success."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import GUEST_CRASHED, LONG, SELFTEST, WITH_MESSAGES, isola_run, selftest, tap

selftest(tap, "isola", WITH_MESSAGES)
selftest(tap, "isola q35", ["--machine", "q35", *WITH_MESSAGES], "claims=mmcfg/*")
if LONG:
    selftest(tap, "10,000 domains", ["--smp", "2"], "claims=life/many rounds=10000", timeout=400)
for words, name in (("only=event", "event"), ("claims=start/magic,start/magick", "start/magick"),
                    ("claims=", "")):
    status, output, errors = isola_run(SELFTEST, words)
    tap.ok(status == GUEST_CRASHED and f'Bail out! no claim is called "{name}"' in output and
           "all claims hold" not in output
           and "\nok " not in output, f"{words}: nothing is run, and that is told",
           f"status {status}\n{output[-1500:]}{errors}")
tap.done()
