#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The memory that the loader's modules lay in is dom0's, like all that is free: it gets as much
with an initial RAM disk of 60 MiB as without one. make test-all: of 300 and 450 MiB too, and
Debian's kernel finds its files in front of 300 MiB."""
import os
import re
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "linux")]
import initramfs
from initrd import debian_linux
from isolatest import LONG, POWERED_OFF, SELFTEST, isola_run, tap

MIB = 1 << 20


def boot(initrd):
    return isola_run("--smp", "2", "--mem", "1024", SELFTEST, "claims=start/*",
                     *([initrd] if initrd else []),
                     timeout=120)


def dom0_mib(output):
    found = re.search(r"^\(isola\) dom0: (\d+) MiB", output, re.M)
    return int(found[1]) if found else 0


def debians(initrd):
    """The kernel unpacks the archive and skips the zeros behind it."""
    initramfs.write(initrd)
    os.truncate(initrd, 300 * MIB)
    kernel, missing = debian_linux()
    if missing:
        tap.skip("Debian's Linux with 300 MiB", missing)
        return
    status, output, errors = isola_run("--smp", "2", kernel,
                                       "console=hvc0 earlyprintk=xen panic=-1 stress=1", initrd,
                                       timeout=300)
    tap.ok(status == POWERED_OFF and re.search(r"^workload: end$", output, re.M),
           "Debian's Linux with 300 MiB", output[-3000:] + errors)


status, output, errors = boot(None)
alone = dom0_mib(output)
tap.ok(status == POWERED_OFF and alone > 900, f"without a RAM disk dom0 has {alone} MiB of 1024",
       output[-2000:] + errors)
with tempfile.NamedTemporaryFile(prefix="isola-initrd-") as file:
    for size in (60, 300, 450) if LONG else (60,):
        os.truncate(file.name, size * MIB)
        status, output, errors = boot(file.name)
        tap.ok(status == POWERED_OFF and not re.search("^not ok", output, re.M) and
               f"initrd of {size << 10} KiB" in output and
               abs(dom0_mib(output) - alone) <= 1,
               f"with one of {size} MiB it has {dom0_mib(output)}", output[-2000:] + errors)
    if LONG:
        debians(file.name)
tap.done()
