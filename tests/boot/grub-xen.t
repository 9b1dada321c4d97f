#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A PV kernel that is neither ours nor Linux: GRUB's own Xen PV image, from Debian's grub-xen-bin.

It is made for a domain without privileges. As domain 0 it has no console page: the frame that it
takes for one is number 0, which domain 0 may map as it may any that is not RAM of ours (genuine Xen
agrees; there this image dies earlier, of how its memory lies). So its first line waits for ever
that somebody reads it: it yields, over and over, from one place. It must come that far, and nobody
else be hurt."""
import os
import re
import subprocess
import sys
import tempfile
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import tap
from livemachine import LiveMachine

YIELD = (29, 0)         # <xen/xen.h>: sched_op in RAX, SCHEDOP_yield in RDI
GUEST_END = 1 << 47
WANTED, SECONDS = 10, 60


def where_it_stands(live):
    """From the first yield that a stop meets on: the stacks that the guest was met on, and what it
    asked for, {(RAX, RDI)}, where it was met on its way into the hypervisor, WANTED times."""
    stacks, calls, met, end = set(), set(), 0, time.monotonic() + SECONDS
    while met < WANTED and time.monotonic() < end and live.process.poll() is None:
        live.qmp.stop()         # or the registers are read while they change
        text = live.qmp.monitor("info registers")
        live.qmp.go_on()
        cpu = {name: int(value, 16)
               for name, value in re.findall(r"(R\w\w) ?=([0-9a-f]{16})", text)}
        call = cpu["RAX"], cpu["RDI"]
        if cpu["RSP"] < GUEST_END and (met or call == YIELD):
            stacks.add(cpu["RSP"])
            if "CPL=0" in text:
                calls.add(call)
                met += 1
        time.sleep(0.01)
    return stacks, calls, met


with tempfile.TemporaryDirectory(prefix="isola-grub-xen-") as directory:
    image, config = os.path.join(directory, "grub-xen.elf"), os.path.join(directory, "grub.cfg")
    with open(config, "w") as file:
        file.write("halt\n")
    done = subprocess.run(["grub-mkimage", "-O", "x86_64-xen", "-p", "(memdisk)", "-c", config,
                           "-o", image,
                           "halt"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if tap.ok(done.returncode == 0, "grub-mkimage makes a Xen PV image", done.stdout):
        # What says where dom0's screen is, a domU, which GRUB thinks it is, has for a console.
        with LiveMachine(image, mem_mib=512, options=("-vga", "none")) as live:
            tap.ok(live.wait_for(rb"\(isola\) dom0: start_info"), "it is loaded", live.text())
            stacks, calls, met = where_it_stands(live)
            tap.ok(met == WANTED and calls == {YIELD} and max(stacks) - min(stacks) < 64,
                   "it comes as far as its first line, and yields until somebody reads that",
                   f"{met} stops: stacks {stacks}, calls {calls}\n{live.text()}")
            tap.ok(not re.search("PANIC|FATAL|crashed|shut down", live.text()),
                   "nothing is said of a fault",
                   live.text())
tap.done()
