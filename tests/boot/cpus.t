#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CPUs as firmware and makers leave them. Ids that the APIC cannot name are left out with a line,
and nobody is started twice. CPUs that have less than the first: guests see what all have; only what
the hypervisor itself uses must be there, else one sentence."""
import os
import re
import struct
import sys
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), d)
                for d in ("../lib", "liar")]
from forge import Info, acpi_pointer, acpi_table
from isolatest import PANICKED, POWERED_OFF, SELFTEST, isola_run, tap
from smallkernel import kernel, u64

XSDT_AT, MADT_AT, FADT_AT, DSDT_AT = 0x2000000, 0x2001000, 0x2002000, 0x2003000
# A way off, as QEMU's "pc" has it: DSDT, PM1a control and PM timer, and their lengths.
FADT = acpi_table(b"FACP", struct.pack("<II20xI8xI8xBBxB24x", 0, DSDT_AT, 0x604, 0x608, 4, 2, 4))
DSDT = acpi_table(b"DSDT", b"\x08_S5_\x12\x06\x04\0\0\0\0")
MODEL = "Haswell-noTSX"


def lapic(apic_id, enabled=1):
    return struct.pack("<BBBBI", 0, 8, apic_id & 0xff, apic_id, enabled)


def x2apic(apic_id, enabled=1):
    return struct.pack("<BBHIII", 9, 16, 0, apic_id, enabled, 77)


# Entries of the MADT on a machine of two CPUs, ids 0 and 1: name, entries, CPUs that come up, lines
# of the log.
IDS = (
    ("ids 0 and 1", lapic(0) + lapic(1), 2, ()),
    ("an id whose low byte is CPU 1's", lapic(0) + lapic(1) + x2apic(0x17160b01), 2,
     (r"the CPU with APIC id 387320577 is out of this APIC's reach, which ends at 254: left out",)),
    ("one whose low byte is the boot CPU's, listed first", x2apic(0x100) + lapic(0) + lapic(1), 2,
     (r"APIC id 256 is out of .*: left out",)),
    ("the broadcast address as an x2APIC id", lapic(0) + x2apic(0xff) + lapic(1), 2,
     (r"APIC id 255 is out of .*: left out",)),
    ("CPU 1 twice", lapic(0) + lapic(1) + x2apic(1) + lapic(1), 2, ()),
    ("an id that nobody has", lapic(0) + lapic(9) + lapic(1), 2,
     (r"the CPU with APIC id 9 does not answer: left out",)),
    ("a broadcast address that is enabled", lapic(0) + lapic(0xff) + lapic(1), 2,
     (r"broadcast address for its APIC id: left out",)),
)


def with_ids(entries):
    madt = struct.pack("<II", 0xfee00000, 1) + entries + struct.pack("<BBBBII", 1, 12, 0, 0,
                                                                     0xfec00000, 0)
    return (Info().cmdline("dom0_mem=64M").module(kernel()).tag(15, acpi_pointer(XSDT_AT))
            .place(XSDT_AT, acpi_table(b"XSDT", u64(FADT_AT) + u64(MADT_AT))).place(
                MADT_AT, acpi_table(b"APIC", madt))
            .place(FADT_AT, FADT).place(DSDT_AT, DSDT))


# What CPU 1 lacks of MODEL; words for the guest; what the log must say. A sentence of refusal, if
# it begins with FATAL.
UNLIKE = (
    ("rdrand,movbe,abm", "lacks=rdrand,movbe,abm",
     r"CPU 1 lacks bits 0x40400000 of CPUID leaf 0x1 ECX: no guest sees them"),
    ("xsave,avx,avx2,fma,fsgsbase,smep", "lacks=xsave,avx,fsgsbase",
     r"CPU 1 has XCR0 0, not 0x7: guests get what both have"),
    ("nx", "", r"FATAL: the CPU with APIC id 1 lacks NX or 64-bit mode"),
    ("fxsr", "", r"FATAL: CPU 1 lacks FXSR, which the boot CPU has: FPU state is switched with it"),
)


def unlike(lacks, words):
    device = f"{MODEL}-x86_64-cpu,socket-id=1,core-id=0,thread-id=0," + ",".join(
        f"{name}=off" for name in lacks.split(","))
    extra = ("-smp", "1,maxcpus=2,sockets=2,cores=1,threads=1", "-device", device)
    return isola_run("--cpu", MODEL, *(f"--qemu-arg={word}" for word in extra), SELFTEST,
                     f"claims=start/*,cpuid/* {words}")


for name, entries, nr, lines in IDS:
    result = with_ids(entries).boot(smp=2)
    text = "\n".join(result.lines())
    wrong = [line for line in (*lines, rf"^\(isola\) {nr} CPUs$")
             if not re.search(line, text, re.M)]
    wrong += [] if lines else re.findall(r".*APIC id.*left out.*", text)
    tap.ok(not wrong and result.status == POWERED_OFF, f"ids: {name}",
           "\n".join([f"not as it must be: {line}" for line in wrong] + [f"status {result.status}",
                                                                         text[-1500:]]))
for lacks, words, said in UNLIKE:
    status, output, errors = unlike(lacks, words)
    if said.startswith("FATAL"):
        good = status == PANICKED and re.search(r"^\(isola\) " + said, output,
                                                re.M) and "PANIC" not in output
    else:
        good = (status == POWERED_OFF and re.search(said, output) and "(isola) 2 CPUs" in output and
                "all claims hold" in output
                and re.search(r"^ok \d+ - cpuid/common: (?!.*SKIP)", output, re.M))
    tap.ok(good, f"CPU 1 lacks {lacks}: {said}", f"status {status}\n{output[-2500:]}{errors}")
tap.done()
