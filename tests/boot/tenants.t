#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A domain that is as great a nuisance as it can holds nobody up: dom0 and another domain, which
tick on the same CPU, are never more than 2 ms late (tests/guest/claims/tenants.c), by the guests'
own clock, in which an instruction takes 1 ns. make test-all: the same with asi off and on two CPUs;
and with bugs planted, each of which makes somebody late."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, POWERED_OFF, SELFTEST, isola_run, tap
from planting import planted

WORDS = "claims=tenants/* role="
ONE_CPU = ["--icount"]
TWO_CPUS = ["--smp", "2", "--qemu-arg=-icount", "--qemu-arg=shift=0,sleep=off"]
LATE = r"# (\w+): [1-9]\d* times, woken at most (\d+) us late, calls took at most (\d+) us$"

PLANTED = (
    ("a long call is not preempted", "arch/x86/include/asm/preempt.h",
     "return unlikely(READ_ONCE(this_cpu.pub->softirq_pending));", "return false;"),
    ("who wakes waits for the end of a slice", "common/sched_place.c",
     "\tif (!ask_idle(v))\n\t\task(busy_cpu_for(v, now));",
     "\tif (!ask_idle(v))\n\t\task(NO_CPU), (void)busy_cpu_for, (void)now;"),
    ("a sleeper comes back behind all others", "common/sched.c",
     "max(v->vruntime, queue_clock - min(queue_clock, MAX_CREDIT))", "queue_clock + MAX_LEAD"),
)


def play(*machine):
    """Status and output, but for the flood, of which there is too much to show."""
    turns = " cpus=2" if "--smp" in machine else ""
    status, output, errors = isola_run(
        *machine, "--mem", "256", "--hv", "dom0_mem=64M",
        "--domain", SELFTEST, f"domain=tick mem=48M port=3:bad.3 -- {WORDS}tick",
        "--domain", SELFTEST,
        f"domain=bad mem=48M vcpus=2 port=3:tick.3 onend=halt -- {WORDS}bad port=3{turns}",
        SELFTEST, f"{WORDS}tick bad=2 exit=never", timeout=300)
    told = [line for line in output.splitlines() if "one who prints" not in line]
    return status, "\n".join(told) + "\n", errors


def holds(output, begin):
    """How many claims hold in the domain whose lines begin so."""
    return len(re.findall(rf"^{begin}ok \d+ - tenants/\w+: (?!.*# SKIP)", output, re.M))


def latest(output, begin):
    """The greatest of the times that the domain whose lines begin so was held up, in us."""
    return max((max(int(wake), int(call)) for _, wake, call in
                re.findall(f"^{begin}{LATE}", output, re.M)), default=-1)


def nobody_is_late(what, *machine):
    status, output, errors = play(*machine)
    faults = "\n".join(re.findall(r".*not ok.*|^\S*\s*#  .*", output, re.M))
    tap.ok(status == POWERED_OFF and holds(output, r"\(bad\) ") == 16, f"{what}: one is bad",
           f"{status}\n{faults}\n{output[-1500:]}{errors}")
    for name, begin, many in (("another domain", r"\(tick\) ", 16), ("dom0", "", 15)):
        tap.ok(holds(output, begin) == many,
               f"{what}: {name} is held up for {latest(output, begin)} us at most", faults)


def with_bugs():
    for (what, *_), hypervisor, why in planted(PLANTED):
        output = play("--hypervisor", hypervisor, *ONE_CPU)[1] if hypervisor else ""
        tap.ok(re.search(r"not ok \d+ - tenants/", output), f"noticed: {what}",
               why or output[-1500:])


nobody_is_late("one CPU", *ONE_CPU)
if LONG:
    nobody_is_late("asi off", "--hv", "asi=off", *ONE_CPU)
    nobody_is_late("two CPUs", *TWO_CPUS)
    with_bugs()
tap.done()
