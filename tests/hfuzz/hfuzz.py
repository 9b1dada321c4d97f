# SPDX-License-Identifier: MIT
"""One run of the hostile fuzz guest, judged: what ended it, the table, the last operations of each
vCPU.

fuzz()      boots a machine with @vcpus vCPUs that fuzz, and more that operations initialise, on as
            many CPUs as the host has at most: more would only wait for each other
Outcome     .wrong: one sentence, "" for a good end; .table: {operation: {result: count}};
            .last: the operations before a bad end

The machine's memory is a file, so that the rings of last operations can be read when the guest can
no longer print them: after a panic, or when nothing moves.
"""
import os
import re
import shutil
import struct
import subprocess
import tempfile

from isolatest import OUT, TIMED_OUT, grubimage, machine
import pvkernel
from snapshot import file_backed, tmpfs

GUEST = os.path.join(OUT, "hfuzz.elf")
MEM_MIB = 256
HV = "dom0_mem=64M dom0_max_vcpus={}"
SPARE_VCPUS = 6
RECORD = struct.Struct("<10Q")
NR_RECORDS = 32
BAD_LINES = (r"^\(isola\) (PANIC.*)$", r"^\(isola\) (FATAL.*)$", r"^hfuzz: FAILED: (.*)$",
             r"^\(isola\) (Domain 0 crashed.*)$")
DONE = re.compile(r"^hfuzz: done: (.*)$", re.M)


class Outcome:
    def __init__(self, wrong, done, table, last, text, seconds):
        self.wrong, self.done, self.table = wrong, done, table
        self.last, self.text, self.seconds = last, text, seconds

    def explain(self):
        dull = re.compile(r"hfuzz: (operation|table|vCPU \d+: its)|\(isola\) "
                          r"(memory|speculation|cpu|Time)")
        lines = [line for line in self.text.splitlines() if not dull.match(line)]
        return "\n".join([self.wrong, *lines[-30:], *self.last])


def fuzz(hypervisor, *, seed, ops, vcpus=2, timeout=600, words="", out=None):
    directory = tempfile.mkdtemp(prefix="isola-hfuzz-", dir=tmpfs())
    try:
        iso, ram = os.path.join(directory, "boot.iso"), os.path.join(directory, "ram")
        cmdline = f"seed={seed} ops={ops} cpus={vcpus} {words}"
        cpus = min(vcpus, os.cpu_count() or 1)
        files = {"/boot/isola.elf": grubimage.strip(hypervisor),
                 "/boot/kernel": pvkernel.load(GUEST)}
        menu = grubimage.menu(HV.format(vcpus + SPARE_VCPUS), [("/boot/kernel", cmdline)])
        grubimage.build(iso, files, menu, uefi=False)
        command = machine.qemu_command(iso, smp=cpus, mem_mib=MEM_MIB, **file_backed(ram, MEM_MIB))
        result = machine.run(command, timeout=timeout, out=out, stdin=subprocess.DEVNULL)
        text = result.text()
        wrong = judge(result, text)
        last = last_operations(ram, text) if wrong else []
        return Outcome(wrong, DONE.search(text), table_of(text), last, text, result.seconds)
    finally:
        shutil.rmtree(directory)


def judge(result, text):
    for pattern in BAD_LINES:
        found = re.search(pattern, text, re.M)
        if found:
            return found[1]
    if result.status == TIMED_OUT:
        return f"no end within {result.seconds:.0f} s"
    if result.status or not DONE.search(text):
        reason = result.reason or "the guest does not say that it is done"
        return f"status {result.status}: {reason}"
    return ""


def table_of(text):
    table = {}
    for name, cells in re.findall(r"^hfuzz: table ([^:]*):(.*)$", text, re.M):
        pairs = (cell.rsplit("=", 1) for cell in cells.split())
        table[name] = {result: int(count) for result, count in pairs}
    return table


def last_operations(ram, text):
    """From the machine's memory as it was left."""
    names = {int(n): name for n, name in re.findall(r"^hfuzz: operation (\d+) is (.*)$", text,
                                                    re.M)}
    rings = re.findall(r"^hfuzz: vCPU (\d+): its last operations stand at ([0-9a-f]+)$", text, re.M)
    lines = []
    if not os.path.exists(ram):         # QEMU never came so far
        return lines
    with open(ram, "rb") as file:
        for vcpu, address in rings:
            file.seek(int(address, 16))
            records = sorted(RECORD.unpack(file.read(RECORD.size)) for _ in range(NR_RECORDS))
            for number, op_result, nr, *args, rip in records[-8:]:
                name, result = names.get(op_result & 0xffffffff, "?"), op_result >> 32
                end = f"result {result - 1}" if result else "not ended"
                words = ", ".join(f"{a:x}" for a in args[:5])
                lines.append(f"vCPU {vcpu} operation {number}: {name}: {end}; "
                             f"call {nr} ({words}), rip {rip:x}")
    return lines
