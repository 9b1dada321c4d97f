# SPDX-License-Identifier: MIT
"""The workload's RAM disk: busybox, the init beside this file, and 4 MiB of data with their
sums."""
import hashlib
import os
import random

from initrd import write_initrd
from isolatest import read

DATA_BYTES = 4 << 20
PART_BYTES = 64 << 10


def write(path):
    data = random.Random(3).randbytes(DATA_BYTES)
    part = data[:PART_BYTES]
    files = {"whole": data, "part": part}
    for name, of, content in (("sum", "whole", data), ("sum.part", "part", part)):
        files[name] = f"{hashlib.sha256(content).hexdigest()}  {of}\n".encode()
    init = read(os.path.join(os.path.dirname(os.path.realpath(__file__)), "init"))
    write_initrd(path, init, [("data", 0o40755, b""),
                              *((f"data/{name}", 0o100644, files[name]) for name in files)])
