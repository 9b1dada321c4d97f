#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Nodes, sockets, cores and threads as dom0's tools are told of them: on a machine of two nodes
with two threads a core, and on one whose SRAT is damaged, or leaves out RAM: one node then, and a
line."""
import os
import re
import struct
import sys
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), d)
                for d in ("../lib", "liar")]
from forge import Info, acpi_pointer, acpi_table
from isolatest import POWERED_OFF, SELFTEST, isola_run, tap
from smallkernel import kernel, u64

# Of eight CPUs: the model, and what there is of CPU 1 and CPU 6.
MODELS = (("qemu64", "core 0, socket 0, node 0", "core 1, socket 1, node 1"),
          ("Haswell-noTSX", "core 0, socket 0, node 0", "core 1, socket 1, node 1"))
HALF = 96                       # MiB of a node's memory, of which firmware keeps some at the end
NODES = [word for i, cpus in ((0, "0-3"), (1, "4-7")) for word in (
    "-object", f"memory-backend-ram,id=m{i},size={HALF}M",
    "-numa", f"node,nodeid={i},cpus={cpus},memdev=m{i}")]

for model, one, six in MODELS:
    status, output, errors = isola_run(
        "--smp", "8", "--mem", str(2 * HALF), "--cpu", model, *(f"--qemu-arg={word}" for word in (
            "-smp", "8,sockets=2,cores=2,threads=2", *NODES, "-numa", "dist,src=0,dst=1,val=17")),
        "--hv", "dom0_mem=64M", SELFTEST,
        "claims=tools/physinfo,tools/topology,tools/nodes,answers/availheap")
    said = [f"CPU 1: {one}", f"CPU 6: {six}", f"node 0: {HALF} MiB, 10 and 17",
            f"node 1: {HALF - 1} MiB, 17 and 10", "2 threads a core, 2 cores a socket, 2 nodes"]
    missing = [line for line in said if f"#   {line}\n" not in output]
    tap.ok(status == POWERED_OFF and "all claims hold" in output and not missing,
           f"{model}: two sockets of two cores of two threads, and two nodes",
           f"{missing}\n{status}\n{output[-3000:]}{errors}")

# Tables that firmware might have: one CPU, one I/O APIC, and a SRAT.
XSDT_AT, MADT_AT, FADT_AT, DSDT_AT, SRAT_AT = (0x2000000 + 0x1000 * i for i in range(5))
MADT = acpi_table(b"APIC", struct.pack("<II", 0xfee00000, 1) + bytes((0, 8, 0, 0, 1, 0, 0, 0)) +
                  struct.pack("<BBBBII", 1, 12, 0, 0, 0xfec00000, 0))
FADT = acpi_table(b"FACP", struct.pack("<II20xI8xI8xBBxB24x", 0, DSDT_AT, 0x604, 0x608, 4, 2, 4))
DSDT = acpi_table(b"DSDT", b"\x08_S5_\x12\x06\x04\0\0\0\0")


def memory(start, size, node):
    return struct.pack("<BBIHQQIIQ", 1, 40, node, 0, start, size, 0, 1, 0)


def with_srat(entries):
    return (Info().cmdline("dom0_mem=64M").module(kernel()).tag(15, acpi_pointer(XSDT_AT))
            .place(XSDT_AT, acpi_table(b"XSDT", u64(FADT_AT) + u64(MADT_AT) + u64(SRAT_AT)))
            .place(MADT_AT, MADT).place(FADT_AT, FADT).place(DSDT_AT, DSDT)
            .place(SRAT_AT, acpi_table(b"SRAT", bytes(12) + entries)))


GIB = 1 << 30
for name, entries, line in (
        ("sound", memory(0, GIB // 2, 3) + memory(GIB // 2, 4 * GIB, 1),
         "node 1 has memory 0000000020000000-000000011fffffff"),
        ("without some RAM", memory(0, GIB // 16, 0),
         "the SRAT is left out: there is RAM that it does not name"),
        ("two nodes with the same memory", memory(0, 4 * GIB, 0) + memory(GIB, GIB, 1),
         "the SRAT is left out: its memory overlaps"),
        ("an entry of length 0", memory(0, 4 * GIB, 0) + bytes(4),
         "the SRAT is left out: it is damaged"),
        ("memory beyond all addresses", memory(0, 4 * GIB, 0) + memory((1 << 64) - 4096, 8192, 1),
         "the SRAT is left out: it is damaged"),
        ("more nodes than there is room for",
         b"".join(memory(i * GIB, GIB, i) for i in range(17)),
         "the SRAT is left out: it names too many nodes")):
    result = with_srat(entries).boot()
    text = "\n".join(result.lines())
    tap.ok(result.status == POWERED_OFF and line in text, f"a SRAT: {name}",
           f"{result.status}\n{text}")
tap.done()
