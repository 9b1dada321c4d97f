#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's unmodified kernel as domain 0: it says its version and that it runs on Xen, on BIOS and on UEFI. Where it
stops, it is by its own decision or with a line of Isola's that says what was refused; Isola itself never panics."""
import os
import re
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import GUEST_CRASHED, POWERED_OFF, TOP, isola_run, tap

MARKS = (
    (r"Linux version 6\.1", "Linux says its version"),
    (r"Hypervisor detected: Xen PV", "Linux has detected Xen PV"),
    (r"Booting kernel on Xen|Booting paravirtualized kernel on Xen", "Linux boots as a paravirtualised kernel"),
    (r"Xen version: 4\.\d+", "Linux has asked for the version of Xen"),
)
fetched = subprocess.run([os.path.join(TOP, "tools/fetch-guests"), "linux"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
kernel = fetched.stdout.strip()
for firmware in ("bios", "uefi"):
    if fetched.returncode:
        tap.skip(f"{firmware}: Debian's Linux", fetched.stderr.strip().replace("\n", "; "))
        continue
    status, output, errors = isola_run("--smp", "1", "--mem", "1024", "--hv", "dom0_mem=512M", "--firmware", firmware,
                                       kernel, "console=hvc0 earlyprintk=xen panic=-1", timeout=90)
    for pattern, name in MARKS:
        tap.ok(re.search(pattern, output), f"{firmware}: {name}", output[-2500:] + errors)
    last = next((line for line in reversed(output.splitlines()) if line.startswith("(isola)")), "")
    tap.ok(status in (POWERED_OFF, GUEST_CRASHED) and "(isola) PANIC" not in output,
           f"{firmware}: Linux ends by itself or is ended with a reason", f"status {status}\n{output[-2500:]}{errors}")
    tap.note(f"Linux printed {sum(not line.startswith('(isola)') for line in output.splitlines())} lines; "
             f"Isola's last word: {last}")
tap.done()
