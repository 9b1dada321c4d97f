#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Machine checks, by QEMU's monitor: one that leaves the processor whole is told, twice too, and
everybody goes on; one that does not ends the hypervisor, with what the bank says."""
import os
import re
import sys
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import SELFTEST, tap
from livemachine import LiveMachine

VALID, UC, EN, MISCV, ADDRV, PCC, S = (1 << bit for bit in (63, 61, 60, 59, 58, 57, 56))
RECOVERABLE, FATAL = VALID | UC | EN | MISCV | ADDRV | S | 0xcf, VALID | UC | EN | PCC | 0xb3
# RIPV and MCIP; MCIP alone
GOES_ON, LOST = 5, 4


def inject(live, cpu, bank, status, global_status, address):
    live.qmp.monitor(f"mce {cpu} {bank} {status:#x} {global_status:#x} {address:#x} 0x8c")


with LiveMachine(SELFTEST, "claims=start/magic exit=never", smp=2, mem_mib=160,
                 cpu="Haswell-noTSX", hv="noreboot") as live:
    up = live.wait_for(rb"# selftest ends")
    told = []
    for cpu, address in ((1, 0x1234000), (0, 0x5678000)):
        inject(live, cpu, 9, RECOVERABLE, GOES_ON, address)
        told.append(live.wait_for(rb"\(isola\) CPU %d: uncorrected machine check, bank 9: status "
                                  rb"[0-9a-f]{16}, address %x, misc 8c" % (cpu, address), 20))
    tap.ok(up and all(told) and "PANIC" not in live.text(),
           "a machine check that can be left behind is told, on either CPU",
           f"{told} {live.text()[-2000:]}")
    inject(live, 0, 3, FATAL, LOST, 0)
    ended = live.wait_for(rb"\(isola\) PANIC on CPU 0: machine check, bank 3: status "
                          rb"%016x, address 0, MCG_STATUS 4" % FATAL, 20)
    tap.ok(ended, "one that cannot ends the hypervisor, and is named", live.text()[-2000:])
tap.done()
