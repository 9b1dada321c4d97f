# SPDX-License-Identifier: MIT
"""The smallest PV kernel there is, as an ELF file whose every field can be set wrong.

Sound, it makes one hypercall: SCHEDOP_shutdown, poweroff. So whatever is changed about it, a
machine that powers off has taken it, and one that says FATAL has refused it.
"""
import struct

VIRT_BASE = 0xffffffff80000000
PADDR = 0x1000000
ENTRY = VIRT_BASE + PADDR
NOTES_AT, TEXT_AT = 0x200, 0x1000

# sched_op(SCHEDOP_shutdown, &{ SHUTDOWN_poweroff }); then stay where we are.
TEXT = bytes.fromhex("b81d000000"               # mov $29, %eax
                     "bf02000000"               # mov $2, %edi
                     "488d3504000000"           # lea 4(%rip), %rsi
                     "0f05" "ebfe"              # syscall; jmp .
                     "00000000")                # reason: poweroff


def u64(value):
    return struct.pack("<Q", value & (1 << 64) - 1)


def text(value):
    return value.encode("latin-1") + b"\0"


ENTRY_NOTE, HYPERCALL_PAGE, VIRT_BASE_NOTE, PADDR_OFFSET = 1, 2, 3, 4
XEN_VERSION, GUEST_OS, LOADER = 5, 6, 8
FEATURES, INIT_P2M, SUPPORTED_FEATURES, PHYS32_ENTRY = 10, 15, 17, 18
NOTES = ((XEN_VERSION, text("xen-3.0")), (GUEST_OS, text("linux")), (LOADER, text("generic")),
         (VIRT_BASE_NOTE, u64(VIRT_BASE)), (PADDR_OFFSET, u64(0)), (ENTRY_NOTE, u64(ENTRY)),
         (FEATURES, text("!writable_page_tables|pae_pgdir_above_4gb")),
         (SUPPORTED_FEATURES, u64(0x8801)))


def notes(without=(), extra=(), owner=b"Xen\0"):
    """The notes of a sound kernel, but for the types in @without, and then the pairs of @extra."""
    data = b""
    for kind, desc in [pair for pair in NOTES if pair[0] not in without] + list(extra):
        data += struct.pack("<III", len(owner), len(desc), kind) + owner + bytes(-len(owner) % 4)
        data += desc + bytes(-len(desc) % 4)
    return data


def segment(paddr=PADDR, offset=TEXT_AT, filesz=0x1000, memsz=0x1000, vaddr=None, kind=1):
    vaddr = (paddr + VIRT_BASE if vaddr is None else vaddr) & (1 << 64) - 1
    return struct.pack("<IIQQQQQQ", kind, 7, offset, vaddr, paddr, filesz, memsz, 0x1000)


def kernel(segments=None, note_data=None, ident=b"\x7fELF\x02\x01\x01", kind=2, machine=62,
           phentsize=56, phnum=None,
           phoff=64, size=None):
    """The file. @segments: list of segment(); the notes' own header comes first of all."""
    note_data = notes() if note_data is None else note_data
    headers = [struct.pack("<IIQQQQQQ", 4, 4, NOTES_AT, 0, 0, len(note_data), len(note_data), 4)]
    headers += [segment()] if segments is None else segments
    data = bytearray(TEXT_AT + 0x1000)
    struct.pack_into("<16sHHIQQQIHHHHHH", data, 0, ident, kind, machine, 1, ENTRY, phoff, 0, 0, 64,
                     phentsize,
                     len(headers) if phnum is None else phnum, 64, 0, 0)
    data[64:64 + 56 * len(headers)] = b"".join(headers)
    data[NOTES_AT:NOTES_AT + len(note_data)] = note_data
    data[TEXT_AT:TEXT_AT + len(TEXT)] = TEXT
    return bytes(data[:size])


def noted(*extra, without=()):
    """A kernel with notes changed: the kinds of @extra replace those of a sound one."""
    return kernel(note_data=notes(without=tuple(kind for kind, _ in extra) + tuple(without),
                                  extra=extra))
