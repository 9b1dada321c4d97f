#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A PV kernel that is neither ours nor Linux: GRUB's own Xen PV image, from Debian's grub-xen-bin.

It is made for a domain without privileges. Loaded as domain 0 by genuine Xen it runs and then crashes, for want of a
console page. Isola loads it too; there the frame that it takes for its console page is I/O memory that domain 0 may map, so
it waits for ever that somebody reads its first line, or it crashes; or Isola refuses it with one sentence. Nothing else is
right, a panic least of all."""
import os
import re
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import GUEST_CRASHED, TIMED_OUT, boot, explain, isola_run, read, refusal, tap

with tempfile.TemporaryDirectory(prefix="isola-grub-xen-") as directory:
    image, config = os.path.join(directory, "grub-xen.elf"), os.path.join(directory, "grub.cfg")
    with open(config, "w") as file:
        file.write("halt\n")
    done = subprocess.run(["grub-mkimage", "-O", "x86_64-xen", "-p", "(memdisk)", "-c", config, "-o", image, "halt"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if tap.ok(done.returncode == 0, "grub-mkimage makes a Xen PV image", done.stdout):
        result = boot(modules=[(read(image), "")], mem_mib=512)
        sentence = refusal(result)
        loaded = result.status in (GUEST_CRASHED, TIMED_OUT) and "PANIC" not in result.text() and \
            "(isola) dom0: start_info" in result.text()
        tap.ok(loaded or sentence, "it is loaded, or refused with one sentence", result)
        tap.note("refused: " + sentence if sentence else explain(result, 6))
        status, output, errors = isola_run("--mem", "512", image, timeout=30)
        tap.ok(status in (GUEST_CRASHED, TIMED_OUT, 4) and (status == 4) == bool(sentence) and "PANIC" not in output, "isola-run reports the same",
               f"{status}\n{output[-1500:]}{errors}")
tap.done()
