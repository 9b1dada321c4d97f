# SPDX-License-Identifier: MIT
"""The stream in which Debian's Xen tools save a PV domain, as far as tests change it. Layout: Xen's
docs/specs/libxc-migration-stream: a header of 24 bytes, one of 16, records {u32 type, u32 length,
body, padding to 8}; PAGE_DATA is {u32 count, u32 0, u64 pfn and type in its top bits [count]}, then
the pages of those that have any."""
import struct

MARKER = b"\xff" * 8 + struct.pack(">I", 0x58454E46)
END, PAGE_DATA = 0, 1
L1, NO_DATA = 1, 0xd                    # types, without "pinned"; from NO_DATA on
PRESENT, WRITABLE, USER = 1, 2, 4


def pages(data):
    """(type, where its page is in @data) of each page."""
    at = data.find(MARKER) + 24 + 16
    while True:
        kind, length = struct.unpack_from("<II", data, at)
        if kind == END:
            return
        if kind == PAGE_DATA:
            count = struct.unpack_from("<I", data, at + 8)[0]
            page = at + 16 + 8 * count
            for word in struct.unpack_from(f"<{count}Q", data, at + 16):
                if word >> 60 < NO_DATA or word >> 63:
                    yield word >> 60 & 7, page
                    page += 4096
        at += 8 + -(-length // 8) * 8


def name_ram(data, maddr, most=3):
    """Into at most @most of user space's L1 tables in @data, where nothing is at their end, comes
    an absent entry that names @maddr: how many."""
    changed = 0
    for kind, page in pages(data):
        entries = struct.unpack_from("<512Q", data, page) if kind == L1 else ()
        present = [entry for entry in entries if entry & PRESENT]
        if changed < most and present and not entries[-1] and all(e & USER for e in present):
            struct.pack_into("<Q", data, page + 511 * 8, maddr | WRITABLE)
            changed += 1
    return changed
