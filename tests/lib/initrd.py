# SPDX-License-Identifier: MIT
"""Initial RAM disks for Debian's kernel: busybox and an init, as a gzipped newc archive; and where
that kernel is."""
import gzip
import os
import re
import subprocess

from isolatest import TOP, isola_run, read, tap

BUSYBOX = "/bin/busybox"


def cpio(members):
    """A newc archive of (name, mode, content): Linux,
    Documentation/driver-api/early-userspace/buffer-format.rst."""
    archive = b""
    for number, (name, mode, content) in enumerate(members + [("TRAILER!!!", 0, b"")]):
        fields = (number + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 5, 1, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return archive


def write_initrd(path, init, more=()):
    """At @path: busybox, @init (bytes) as /init, the directories it mounts on, and @more members
    for cpio()."""
    members = [(directory, 0o40755, b"") for directory in ("bin", "dev", "proc")]
    members += [("dev/console", 0o20600, b""), ("bin/busybox", 0o100755, read(BUSYBOX)),
                ("init", 0o100755, init)]
    with open(path, "wb") as file:
        file.write(gzip.compress(cpio(members + list(more)), 1))


TRIES = 3                       # of a machine in which the emulator errs


def run_linux(*arguments, timeout):
    """isola_run() of machines with Linux in them, again where the emulator has erred: such a run
    has shown nothing."""
    for _ in range(TRIES):
        status, output, errors = isola_run(*arguments, timeout=timeout)
        if not emulator_erred(output):
            break
        tap.note("the emulator has erred (docs/testing.md)")
    return status, output, errors


def emulator_erred(output):
    """Has Linux met what QEMU's TCG gets wrong (docs/testing.md)? It tells of flags with bits that
    no processor has: TCG has lost them, at a CMPXCHG16B. Or of a breakpoint where none is: TCG runs
    what it translated while the code was being changed."""
    return any(int(flags, 16) >> 22 for flags in re.findall(r"EFLAGS: ([0-9a-f]{8})", output)) or \
        any(byte != "cc" for byte in re.findall(r"\bint3: 0000 \[#1\](?:.*\n){1,9}?.*Code:.* "
                                                r"([0-9a-f]{2}) <", output))


def debian_linux(which="linux"):
    """(path of the kernel that fetch-guests calls @which, None), or (None, why there is none to
    boot with a RAM disk of ours)."""
    done = subprocess.run([os.path.join(TOP, "tools/fetch-guests"), which], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        return None, "; ".join(done.stderr.strip().splitlines()[-3:])
    if not os.path.exists(BUSYBOX):
        return None, "no /bin/busybox (package busybox-static)"
    return done.stdout.strip(), None
