# SPDX-License-Identifier: MIT
"""A machine that a test can stop and look into while it runs: its RAM is a file in memory, its
monitor a socket.

    with LiveMachine(kernel, "console=hvc0", initrd, hv="dom0_mem=256M", mem_mib=512) as live:
        live.wait_for(rb"init: up")
        with live.stopped() as snapshot:
            audit = live.audit(snapshot)
"""
import contextlib
import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time

from isolatest import HYPERVISOR, grubimage, machine
import pvkernel
from audit import audit
from ownership import Image, Owners
from recount import Recount
from snapshot import Qmp, Ram, Snapshot, file_backed, tmpfs

# a test boots one kernel on many machines
load_kernel = functools.lru_cache(pvkernel.load)


class LiveMachine:
    def __init__(self, kernel, cmdline="", initrd=None, *, domains=(), hv="", smp=1, mem_mib=1024,
                 cpu=None, options=(), load=load_kernel, firmware="bios",
                 hypervisor=HYPERVISOR):
        """@kernel, @initrd: paths; @domains: (kernel, words) of others beside dom0; @options: more
        of QEMU's; @load: what is in a kernel's file. The machine starts in __enter__."""
        self.directory = tempfile.mkdtemp(prefix="isola-live-", dir=tmpfs())
        self.image = Image(hypervisor)
        self.output, self.condition = bytearray(), threading.Condition()
        self.ram_file = os.path.join(self.directory, "ram")
        self.socket = os.path.join(self.directory, "qmp")
        files = {"/boot/isola.elf": grubimage.strip(hypervisor),
                 "/boot/kernel": load(kernel)}
        modules = [("/boot/kernel", cmdline)]
        if initrd:
            files["/boot/initrd"] = initrd
            modules.append(("/boot/initrd", ""))
        for number, (path, words) in enumerate(domains):
            files[f"/boot/domain{number}"] = load(path)
            modules.append((f"/boot/domain{number}", words))
        iso = os.path.join(self.directory, "boot.iso")
        grubimage.build(iso, files, grubimage.menu(hv, modules), uefi=firmware == "uefi")
        self.command = machine.qemu_command(iso, smp=smp, mem_mib=mem_mib, cpu=cpu, qmp=self.socket,
                                            firmware=firmware,
                                            **file_backed(self.ram_file, mem_mib)) + list(options)

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        threading.Thread(target=self._listen, daemon=True).start()
        self.qmp = Qmp(self.socket)
        self.ranges = self.qmp.ram_ranges("ram")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory)

    def _listen(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.condition:
                self.output += data
                self.condition.notify_all()
        with self.condition:
            self.condition.notify_all()

    def wait_for(self, pattern, timeout=60):
        """True once the serial line has said @pattern (bytes); false if it did not in time, or the
        machine ended."""
        end = time.monotonic() + timeout
        with self.condition:
            while not re.search(pattern, self.output):
                left = end - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    return False
                self.condition.wait(min(left, 0.5))
        return True

    def ends(self, timeout):
        """Does the machine end by itself, in order, within so many seconds?"""
        try:
            return self.process.wait(timeout) == 0
        except subprocess.TimeoutExpired:
            return False

    def text(self):
        with self.condition:
            return bytes(self.output).decode("utf-8", "replace").replace("\r", "")

    @contextlib.contextmanager
    def stopped(self, tries=1):
        """Stop the machine; a Snapshot of it without any copy; let it go on. SnapshotError when it
        has ended. @tries: so often at most, until no CPU is in the hypervisor."""
        self.qmp.stop()
        while tries > 1 and any(c.started and not c.cpl and not c.waits for c in self.qmp.cpus()):
            tries -= 1
            self.qmp.go_on()
            time.sleep(0.001)
            self.qmp.stop()
        try:
            yield self.snapshot()
        finally:
            self.qmp.go_on()

    def snapshot(self, private=False):
        """Of the machine as it stands, which must be stopped. @private: may be patched, the machine
        sees nothing."""
        return Snapshot(Ram.of_file(self.ram_file, self.ranges, private), self.qmp.cpus())

    def audit(self, snapshot, before=None, strict=False):
        """@before: the Audit of an earlier stop, to save work; it finds the same."""
        return audit(snapshot, self.image, before, strict=strict)

    def recount(self, snapshot, audit, private=False):
        """Every count at the stop of @audit; @private: @snapshot is a changed copy."""
        return Recount(snapshot, Owners(snapshot, self.image, audit.owners) if private
                       else audit.owners)

    def examine(self, snapshot):
        """(What an audit and a recount find, the Recount)."""
        audit = self.audit(snapshot)
        recount = self.recount(snapshot, audit)
        return audit.findings + recount.findings, recount

    def examine_often(self, least, has=lambda snapshot, recount: True):
        """At @least stops; at more, ten times as many at most, as long as none could be recounted
        or had what @has asks for. (Findings, stops, how many were recounted, how many had it.)"""
        findings, stops, counted, had = [], 0, 0, 0
        while stops < least or (not (counted and had) and stops < 10 * least):
            stops += 1
            with self.stopped(tries=20) as snapshot:
                found, recount = self.examine(snapshot)
                findings += found
                counted, had = counted + (not recount.why), had + bool(has(snapshot, recount))
        return findings, stops, counted, had
