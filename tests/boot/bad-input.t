#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bad input: each ends in exactly one sentence, "(isola) FATAL: <what is wrong>", and a halt; never
in a reset, a panic or silence. Unknown words on the command line are warned about and ignored, but
for those that limit dom0. Sound controls of the same making power off, so a refusal is about the
one thing that was changed.

Most cases are handed over by tests/boot/liar, which is quicker than GRUB and can tell any lie; a
few go through GRUB. """
import os
import re
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), d)
                for d in ("../lib", "liar")]
import smallkernel as pv
from forge import IMAGE_AT, Info, RAM, RESERVED, acpi_pointer, acpi_table
from isolatest import LONG, POWERED_OFF, boot, refusal, tap
from smallkernel import kernel, noted, segment, text, u64

GOOD = kernel()
OPTIONS = "dom0_mem=64M"


def judge(name, expected, result):
    """One point. @expected: what the one sentence must match; None: the machine must power off."""
    if expected is None:
        return tap.ok(result.status == POWERED_OFF, f"{name}: taken", result)
    sentence = refusal(result)
    good = sentence is not None and re.search(expected, sentence)
    return tap.ok(good, f"{name}: {sentence}" if good else f"{name}: refused with /{expected}/",
                  result)


def warned(name, expected, result):
    """One point: the machine powers off, and exactly one line of the log matches."""
    lines = [line for line in result.lines() if re.match(r"\(isola\) (?!loaded by)", line) and
             re.search(expected, line)]
    tap.ok(result.status == POWERED_OFF and len(lines) == 1,
           f"{name}: {lines[0][8:100] if lines else 'warned'}", result)


def sound(options=OPTIONS, **how):
    return Info(**how).cmdline(options)


def with_kernel(content, options=OPTIONS):
    return sound(options).module(content)


def many_modules(nr):
    information = with_kernel(GOOD)
    for i in range(1, nr):
        information.module(b"%d" % i)
    return information


def long_segment(**fields):
    return kernel(segments=[segment(), segment(paddr=pv.PADDR + 0x1000, **fields)])


# ---- The loader's information. name, information, sentence. --------------------------------------
LOADER = [
    ("a sound boot", with_kernel(GOOD), None),
    ("no module", sound(), "no modules"),
    ("an empty kernel", with_kernel(b""), "module 0, the kernel, is empty"),
    ("33 modules", many_modules(33), "more than 32 modules"),
    ("a module that ends before it starts", sound().module(GOOD, claim=(0x5000000, 0x4000000)),
     r"module 0 ends \(0x4000000\) before it starts"),
    ("a module outside RAM", sound().module(GOOD, claim=(0xe0000000, 0xe0010000)),
     "module 0 .* does not lie in RAM"),
    ("a module half outside RAM", sound().module(GOOD, claim=(0xdfff000, 0xe002000)),
     "module 0 .* not lie in RAM"),
    ("a module over the hypervisor",
     sound().module(GOOD, claim=(IMAGE_AT + 0x1000, IMAGE_AT + 0x3000)),
     "module 0 .* overlaps the hypervisor"),
    ("two modules that overlap", with_kernel(GOOD).module(b"x", claim=(0x4000800, 0x4001000)),
     "modules 0 and 1 overlap"),
    ("no memory map", Info(memory_map=False).cmdline(OPTIONS).module(GOOD), "no memory map"),
    ("a memory map without RAM",
     Info(memory_map=False).memory([(0, 1 << 30, RESERVED)]).module(GOOD), "has no RAM"),
    ("too little RAM", Info(memory_map=False).memory([(0, 0x9f000, RAM), (0x100000, 0x700000, RAM)])
     .module(GOOD, at=0x700000), "memory"),
    ("a memory map entry that wraps", sound().memory([(1 << 63, (1 << 63) + 1, RAM)]).module(GOOD),
     "entry 0 .* wraps"),
    ("a memory map of 300 ranges",
     sound().memory([(i << 28, 0x1000, RAM) for i in range(16, 316)]).module(GOOD),
     "more than 256 ranges"),
    ("memory map entries of 20 bytes", sound().memory([(0, 4096, RAM)], entry_size=20).module(GOOD),
     "entries of 20 bytes"),
    ("a memory map cut inside an entry", sound().tag(6, struct.pack("<IIQ", 24, 0, 0)).module(GOOD),
     "entry 0 is cut short"),
    ("a command line without an end", Info().tag(1, b"loglvl=all").module(GOOD),
     "command line has no end"),
    ("a command line of 5000 bytes", sound("x" * 5000).module(GOOD), "longer than 4095 bytes"),
    ("a kernel's command line of 5000 bytes", sound().module(GOOD, "x" * 5000),
     "module 0 is longer than 4095 bytes"),
    ("a module tag of 10 bytes", sound().tag(3, b"ab"), "tag of module 0 is cut short"),
    ("a tag of size 0", sound().tag(99, b"", size=0), "tag of type 99 .* impossible size"),
    ("a tag larger than all", sound().tag(99, b"", size=0x7fffffff),
     "tag of type 99 .* impossible size"),
    ("a root pointer's tag of 4 bytes", sound().tag(14, b"RSD "),
     "root pointer's tag is cut short"),
    ("EFI boot services left running", sound().tag(18, b"").module(GOOD), "EFI boot services"),
]


def _set(info, **fields):
    for name, value in fields.items():
        setattr(info, name, value)
    return info


LOADER += [
    ("no end tag", _set(with_kernel(GOOD), end=False), "without an end tag"),
    ("a total size of 4 bytes", _set(with_kernel(GOOD), total_size=4), "impossible size"),
    ("a total size of 4 GiB", _set(with_kernel(GOOD), total_size=0xffffffff), "impossible size"),
    ("multiboot 1's magic", _set(with_kernel(GOOD), magic=0x2badb002), "magic 0x2badb002"),
]

# ---- ACPI. name, information, sentence. The tables lie at 32 MiB; a sound set has one CPU, one I/O
# APIC and a way off. ----
XSDT_AT, MADT_AT, FADT_AT, DSDT_AT = 0x2000000, 0x2001000, 0x2002000, 0x2003000
MADT = struct.pack("<II", 0xfee00000, 1) + bytes((0, 8, 0, 0, 1, 0, 0, 0)) + struct.pack(
    "<BBBBII", 1, 12, 0, 0, 0xfec00000, 0)


XSDT = acpi_table(b"XSDT", u64(FADT_AT) + u64(MADT_AT))
# Up to FADT revision 1's end: DSDT, PM1a control and PM timer blocks and their lengths, as QEMU's
# "pc" has them.
FADT = acpi_table(b"FACP", struct.pack("<II20xI8xI8xBBxB24x", 0, DSDT_AT, 0x604, 0x608, 4, 2, 4))
DSDT = acpi_table(b"DSDT", b"\x08_S5_\x12\x06\x04\0\0\0\0")


def with_acpi(pointer=acpi_pointer(XSDT_AT), xsdt=XSDT, madt=acpi_table(b"APIC", MADT), fadt=FADT):
    return (with_kernel(GOOD).tag(15, pointer).place(XSDT_AT, xsdt).place(MADT_AT, madt).place(
        FADT_AT, fadt)
            .place(DSDT_AT, DSDT))


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


ACPI = [
    ("a sound set of tables", with_acpi(), None),
    ("a damaged root pointer", with_acpi(pointer=flipped(acpi_pointer(XSDT_AT), 0)),
     "root pointer .* is damaged"),
    ("a root pointer to nowhere", with_acpi(pointer=acpi_pointer(1 << 45)),
     "table at 0x200000000000 is out of reach"),
    ("an XSDT of 4 GiB", with_acpi(xsdt=b"XSDT" + b"\xff" * 40), "XSDT has an impossible length"),
]

# What is damaged is left out, and wrong checksums alone take nothing away. name, information, what
# the log must say; the machine powers off by these tables.
KEPT = [
    ("no MADT", with_acpi(xsdt=acpi_table(b"XSDT", u64(FADT_AT))),
     "there is no table APIC: one CPU, and no lines of devices"),
    ("a MADT entry of length 0", with_acpi(madt=acpi_table(b"APIC", MADT[:8] + bytes(8))),
     "MADT entry at offset 44 has an impossible length .0.: it and all behind it are left out"),
    ("a MADT cut inside an entry", with_acpi(madt=acpi_table(b"APIC", MADT[:12])),
     "MADT entry at offset 44 has an impossible length"),
    ("a MADT without a local APIC address",
     with_acpi(madt=acpi_table(b"APIC", bytes(8) + MADT[8:])), "0xfee00000 is taken"),
]
SUMS = [
    ("XSDT", with_acpi(xsdt=flipped(XSDT, 30)), "table XSDT at 0x2000000 has a wrong checksum"),
    ("MADT", with_acpi(madt=flipped(acpi_table(b"APIC", MADT), 30)),
     "table APIC at 0x2001000 has a wrong checksum"),
    ("FADT", with_acpi(fadt=flipped(FADT, 30)), "table FACP at 0x2002000 has a wrong checksum"),
    ("root pointer", with_acpi(pointer=flipped(acpi_pointer(XSDT_AT), 10)),
     "loader's root pointer .* wrong checksum: searching on"),
    ("root pointer's tail", with_acpi(pointer=flipped(acpi_pointer(XSDT_AT), 34)),
     "loader's root pointer .* wrong checksum: searching on"),
]

# ---- The kernel's file. name, file, sentence. ----------------------------------------------------
KERNELS = [
    ("a text file", b"#!/bin/sh\necho hello\n" * 50, "is not an ELF file"),
    ("an initrd", b"070701" + b"0" * 500, "is a cpio archive"),
    ("a bzip2 file", b"BZh9" + b"\0" * 500, r"is compressed \(bzip2\); unpack it"),
    ("a 32-bit ELF file", kernel(ident=b"\x7fELF\x01\x01\x01"), "is not a 64-bit ELF file"),
    ("a big-endian ELF file", kernel(ident=b"\x7fELF\x02\x02\x01"),
     "is not a little-endian ELF file"),
    ("an ARM kernel", kernel(machine=183), "is for another machine"),
    ("a shared object", kernel(kind=3), "is not an executable"),
    ("a file of 40 bytes", kernel(size=40), "is cut off inside its ELF header"),
    ("a file cut inside a segment", kernel(size=0x1800),
     "program header 1, which reaches past the end"),
    ("no program headers", kernel(phnum=0), "has no program headers"),
    ("program headers past the end", kernel(phoff=0x1ff0),
     "program header table that reaches past"),
    ("program headers of 32 bytes", kernel(phentsize=32), "program headers of 32 bytes"),
    ("no segment", kernel(segments=[]), "has no loadable segment"),
    ("overlapping segments", kernel(segments=[segment(), segment(paddr=pv.PADDR + 0x800)]),
     "overlapping segments"),
    ("a segment larger in the file", kernel(segments=[segment(memsz=0xfff)]),
     "larger in the file than in memory"),
    ("a segment of 16 EiB", long_segment(memsz=(1 << 64) - 1), "impossible address or size"),
    ("a segment at 2 PiB", kernel(segments=[segment(), segment(paddr=1 << 51)]),
     "impossible address or size"),
    ("a segment whose offset wraps", long_segment(offset=(1 << 64) - 0x800),
     "reaches past the end"),
    ("no notes", kernel(note_data=b""), "has no Xen notes"),
    ("another owner's notes", kernel(note_data=pv.notes(owner=b"Zen\0")), "has no Xen notes"),
    ("notes that run out", kernel(note_data=pv.notes()[:-9]),
     "reaches past its segment or section"),
    ("no XEN_VERSION", noted(without=[pv.XEN_VERSION]), "has no XEN_VERSION note"),
    ("XEN_VERSION xen-4.0", noted((pv.XEN_VERSION, text("xen-4.0"))), r'is built for "xen-4\.0"'),
    ("neither LOADER nor GUEST_OS", noted(without=[pv.LOADER, pv.GUEST_OS]), "asks for loader"),
    ("no VIRT_BASE", noted(without=[pv.VIRT_BASE_NOTE]), "no VIRT_BASE note"),
    ("VIRT_BASE in the hypervisor", noted((pv.VIRT_BASE_NOTE, u64(0xffff800000000000))),
     "where no PV guest may be"),
    ("VIRT_BASE not aligned", noted((pv.VIRT_BASE_NOTE, u64(pv.VIRT_BASE + 1))),
     "not page-aligned"),
    ("VIRT_BASE at the top", noted((pv.VIRT_BASE_NOTE, u64(-0x1000))), "where no PV guest may be"),
    ("an entry outside", noted((pv.ENTRY_NOTE, u64(pv.ENTRY + 0x1000))),
     "entry point .* outside itself"),
    ("an entry in the hypervisor", noted((pv.ENTRY_NOTE, u64(0xffff820000000000))),
     "entry point .* outside itself"),
    ("an ENTRY of 3 bytes", noted((pv.ENTRY_NOTE, b"abc")), "has note ENTRY of 3 bytes"),
    ("a hypercall page outside", noted((pv.HYPERCALL_PAGE, u64(pv.ENTRY + 0x1000))),
     "HYPERCALL_PAGE"),
    ("INIT_P2M inside the kernel", noted((pv.INIT_P2M, u64(pv.ENTRY))),
     "INIT_P2M .* inside its own"),
    ("INIT_P2M in the hypervisor", noted((pv.INIT_P2M, u64(0xffff810000000000))), "INIT_P2M"),
    # What the parser alone cannot see: the p2m list runs from below into the initial mapping.
    ("INIT_P2M running into the mapping", noted((pv.INIT_P2M, u64(pv.VIRT_BASE - 0x1000))),
     "INIT_P2M"),
    ("an unknown feature required", noted((pv.FEATURES, text("!time_travel"))),
     'requires feature "time_travel"'),
    ("a feature required that no PV guest has",
     noted((pv.FEATURES, text("!auto_translated_physmap"))),
     'requires feature "auto_translated_physmap", which is not offered'),
    ("no dom0 bit", noted((pv.SUPPORTED_FEATURES, u64(1))), "cannot be a dom0"),
    ("PADDR_OFFSET above the kernel", noted((pv.PADDR_OFFSET, u64(1 << 32))), "below PADDR_OFFSET"),
    ("a kernel that does not fit dom0_mem", long_segment(filesz=0, memsz=80 << 20),
     "dom0_mem|does not fit|memory"),
    ("a kernel loaded past dom0_mem", kernel(segments=[segment(), segment(paddr=100 << 20)]),
     "dom0_mem|does not fit|memory"),
    ("no HYPERCALL_PAGE and no INIT_P2M", GOOD, None),
    ("a hypercall page",
     kernel(segments=[segment(), segment(pv.PADDR + 0x1000, filesz=0, memsz=0x1000)],
            note_data=pv.notes(extra=[(pv.HYPERCALL_PAGE, u64(pv.ENTRY + 0x1000))])), None),
    ("a virtual address of nonsense", kernel(segments=[segment(vaddr=0x123000)]), None),
    ("control characters in a note", noted((pv.XEN_VERSION, text("\x1b[2J\n"))),
     r'is built for "\?\[2J\?"'),
]

# ---- Options. name, options, what the log must say; the machine powers off. ----------------------
WARNED = [
    ("an unknown option", "no_such_option=7", "no_such_option"),
    ("an unknown option without a value", "nonsense", "nonsense"),
    ("a malformed value", "noreboot=perhaps", "noreboot=perhaps"),
    ("an unknown word in asi=", "asi=on,vcpu-pt,sideways", "sideways"),
    ("an asi= word with a bad value", "asi=vcpu-pt=perhaps", "vcpu-pt=perhaps"),
    ("asi= in contradiction", "asi=vcpu-pt=pv=off", "cpu-stack without vcpu-pt for pv"),
    ("a word of 600 characters", "y" * 600, "yyyyyyyyyy"),
    ("more memory than there is", "dom0_mem=4G,max:4G",
     "dom0_mem: 4096 MiB are wanted for dom0, which gets the"),
    ("a least amount above all there is", "dom0_mem=min:1024M",
     "dom0_mem: 1024 MiB are wanted for dom0, which gets the"),
    ("more vCPUs than there can be", "dom0_max_vcpus=64",
     "64 vCPUs are wanted for dom0, which gets 32"),
]

# ---- Limits. name, options, sentence: what cannot be read would give dom0 more than was meant.
# ----
LIMITS = [
    ("dom0_mem is no amount", "dom0_mem=lots", "dom0_mem=lots"),
    ("the good one of two does not hide the other", "dom0_mem=lots dom0_mem=64M", "dom0_mem=lots"),
    ("a limit of 600 characters", "dom0_mem=min:" + "0" * 600, "dom0_mem=min:000"),
    ("dom0_mem negates more than there is", "dom0_mem=-8G", "nothing is left for dom0"),
    ("dom0_max_vcpus is no number", "dom0_max_vcpus=many", "dom0_max_vcpus=many"),
    ("dom0_max_vcpus is a range of none", "dom0_max_vcpus=-0", "dom0_max_vcpus=-0"),
    ("maxcpus is no number", "maxcpus=one", "maxcpus=one"),
]

# ---- Spellings of sizes. options, what the log says dom0 gets; the machine powers off. -----------
SIZES = [
    ("dom0_mem=64M dom0_max_vcpus=3-", r"64 MiB, 3 vcpus"),
    ("dom0_mem=32M+10% dom0_max_vcpus=-4", r"5\d MiB, 1 vcpus"),
    ("dom0_mem=50%,max:96M dom0_max_vcpus=2-4 maxcpus=0", r"9\d MiB, 2 vcpus"),
    ("dom0_mem=-140M", r"(?:5[89]|[67]\d) MiB, 1 vcpus"),
]

# ---- Processors. name, -cpu, sentence. -----------------------------------------------------------
PROCESSORS = [
    ("no NX", "qemu64,-nx", "NX"),
    ("no long mode", "qemu32", "long mode"),
    ("no long mode on a 486", "486", "CPUID|long mode"),
    ("no SYSCALL", "qemu64,-syscall", "SYSCALL"),
    ("no FXSR", "qemu64,-fxsr", "FXSR"),
    ("no SSE2", "qemu64,-sse2,-sse3", "SSE2"),
    ("no local APIC", "qemu64,-apic", "APIC"),
    ("no PAT", "qemu64,-pat", "PAT"),
]


def through_grub():
    """The same by the real loader, for what the loader has a say in."""
    # What 20_linux_xen writes into its entries says nothing, and nothing is said of it.
    result = boot(f"placeholder {OPTIONS} no-real-mode edd=off watchdog=force watchdog_timeout=9",
                  [(GOOD, "")])
    judge("GRUB: a sound boot", None, result)
    tap.ok(result.text().count("(isola) watchdog=: there is no second CPU that could find this one "
                               "stuck") == 1,
           "GRUB: who wants a watchdog on one CPU is told that there is none", result)
    tap.ok("unknown option" not in result.text(), "GRUB: words of every menu are no news", result)
    judge("GRUB: no module", "no modules", boot(OPTIONS, []))
    judge("GRUB: a text file", "is not an ELF file", boot(OPTIONS, [(b"hello\n" * 100, "")]))
    judge("GRUB: an initrd too large for dom0_mem", "initrd|module 1|dom0_mem|memory",
          boot("dom0_mem=32M", [(GOOD, ""), (bytes(40 << 20), "")]))
    if LONG:
        judge("GRUB on UEFI: no module", "no modules", boot(OPTIONS, [], firmware="uefi"))
        judge("GRUB on UEFI: a text file", "is not an ELF file",
              boot(OPTIONS, [(b"hello\n" * 100, "")], firmware="uefi"))


def each(rows, boot_one):
    """Each of @rows, and how the machine fared that boot_one(row) starts. Two at a time: most of
    such a boot is waiting whether anything more is said."""
    with ThreadPoolExecutor(2) as pool:
        yield from zip(rows, pool.map(boot_one, rows))


def own_boot(row):
    return row[1].boot()


def main():
    for (name, _, expected), result in each(LOADER, own_boot):
        judge(f"loader: {name}", expected, result)
    for (name, _, expected), result in each(ACPI, own_boot):
        judge(f"ACPI: {name}", expected, result)
    for (name, _, said), result in each(KEPT, own_boot):
        warned(f"ACPI: {name}", said, result)
    for (name, _, said), result in each(SUMS, own_boot):
        warned(f"ACPI: wrong checksum: {name}", said, result)
    for (name, _, expected), result in each(KERNELS, lambda row: with_kernel(row[1]).boot()):
        judge(f"kernel: {name}", expected, result)
    judge("initrd: too large for dom0_mem", "initrd|module 1|dom0_mem|memory",
          with_kernel(GOOD, "dom0_mem=32M").module(bytes(40 << 20)).boot())
    for (name, _, said), result in each(
            WARNED, lambda row: with_kernel(GOOD, f"{OPTIONS} {row[1]}").boot()):
        warned(f"option: {name}", re.escape(said), result)
    for (name, _, expected), result in each(
            LIMITS, lambda row: with_kernel(GOOD, row[1]).boot()):
        judge(f"limit: {name}", re.escape(expected), result)
    for (options, expected), result in each(SIZES, lambda row: with_kernel(GOOD, row[0]).boot()):
        tap.ok(result.status == POWERED_OFF and re.search(rf"^\(isola\) dom0: {expected}",
                                                          result.text(), re.M),
               f"sizes: {options}: {expected}", result)
    for (name, _, expected), result in each(
            PROCESSORS, lambda row: with_kernel(GOOD).boot(cpu=row[1])):
        judge(f"processor: {name}", expected, result)
    through_grub()
    tap.done()


main()
