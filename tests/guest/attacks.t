#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each attack of the selftest guest ends its own domain and nothing else: the hypervisor says that the domain
crashed, shuts it down in order (exit status 3), and does not panic."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import GUEST_CRASHED, POWERED_OFF, SELFTEST, isola_run, tap

status, output, errors = isola_run(SELFTEST, "attack=?")
attacks = re.findall(r"^#   ([\w-]+): (.*)$", output.partition("no such attack")[2], re.M)
tap.ok(status == POWERED_OFF and len(attacks) >= 3, "the guest lists its attacks", output[-2000:] + errors)
for name, sentence in attacks:
    status, output, errors = isola_run(SELFTEST, f"attack={name}")
    started = f"# attack {name}:" in output
    survived = re.search(r"^not ok", output, re.M)
    tap.ok(status == GUEST_CRASHED and started and not survived and "PANIC" not in output,
           f"{name} hurts only its own domain ({sentence})", f"status {status}\n{output[-2000:]}{errors}")
tap.done()
