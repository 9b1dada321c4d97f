#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A 64 GiB machine, whose RAM QEMU splits around a hole below 4 GiB: it boots, and the hole has no
frame table."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import POWERED_OFF, SELFTEST, isola_run, tap

GIB = 64
PIECES_PER_GIB = 4              # one piece of the frame table is for 256 MiB
# The host need not have it: pages are there when touched.
memory = [f"--qemu-arg={word}" for word in (
    "-object", f"memory-backend-ram,id=ram,size={GIB}G,reserve=off", "-machine",
    "memory-backend=ram")]
status, output, errors = isola_run("--mem", str(GIB * 1024), *memory, "--hv", "dom0_mem=256M",
                                   SELFTEST,
                                   "claims=start/*,memory_op/*")
ram = [tuple(int(n, 16) for n in m) for m in re.findall(r"memory ([0-9a-f]+)-([0-9a-f]+) RAM",
                                                        output)]
top = max((end for _, end in ram), default=0) + 1
hole = (min((start for start, _ in ram if start >= 1 << 32), default=0)
        - max((end for _, end in ram if end < 1 << 32), default=0))
pieces = re.search(r"frame table: (\d+) pieces of 256 MiB", output)
tap.ok(top > GIB << 30 and hole >= 1 << 30, f"the machine has {GIB} GiB and a hole of a GiB",
       output[:3000] + errors)
tap.ok(pieces and int(pieces.group(1)) == GIB * PIECES_PER_GIB,
       "the frame table has pieces for RAM alone", pieces.group(0) if pieces else output[:3000])
tap.ok(status == POWERED_OFF and "all claims hold" in output,
       "a guest's start-of-day and memory claims hold",
       f"{status}\n{output[-2000:]}{errors}")
tap.done()
