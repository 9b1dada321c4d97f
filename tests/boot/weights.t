#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Domains that always want to run get what weight= and cap= say, within 5 % over a second: on one,
two and four CPUs, with one and two vCPUs each (tests/guest/claims/weights.c). make test-all;
quick, and in simulated time: tests/unit/sched.t."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, POWERED_OFF, SELFTEST, isola_run, tap

ICOUNT = ["--qemu-arg=-icount", "--qemu-arg=shift=0,sleep=off"]


def shared(what, cpus, ms, *domains):
    """@domains: name, its words, how many in a thousand of a CPU it is to get."""
    words = [word for name, settings, share in domains
             for word in ("--domain", SELFTEST, f"domain={name} mem=40M {settings} -- "
                          f"claims=weights/share share={share} ms={ms}")]
    status, output, errors = isola_run("--smp", str(cpus), *ICOUNT, "--mem", "256", *words,
                                       timeout=300)
    held = re.findall(r"^\((\w+)\) ok 1 - weights/share: (?!.*# SKIP)", output, re.M)
    tap.ok(status == POWERED_OFF and sorted(held) == sorted(name for name, _, _ in domains),
           f"{what}, {ms} ms on {cpus} CPUs",
           "\n".join(re.findall(r".*#   .*", output)) + f"\n{output[-600:]}{errors}")


if not LONG:
    tap.skip("weights and caps over a second", "it takes a minute: make test-all")
else:
    for cpus in (1, 2):
        shared("weights 1 : 2 : 1", cpus, 1000, ("a", "vcpus=2 weight=256", 250 * cpus),
               ("b", "vcpus=2 weight=512", 500 * cpus), ("c", "vcpus=2 weight=256", 250 * cpus))
    # Nobody can use more than its vCPUs: 1 : 2 : 2 : 3 of four CPUs, two vCPUs each.
    shared("weights 1 : 2 : 2 : 3", 4, 1000, ("a", "vcpus=2 weight=128", 500),
           ("b", "vcpus=2 weight=256", 1000), ("c", "vcpus=2 weight=256", 1000),
           ("d", "vcpus=2 weight=384", 1500))
    shared("a cap, and others", 2, 1000, ("a", "vcpus=2 weight=1024 cap=60", 600),
           ("b", "vcpus=2", 700), ("c", "vcpus=2", 700))
    shared("a cap alone", 2, 1000, ("a", "vcpus=2 cap=130", 1300))
tap.done()
