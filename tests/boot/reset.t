#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How a machine begins anew: each way of reboot= resets it, one that is not there gives way to the
next, noreboot halts what nobody has asked for; a crash of dom0 shows its registers and stack."""
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib")]
from isolatest import GUEST_CRASHED, POWERED_OFF, SELFTEST, boot, read, tap

REBOOT, NO_STACK = "claims=start/magic exit=reboot", "attack=noncanonical-stack-pointer"
# reboot=, options of the machine, what is tried (the last works), or what else is said
WAYS = [
    # QEMU's pc has no reset register.
    ("", {}, ["ACPI", "ACPI: not on this machine", "keyboard controller"]),
    ("reboot=acpi", {"machine": "q35"}, ["ACPI"]),
    ("reboot=kbd", {}, ["keyboard controller"]),
    ("reboot=kbd", {"machine": "q35"}, ["keyboard controller"]),
    ("reboot=kbd", {"machine": "pc,i8042=off"},
     ["keyboard controller", "keyboard controller: not on this machine", "triple fault"]),
    ("reboot=triple", {}, ["triple fault"]),
    ("reboot=triple", {"machine": "q35", "smp": 2}, ["triple fault"]),
    ("reboot=pci", {}, ["port CF9h"]),
    ("reboot=p,w", {"machine": "q35"}, ["port CF9h"]),
    ("reboot=Power", {"machine": "q35"}, ["port CF9h, power cycle"]),
    ("reboot=e", {}, ["EFI", "EFI: not on this machine", "ACPI", "ACPI: not on this machine",
                      "keyboard controller"]),
    ("reboot=no,t noreboot", {}, ["triple fault"]),     # dom0's own wish is not refused
    ("reboot=kbd,bios,acpi", {"machine": "q35"}, ["ACPI"]),
    ("reboot=xen", {"machine": "q35"}, ["ACPI"]),
]
SAID = {"reboot=kbd,bios,acpi": "reboot=: \"bios\" is no way to reset a machine",
        "reboot=xen": "reboot=xen: nobody is below"}


def tried(text):
    return [line[1] or line[2] for line in
            re.finditer(r"^\(isola\) (?:reset by (.*)|(.*: not on this machine))$", text, re.M)]


def run(row):
    word, options, _ = row
    return boot(word, [(read(SELFTEST), REBOOT)], **options)


def ways():
    with ThreadPoolExecutor(2) as pool:
        for (word, options, want), result in zip(WAYS, pool.map(run, WAYS)):
            good = result.status == POWERED_OFF and result.ended and tried(result.text()) == want
            tap.ok(good and SAID.get(word, "") in result.text(),
                   f"{word or 'nothing said'} on {options or 'pc'}: {', '.join(want)}", result)


def crash():
    result = boot("noreboot", [(read(SELFTEST), NO_STACK)])
    text = result.text()
    tap.ok(result.status == GUEST_CRASHED and not result.ended and not tried(text) and
           re.search(r"^\(isola\) halted$", text, re.M), "noreboot: a crash of dom0 halts", result)
    crashed = r"^\(isola\) Domain 0 crashed: .*\n\(isola\) d0v0 on CPU 0:\n"
    rows = r"(?:\(isola\) [a-z0-9]+ +[0-9a-f]{4,16}  .*\n)+"
    tap.ok(re.search(crashed + rows, text, re.M) and
           re.search(r"^\(isola\) rip [0-9a-f]{16}  rsp [0-9a-f]{16} .* mode$", text, re.M),
           "a crash of dom0 shows its registers", result)
    result = boot("reboot=t", [(read(SELFTEST), "attack=no-trap-handler")])
    text = result.text()
    tap.ok(result.status == GUEST_CRASHED and
           re.search(r"^\(isola\) restarting the machine in 5 seconds$", text, re.M),
           "without it the machine begins anew, five seconds later", result)
    tap.ok(re.search(r"guest stack from [0-9a-f]{16}:\n(\(isola\)( +[0-9a-f]{16})+\n){5,20}", text),
           "and its stack is shown", result)


ways()
crash()
tap.done()
