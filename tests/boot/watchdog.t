#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""watchdog=: a CPU that hangs in the hypervisor is found by another, and ends the machine with its
own registers. The hypervisor is the one that was built, with instructions that do not end written
over a function that one claim alone calls."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import (HYPERVISOR, LONG, PANICKED, POWERED_OFF, QUICK_RULES, SELFTEST, boot,
                       explain, machine, patched, read, tap)
from ownership import Image

CALLS, CLAIM = "watchdog_set", "sched/watchdog"
SPIN = b"\xeb\xfe"                      # jmp to itself
CLI = b"\xfa"
# EFER.SVME, for CLGI: then not even an NMI is taken (APM vol. 2 §15.17)
NO_NMI = b"\xb9\x80\x00\x00\xc0\x0f\x32\x80\xcc\x10\x0f\x30\x0f\x01\xdd"
STUCK = "PANIC on CPU {}: the watchdog finds that CPU {} is stuck"
ALONE = "(isola) watchdog=: there is no second CPU that could find this one stuck"
STARTED = "(isola) Watchdog: a CPU that is stuck for {} s ends the machine"
# Nothing ends a machine whose claim has begun, and has not ended six seconds later: what is found
# is found within three.
NOTHING = (machine.Rule(rb"\(one\) 1\.\.1", POWERED_OFF, 6),)
UNFOUND = ("Watchdog:", "watchdog finds", "all claims hold")
# name; what is written there; options; CPUs, the one that the claim runs on; what the log must say,
# and must not. The panic is of the CPU that hangs, unless that one takes no NMI.
HANGS = (
    ("in a loop, interrupts on", SPIN, "watchdog watchdog_timeout=1", 2, 1,
     (STARTED.format(1), STUCK.format(1, 1), f" {CALLS}+0x0"), ()),
    ("interrupts off", CLI + SPIN, "watchdog_timeout=1", 2, 0,
     (STUCK.format(0, 0), f" {CALLS}+0x1"), ()),
    ("NMIs off", CLI + NO_NMI + SPIN, "watchdog_timeout=1", 2, 1,
     (STUCK.format(0, 1) + ", and takes no NMI",), ()),
    ("nobody asked", CLI + SPIN, "", 2, 1, (), UNFOUND),
)
MORE_HANGS = (
    ("the last of three", CLI + SPIN, "watchdog=force watchdog_timeout=2", 3, 2,
     (STARTED.format(2), STUCK.format(2, 2)), ()),
    ("a timeout of 0", CLI + SPIN, "watchdog watchdog_timeout=0", 2, 1, (), UNFOUND),
    ("one CPU", CLI + SPIN, "watchdog=yes watchdog_timeout=1", 1, 0, (ALONE,), UNFOUND),
)
# What the command line's reader says of words that are none.
BAD = (("watchdog=maybe", "malformed value"), ("watchdog_timeout=1d", "malformed value"),
       ("watchdog_timeout=3601", "value out of range"))


def hangs(code):
    """The hypervisor's file, hanging so."""
    image = Image(HYPERVISOR)
    va = image.symbol(CALLS)
    offset = next(s[2] + va - s[3] for s in image.segments if s[3] <= va < s[3] + s[5])
    return patched(read(HYPERVISOR), (offset, code))


def run(hypervisor, options, cpus, cpu, claims="claims=" + CLAIM, timeout=120,
        rules=QUICK_RULES):
    return boot(f"noreboot {options}",
                [(SELFTEST, f"domain=one mem=32M pin={cpu} onend=halt -- {claims}")],
                hypervisor=hypervisor, smp=cpus, cpu="qemu64,+svm", timeout=timeout,
                rules=rules)



for name, code, options, cpus, cpu, said, unsaid in HANGS + (MORE_HANGS if LONG else ()):
    panics = any("PANIC" in line for line in said)
    result = run(hangs(code), options, cpus, cpu, rules=QUICK_RULES + (() if panics else NOTHING))
    text = result.text()
    good = (result.status == (PANICKED if panics else POWERED_OFF) and
            all(line in text for line in said) and not any(line in text for line in unsaid))
    tap.ok(good, f"{name}: " + (said[-1] if said else "nothing finds it"), explain(result))

# Work that keeps CPUs and locks busy is none.
result = run(HYPERVISOR, " ".join(word for word, _ in BAD) + " watchdog_timeout=1", 2, "0-1",
             "claims=" + ("races/* tables/* " if LONG else "tables/* ") + CLAIM, timeout=400)
text = result.text()
tap.ok(result.status == POWERED_OFF and STARTED.format(1) in text and "all claims hold" in text,
       "CPUs that work are not stuck", explain(result))
for word, why in BAD:
    tap.ok(f'(isola) command line: "{word}": {why}\n' in text, f"{word}: {why}", text[:3000])
tap.done()
