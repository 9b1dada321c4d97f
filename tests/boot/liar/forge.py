# SPDX-License-Identifier: MIT
"""Forged boots: multiboot2 information of any content, handed over by the lying loader next door.

    info = Info().cmdline("loglvl=all").module(kernel_bytes, "console=hvc0")
    result = info.boot()

By default the information is sound: memory map, command line, modules, and no ACPI pointer (so that
it is searched for). Methods add to it; tag() adds anything; damage() changes the finished bytes.
"""
import contextlib
import os
import struct
import subprocess
import tempfile

from isolatest import BOOT_SECONDS, HYPERVISOR, OUT, QUICK_RULES, TOP, machine, read

MAGIC = 0x36d76289
INFO_AT = 0x100000              # where the information is put: low, as by GRUB
IMAGE_AT = 0x200000
MODULES_AT = 0x4000000          # 64 MiB up; the liar itself stands at 256 MiB
RAM, RESERVED = 1, 2


def _liar():
    out = os.path.join(OUT, "tests/boot/liar.elf")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-fno-pie", "-no-pie",
                    "-Wl,-Ttext=0x10000000",
                    "-Wl,--build-id=none,-z,noexecstack,-m,elf_i386", "-o", out,
                    os.path.join(TOP, "tests/boot/liar/liar.S")], check=True)
    return out


def _checked(data, at):
    """@data with the byte at @at such that all of them add up to zero."""
    return data[:at] + bytes([-(sum(data[:at]) + sum(data[at + 1:])) & 0xff]) + data[at + 1:]


def acpi_table(signature, body):
    return _checked(signature + struct.pack("<IBB6s8sIII", 36 + len(body), 1, 0, b"ISOLA", b"LIAR",
                                            1, 0, 1) + body, 9)


def acpi_pointer(xsdt):
    head = _checked(b"RSD PTR \0ISOLA \2" + struct.pack("<I", 0), 8)
    return _checked(head + struct.pack("<IQI", 36, xsdt, 0), 32)


def image(hypervisor=HYPERVISOR):
    """The hypervisor as it lies in memory: (bytes from its lowest address on, offset of the entry
    point)."""
    elf = read(hypervisor)
    entry, phoff = struct.unpack_from("<QQ", elf, 24)
    phnum, = struct.unpack_from("<H", elf, 56)
    loads = []
    for i in range(phnum):
        kind, _, offset, vaddr, paddr, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", elf,
                                                                             phoff + i * 56)
        if kind == 1:
            loads.append((paddr, vaddr, elf[offset:offset + filesz], memsz))
    base = min(paddr for paddr, _, _, _ in loads)
    flat = bytearray(max(paddr + memsz for paddr, _, _, memsz in loads) - base)
    for paddr, vaddr, data, memsz in loads:
        flat[paddr - base:paddr - base + len(data)] = data
        if vaddr <= entry < vaddr + memsz:
            entry = entry - vaddr + paddr
    return bytes(flat), entry - base


class Info:
    """Multiboot2 information under construction."""
    _cache = {}

    def __init__(self, ram_mib=224, memory_map=True):
        self.tags, self.contents, self.edits, self.next = [], [], [], MODULES_AT
        self.patches, self.image = [], None
        self.magic, self.total_size, self.end = MAGIC, None, True
        if memory_map:
            self.memory([(0, 0x9f000, RAM), (0x9f000, 0x61000, RESERVED),
                         (0x100000, (ram_mib << 20) - 0x100000, RAM)])

    def tag(self, kind, body, size=None):
        """@size: what the tag says of itself, if it is to lie."""
        self.tags.append(struct.pack("<II", kind, 8 + len(body) if size is None else size) + body)
        return self

    def cmdline(self, text):
        return self.tag(1, text.encode() + b"\0")

    def memory(self, ranges, entry_size=24):
        body = struct.pack("<II", entry_size, 0)
        for start, length, kind in ranges:
            body += struct.pack("<QQII", start, length, kind, 0)
        return self.tag(6, body)

    def module(self, content, cmdline="", at=None, claim=None):
        """@at: address of the content; @claim: (start, end) to be told instead of the truth."""
        at = self.next if at is None else at
        self.contents.append((at, content))
        self.next = max(self.next, (at + len(content) + 0xfff) & ~0xfff)
        start, end = claim or (at, at + len(content))
        return self.tag(3, struct.pack("<II", start, end) + cmdline.encode() + b"\0")

    def place(self, at, content):
        """Bytes in memory that no tag tells of."""
        self.contents.append((at, content))
        return self

    def patch(self, offset, new):
        """Overwrite bytes of the hypervisor's image."""
        self.patches.append((offset, new))
        return self

    def damage(self, offset, new):
        """Overwrite bytes of the finished information."""
        self.edits.append((offset, new))
        return self

    def bytes(self):
        data = bytearray(8)
        for tag in self.tags + ([struct.pack("<II", 0, 8)] if self.end else []):
            data += bytes(-len(data) % 8) + tag
        struct.pack_into("<I", data, 0, len(data) if self.total_size is None else self.total_size)
        for offset, new in self.edits:
            data[offset:offset + len(new)] = new
        return bytes(data)

    def boot(self, timeout=BOOT_SECONDS, extra=(), **options):
        """Run it; options as for machine.qemu_command(). Returns a machine.Result."""
        with self.command(extra, **options) as command:
            return machine.run(command, timeout=timeout, rules=QUICK_RULES,
                               stdin=subprocess.DEVNULL)

    @contextlib.contextmanager
    def command(self, extra=(), **options):
        """QEMU's command line for it."""
        if not Info._cache:
            Info._cache["liar"], Info._cache["image"] = _liar(), image()
        flat, entry = self.image or Info._cache["image"]
        for offset, new in self.patches:
            flat = flat[:offset] + new + flat[offset + len(new):]
        records = [(IMAGE_AT, flat), (INFO_AT, self.bytes())] + self.contents
        script = struct.pack("<IIII", self.magic, INFO_AT, IMAGE_AT + entry, len(records))
        for at, content in records:
            script += struct.pack("<II", at, len(content)) + content + bytes(-len(content) % 4)
        with tempfile.NamedTemporaryFile(prefix="isola-liar-") as file:
            file.write(script)
            file.flush()
            options.setdefault("mem_mib", 512)
            yield machine.qemu_command(None, extra=["-kernel", Info._cache["liar"], "-initrd",
                                                    file.name, *extra],
                                       **options)
