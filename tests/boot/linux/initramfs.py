# SPDX-License-Identifier: MIT
"""The workload's initramfs: busybox, init, and 4 MiB of data with their sums, as a gzipped newc archive."""
import gzip
import hashlib
import os
import random

BUSYBOX = "/bin/busybox"
DATA_BYTES = 4 << 20
PART_BYTES = 64 << 10


def cpio(members):
    """A newc archive of (name, mode, content): Linux, Documentation/driver-api/early-userspace/buffer-format.rst."""
    archive = b""
    for number, (name, mode, content) in enumerate(members + [("TRAILER!!!", 0, b"")]):
        fields = (number + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 5, 1, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return archive


def write(path):
    data = random.Random(3).randbytes(DATA_BYTES)
    part = data[:PART_BYTES]
    sums = {name: f"{hashlib.sha256(content).hexdigest()}  {of}\n".encode()
            for name, of, content in (("sum", "whole", data), ("sum.part", "part", part))}
    with open(BUSYBOX, "rb") as file:
        busybox = file.read()
    with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "init"), "rb") as file:
        init = file.read()
    with open(path, "wb") as file:
        file.write(gzip.compress(cpio([
            ("bin", 0o40755, b""), ("dev", 0o40755, b""), ("data", 0o40755, b""), ("dev/console", 0o20600, b""),
            ("bin/busybox", 0o100755, busybox), ("init", 0o100755, init),
            ("data/whole", 0o100644, data), ("data/part", 0o100644, part),
            *((f"data/{name}", 0o100644, content) for name, content in sums.items())]), 1))
