#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An event channel between two domains, each a selftest guest: events wake who sleeps on its own
CPU, on another, and when the two share one (tests/guest/claims/channel.c)."""
import os
import re
import sys
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib")]
from isolatest import POWERED_OFF, SELFTEST, isola_run, tap


def domain(name, peer, words=""):
    return "--domain", SELFTEST, f"domain={name} mem=32M {words} -- claims=channel/* peer={peer}"


def faults(output):
    """What is missing of both domains' ends."""
    for name in ("one", "two"):
        for line in (r"ok 1 - channel/life:(?!.*# SKIP)", r"ok 2 - channel/refusals:(?!.*# SKIP)",
                     "# selftest ends: all claims hold$"):
            if not re.search(rf"^\({name}\) {line}", output, re.M):
                yield f"no ({name}) {line}"


for cpus, first, second in (("1", "", ""), ("2", "pin=0", "pin=1"), ("2", "", "vcpus=2")):
    status, output, errors = isola_run("--mem", "128", "--smp", cpus, *domain("one", 2, first),
                                       *domain("two", 1, second), timeout=100)
    found = list(faults(output))
    tap.ok(status == POWERED_OFF and not found,
           f"{cpus} CPUs {first} {second}: 300 events each way, two closes, a second binding",
           "\n".join(found) + "\n" + output[-3000:] + errors)
tap.done()
