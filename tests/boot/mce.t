#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Machine checks, by QEMU's monitor: one that leaves the processor whole is told, to dom0, too,
and everybody goes on; one that does not ends the hypervisor, with what the bank says, and is told
when the machine comes up again."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import HYPERVISOR, LONG, SELFTEST, tap
from livemachine import LiveMachine
from planting import planted

VALID, UC, EN, MISCV, ADDRV, PCC, S = (1 << bit for bit in (63, 61, 60, 59, 58, 57, 56))
RECOVERABLE, FATAL = VALID | UC | EN | MISCV | ADDRV | S | 0xcf, VALID | UC | EN | PCC | 0xb3
# RIPV and MCIP; MCIP alone
GOES_ON, LOST = 5, 4


CORRECTED = VALID | EN | ADDRV | 0x9f
POLLED_SECONDS = 40                     # 8 on a machine that is in time
MCE, KEPT = "arch/x86/cpu/mce.c", "arch/x86/control/mca_record.c"
PLANTED = (
    ("any acknowledgement takes the oldest record", KEPT,
     "q->first != q->next && id == q->first", "q->first != q->next"),
    ("dom0 is not told that there is one", KEPT, "\traise_global_virq(VIRQ_MCA);\n", ""),
    ("what an exception told of is not urgent", KEPT, "[m->how == MCE_EXCEPTION]", "[0]"),
    ("only one CPU's banks are looked into", KEPT,
     "softirq_raise_on(cpu, SOFTIRQ_MCE)", "softirq_raise_on(0, SOFTIRQ_MCE)"),
    ("what is found in a bank stays there", MCE, "\t\tclear_bank(bank);\n\t\ttell_one(&m);\n",
     "\t\ttell_one(&m);\n"),
    ("what was there at boot is not told", MCE,
     "\t\tif (read_record(bank, &m))\n\t\t\ttell_one(&m);\n", ""),
    ("what is fatal is cleared", MCE, "\t\t\tworst = m;\n", "\t\t\tclear_bank(bank);\n"
     "\t\t\tworst = m;\n"),
)


def inject(live, cpu, bank, status, global_status, address):
    live.qmp.monitor(f"mce {cpu} {bank} {status:#x} {global_status:#x} {address:#x} 0x8c")


def records(live):
    """What dom0 has been told: [urgent or nonurgent, CPU, flags, MCG_STATUS, bank, status, address,
    misc]."""
    return [line.split() for line in re.findall(r"^# record (.*)$", live.text(), re.M)]


def life(ok, hypervisor=HYPERVISOR):
    """Errors of each kind, one after the other; @ok has each point."""
    with LiveMachine(SELFTEST, "claims=mca/told inject=3 exit=never", smp=2, mem_mib=160,
                     cpu="Haswell-noTSX", hv="noreboot", hypervisor=hypervisor) as live:
        live.wait_for(rb"# waiting for machine checks")
        inject(live, 1, 4, CORRECTED, 0, 0x8000)
        polled = live.wait_for(rb"\(isola\) CPU 1: corrected machine check, bank 4: status "
                               rb"%016x, address 8000, misc 0" % CORRECTED, POLLED_SECONDS)
        ok(polled, "a corrected error is found in its bank", live.text()[-2000:])
        told = []
        for cpu, address in ((1, 0x1234000), (0, 0x5678000)):
            inject(live, cpu, 9, RECOVERABLE, GOES_ON, address)
            told.append(live.wait_for(rb"\(isola\) CPU %d: uncorrected machine check, bank 9: "
                                      rb"status [0-9a-f]{16}, address %x, misc 8c"
                                      % (cpu, address), 20))
        ended = live.wait_for(rb"# selftest ends.*\n")
        ok(all(told) and "PANIC" not in live.text(),
           "a machine check that can be left behind is told, on either CPU",
           f"{told} {live.text()[-2000:]}")
        ok(ended and "# selftest ends: all claims hold" in live.text() and
           sorted(records(live)) == [
            ["nonurgent", "1", "9", "0", "4", f"{CORRECTED:x}", "8000", "0"],
            ["urgent", "0", "46", "5", "9", f"{RECOVERABLE:x}", "5678000", "8c"],
            ["urgent", "1", "46", "5", "9", f"{RECOVERABLE:x}", "1234000", "8c"]],
           "dom0 has a record of each, until it says that it has", live.text()[-2500:])
        inject(live, 0, 3, FATAL, LOST, 0)
        ended = live.wait_for(rb"\(isola\) PANIC on CPU 0: machine check, bank 3: status "
                              rb"%016x, address 0, MCG_STATUS 4" % FATAL, 20)
        ok(ended, "one that cannot ends the hypervisor, and is named", live.text()[-2000:])
        at = len(live.text())
        live.qmp.call("set-action", reboot="reset")
        live.qmp.call("system_reset")
        again = live.wait_for(rb"(?s)MCG_STATUS 4.*# waiting for machine checks")
        text = live.text()[at:]
        ok(again and records(live)[3:] == [
            ["nonurgent", "0", "12", "0", "3", f"{FATAL:x}", "0", "0"]] and
           re.search(r"^\(isola\) CPU 0: uncorrected machine check, bank 3", text, re.M),
           "after a reset it is told again, to dom0, too", text[-2500:])


def with_bugs():
    for (what, *_), hypervisor, why in planted(PLANTED):
        points = []
        if hypervisor:
            life(lambda good, *_: points.append(bool(good)), hypervisor)
        tap.ok(not all(points), f"noticed: {what}", why)


life(tap.ok)
if LONG:
    with_bugs()
tap.done()
