#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's unmodified kernel as domain 0: it says its version and that it runs on Xen, on BIOS and on UEFI. Where it
stops, it is by its own decision or with a line of Isola's that says what was refused; Isola itself never panics.
With an initrd of busybox it reaches user mode and powers the machine off."""
import gzip
import os
import re
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import GUEST_CRASHED, POWERED_OFF, TOP, isola_run, tap

MARKS = (
    (r"Linux version 6\.1", "Linux says its version"),
    (r"Hypervisor detected: Xen PV", "Linux has detected Xen PV"),
    (r"Booting kernel on Xen|Booting paravirtualized kernel on Xen", "Linux boots as a paravirtualised kernel"),
    (r"Xen version: 4\.\d+", "Linux has asked for the version of Xen"),
)
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
echo "init: $(/bin/busybox uname -s) on $(/bin/busybox cat /sys/hypervisor/type), $(/bin/busybox nproc) cpus"
/bin/busybox poweroff -f
"""


def cpio(members):
    """A newc archive of (name, mode, content): Linux, Documentation/driver-api/early-userspace/buffer-format.rst."""
    archive = b""
    for number, (name, mode, content) in enumerate(members + [("TRAILER!!!", 0, b"")]):
        fields = (number + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 5, 1, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return archive


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
if fetched.returncode or not os.path.exists("/bin/busybox"):
    tap.skip("Linux to user mode and off", "no kernel, or no /bin/busybox (package busybox-static)")
else:
    with tempfile.NamedTemporaryFile(prefix="isola-initrd-") as initrd:
        with open("/bin/busybox", "rb") as file:
            initrd.write(gzip.compress(cpio([
                ("bin", 0o40755, b""), ("dev", 0o40755, b""), ("dev/console", 0o20600, b""),
                ("bin/busybox", 0o100755, file.read()), ("init", 0o100755, INIT.encode())]), 1))
        initrd.flush()
        status, output, errors = isola_run("--hv", "dom0_mem=512M", kernel, "console=hvc0 panic=-1", initrd.name,
                                           timeout=90)
    tap.ok(re.search(r"^init: Linux on xen, 1 cpus", output, re.M), "Linux runs a shell in user mode",
           output[-2500:] + errors)
    tap.ok(status == POWERED_OFF, "and powers the machine off", f"status {status}\n{output[-2500:]}{errors}")
tap.done()
