#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Microcode: found in the archive before an initial RAM disk or in a module, handed to the
processor (QEMU's takes none, which must be said), and by dom0 while two CPUs run; a damaged file
is not used."""
import os
import struct
import sys
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib")]
from isolatest import POWERED_OFF, SELFTEST, boot, read, tap
from initrd import cpio

CPU, SIGNATURE = "Haswell-noTSX", 0x306c1
LATE = "claims=control/microcode*"


def update(revision, signature=SIGNATURE, data=976, damage=0):
    """Intel's format: SDM vol. 3, 9.11.1."""
    words = [1, revision, 0x20260101, signature, 0, 1, 0xff, data, data + 48, 0, 0, 0]
    words += [i * 2654435761 & 0xffffffff for i in range(data // 4)]
    words[4] = -sum(words) + damage & 0xffffffff
    return struct.pack(f"<{len(words)}I", *words)


def archive(content):
    return cpio([("kernel/x86/microcode/GenuineIntel.bin", 0o100644, content)])


def runs(name, hv, modules, said, **options):
    options.setdefault("cpu", CPU)
    result = boot(hv, [(read(SELFTEST), LATE), *modules], **options)
    text = result.text()
    tap.ok(result.status == POWERED_OFF and all(line in text for line in said) and
           "\nnot ok" not in text, name, result)


RAMDISK = archive(update(0x10) + update(0x25) + update(0x30, SIGNATURE + 1)) + b"\x1f\x8b"
runs("in the archive before the RAM disk; and later, on two CPUs", "ucode=scan",
     [(RAMDISK, "")], ["(isola) microcode: the processor does not take revision 0x25, and stays",
                       "(isola) microcode: 2 of 2 CPUs have not taken revision 0x7000"], smp=2)
runs("in a module, which is no RAM disk; a damaged one", "ucode=-1,what",
     [(update(0x25, damage=1), "")],
     ["(isola) microcode: an update in the file has a wrong checksum: nothing of it is used",
      'ucode=: "what" is neither'])
runs("a processor of which no files are known", "ucode=1", [(update(0x25), "")],
     ["(isola) microcode: files for this processor are not known"], cpu="qemu64")
tap.done()
