#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""--gdb: the line that isola-run prints, as typed, stops in a function of the hypervisor that the
symbols name, with its caller; and the guest goes on afterwards."""
import os
import re
import shutil
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import ISOLA_RUN, POWERED_OFF, SELFTEST, tap

FUNCTION = "trap_dispatch"      # every exception of a guest comes through it
if not shutil.which("gdb"):
    tap.skip("--gdb", "gdb is not installed")
    tap.done()
process = subprocess.Popen([ISOLA_RUN, "--gdb", "--mem", "128", SELFTEST, "claims=exceptions/*"],
                           stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
line = process.stderr.readline()
typed = line.partition("type: ")[2].strip()
tap.ok(typed.startswith("gdb "), "isola-run prints a gdb line", line)
script = (f"timeout 60 {typed} -batch -ex 'hbreak {FUNCTION}' -ex continue -ex bt -ex delete "
          "-ex detach")
for attempt in range(10):       # QEMU opens its port a moment after the line
    output = subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True).stdout
    if "refused" not in output and "timed out" not in output:
        break
    subprocess.run(["sleep", "0.5"])
tap.ok(re.search(rf"Breakpoint 1, {FUNCTION} \(", output), f"it stops in {FUNCTION}", output)
tap.ok(re.search(rf"^#0 +{FUNCTION} .* at arch/x86/\S+:\d+$", output, re.M) and
       re.search(r"^#1 .* in \w+ \(\) at ", output, re.M),
       "source lines and the caller are known", output)
try:
    guest, _ = process.communicate(timeout=60)
except subprocess.TimeoutExpired:
    process.send_signal(2)
    guest, _ = process.communicate()
tap.ok(process.returncode == POWERED_OFF and "\nok 1 " in guest.replace("\r", ""),
       "and the guest goes on to its end",
       f"{process.returncode}\n{guest[-1500:]}")
tap.done()
