# SPDX-License-Identifier: MIT
"""A machine stopped at one instant, as seen from outside: its memory, and each CPU's control
registers.

Ram        machine memory by address, whatever file it lies in; a private copy can be patched
Cpu        what `info registers` said of one CPU
Snapshot   the two together; load() and save() keep one in a file
Qmp        QEMU's monitor: stop, go on, take a snapshot
"""
import json
import mmap
import os
import re
import socket
import tempfile
import time

PAGE = 4096


class SnapshotError(Exception):
    """The machine cannot be looked at; the text is one sentence."""


class Ram:
    """@ranges: [(first machine address, bytes, offset in @data)]; @data is anything a memoryview
    can show."""

    def __init__(self, data, ranges):
        self.data, self.ranges, self.view = data, ranges, memoryview(data)

    def _offset(self, address, size):
        for start, length, offset in self.ranges:
            if start <= address and address + size <= start + length:
                return offset + address - start
        return None

    def has(self, address, size=PAGE):
        return self._offset(address, size) is not None

    def read(self, address, size):
        """A memoryview of bytes, or None where there is no RAM."""
        at = self._offset(address, size)
        return None if at is None else self.view[at:at + size]

    def page(self, mfn):
        return self.read(mfn * PAGE, PAGE)

    def entries(self, mfn):
        """The 512 words of a page table, or None."""
        page = self.page(mfn)
        return None if page is None else page.cast("Q").tolist()

    def write(self, address, data):
        """Into a private copy only (private())."""
        at = self._offset(address, len(data))
        self.view[at:at + len(data)] = data

    def write_u64(self, address, value):
        self.write(address, value.to_bytes(8, "little"))

    def u64(self, address):
        data = self.read(address, 8)
        return None if data is None else int.from_bytes(data, "little")

    @staticmethod
    def of_file(path, ranges, private=False):
        with open(path, "rb") as file:
            return Ram(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY
                                 if private else mmap.ACCESS_READ), ranges)


class Cpu:
    """One CPU's registers. @started is false for a CPU that never left reset or runs without
    paging. @waits: for an interrupt, in a HLT."""

    def __init__(self, index, cr0, cr3, cr4, cpl, rip, waits=False):
        self.index, self.cpl, self.rip, self.waits = index, cpl, rip, waits
        self.cr0, self.cr3, self.cr4 = cr0, cr3, cr4

    @property
    def started(self):
        return bool(self.cr0 >> 31 & 1)

    @property
    def root(self):
        """The L4's frame."""
        return self.cr3 >> 12 & (1 << 40) - 1


class Snapshot:
    def __init__(self, ram, cpus):
        self.ram, self.cpus = ram, cpus

    def save(self, path):
        """Two files: PATH, the memory, and PATH.json, the rest."""
        with open(path, "wb") as file:
            file.write(self.ram.view)
        with open(path + ".json", "w") as file:
            json.dump({"ranges": self.ram.ranges, "cpus": [vars(cpu) for cpu in self.cpus]}, file)

    @staticmethod
    def load(path, private=False):
        """@private: patches stay in this process."""
        try:
            with open(path + ".json") as file:
                saved = json.load(file)
            return Snapshot(Ram.of_file(path, [tuple(r) for r in saved["ranges"]], private),
                            [Cpu(**cpu) for cpu in saved["cpus"]])
        except OSError as error:
            raise SnapshotError(f"{error.filename}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"{path} is not a saved snapshot: {error}") from error


REGISTER = re.compile(r"\b(RIP|CPL|CR0|CR3|CR4|HLT) *=([0-9a-f]+)")


def parse_registers(text):
    """QEMU's `info registers -a` for 64-bit x86."""
    cpus = []
    for part in re.split(r"^CPU#", text, flags=re.M)[1:]:
        found = {name: int(value, 16) for name, value in REGISTER.findall(part)}
        if set(found) < {"CR0", "CR3", "CR4", "CPL"}:
            raise SnapshotError("QEMU's register dump is not understood")
        cpus.append(Cpu(int(re.match(r"\d+", part)[0]), found["CR0"], found["CR3"], found["CR4"],
                        found["CPL"], found.get("RIP", 0), bool(found.get("HLT"))))
    if not cpus:
        raise SnapshotError("QEMU names no CPUs")
    return cpus


# "  0000000100000000-000000013fffffff (prio 0, ram): pc.ram @00000000c0000000 KVM"
FLAT_RANGE = re.compile(r"^ *([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (ram|rom)\): (\S+)(?: "
                        r"@([0-9a-f]+))?", re.M)


def parse_ram_ranges(text, region):
    """Where memory region @region (its QEMU name) stands, from `info mtree -f`: what CPU 0's memory
    view shows."""
    for view in text.split("FlatView #"):
        if "AS \"memory\"" not in view:
            continue
        ranges = []
        for first, last, _, name, offset in FLAT_RANGE.findall(view):
            if name != region:
                continue
            first, last, offset = int(first, 16), int(last, 16), int(offset or "0", 16)
            if ranges and ranges[-1][0] + ranges[-1][1] == first and ranges[-1][2] + ranges[-1][
                1] == offset:
                ranges[-1] = (ranges[-1][0], ranges[-1][1] + last - first + 1, ranges[-1][2])
            else:
                ranges.append((first, last - first + 1, offset))
        if ranges:
            return ranges
    raise SnapshotError(f"QEMU shows no memory called {region}")


class Qmp:
    """QEMU's monitor on a Unix socket."""

    def __init__(self, path, timeout=30):
        self.socket, self.buffer = socket.socket(socket.AF_UNIX), b""
        self.socket.settimeout(timeout)
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise SnapshotError(f"{path}: {error.strerror or error}") from error
                time.sleep(0.05)
        self._line()
        self.call("qmp_capabilities")

    def _line(self):
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(1 << 16)
            except OSError as error:
                raise SnapshotError(f"QEMU does not answer: {error}") from error
            if not data:
                raise SnapshotError("QEMU has ended")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def call(self, name, **arguments):
        try:
            self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() +
                                b"\n")
        except OSError as error:
            raise SnapshotError("QEMU has ended") from error
        while True:
            answer = self._line()
            if "error" in answer:
                raise SnapshotError(f"QEMU refuses {name}: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]

    def monitor(self, line):
        return self.call("human-monitor-command", **{"command-line": line})

    def stop(self):
        self.call("stop")

    def go_on(self):
        self.call("cont")

    def cpus(self):
        return parse_registers(self.monitor("info registers -a"))

    def ram_ranges(self, region="pc.ram"):
        return parse_ram_ranges(self.monitor("info mtree -f"), region)

    def copy_ram(self, ranges, directory=None):
        """All RAM into a Ram of its own, for a machine whose memory is in no file of ours."""
        with tempfile.NamedTemporaryFile(dir=directory, prefix="isola-ram-") as file:
            whole = bytearray()
            copied = []
            for start, size, _ in ranges:
                self.monitor(f'pmemsave {start:#x} {size:#x} "{file.name}"')
                copied.append((start, size, len(whole)))
                with open(file.name, "rb") as saved:
                    whole += saved.read()
        return Ram(whole, copied)


def file_backed(path, mem_mib):
    """Arguments for machine.qemu_command(): machine and extra, so that the machine's RAM is the
    file @path."""
    return {"machine": "pc,memory-backend=ram",
            "extra": ["-object",
                      f"memory-backend-file,id=ram,size={mem_mib}M,mem-path={path},share=on"]}


def tmpfs():
    """A directory in memory, if there is one."""
    return next((d for d in ("/dev/shm", "/run/shm") if os.access(d, os.W_OK)), None)
