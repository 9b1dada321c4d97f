#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each attack of the selftest guest hurts at most its own domain. Either the hypervisor says that
the domain crashed and ends it in order (exit status 3), or the guest notices that its attack was
refused, says "ok" and powers off. An attack that ends in "the guest must live" has only the second
way. The hypervisor never panics."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import GUEST_CRASHED, POWERED_OFF, SELFTEST, isola_run, tap

# What an attack needs of its machine.
MACHINE = {"hpet": ("--qemu-arg=-global", "--qemu-arg=hpet.msi=on")}

status, output, errors = isola_run(SELFTEST, "attack=?")
attacks = re.findall(r"^#   ([\w-]+): (.*)$", output.partition("no such attack")[2], re.M)
tap.ok(status == POWERED_OFF and len(attacks) >= 3, "the guest lists its attacks",
       output[-2000:] + errors)
for name, sentence in attacks:
    status, output, errors = isola_run(*MACHINE.get(name, ()), SELFTEST, f"attack={name}")
    started = f"# attack {name}:" in output and not re.search(r"^not ok", output,
                                                              re.M) and "PANIC" not in output
    refused = status == POWERED_OFF and re.search(r"^ok 1\b", output, re.M)
    crashed = status == GUEST_CRASHED and not sentence.endswith("the guest must live")
    tap.ok(started and (refused or crashed), f"{name} hurts at most its own domain ({sentence})",
           f"status {status}\n{output[-2000:]}{errors}")
tap.done()
