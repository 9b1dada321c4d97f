# SPDX-License-Identifier: MIT
"""A PV kernel as people have it on disk, turned into the ELF that the hypervisor loads.

Accepted: a raw ELF, an ELF compressed as a whole (gzip, xz, bzip2, lzma, zstd, lz4, lzo), and a
Linux bzImage, whose payload is such a compressed ELF (Linux: Documentation/x86/boot.rst,
payload_offset and payload_length). What the ELF's notes say is the hypervisor's business, not ours.
"""
import bz2
import lzma
import shutil
import struct
import subprocess
import zlib

MAX_NESTING = 3         # a compressed bzImage is two levels deep


class KernelError(Exception):
    """The file is not a kernel we can unpack; the text is one sentence."""


def _command(*argv):
    def run(data):
        if not shutil.which(argv[0]):
            raise KernelError(f"it is compressed with {argv[0]}, and the command {argv[0]} is not "
                              "installed")
        # Exit status is ignored: what follows the stream in a bzImage (its size, padding) is not
        # compressed data.
        return subprocess.run(argv, input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
    return run


FORMATS = (
    (b"\x1f\x8b", "gzip", lambda d: zlib.decompressobj(31).decompress(d)),
    (b"\xfd7zXZ\0", "xz", lambda d: lzma.LZMADecompressor().decompress(d)),
    (b"BZh", "bzip2", lambda d: bz2.BZ2Decompressor().decompress(d)),
    (b"\x5d\0\0", "lzma", lambda d: lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(d)),
    (b"\x28\xb5\x2f\xfd", "zstd", _command("zstd", "-dcq")),
    (b"\x02\x21\x4c\x18", "lz4", _command("lz4", "-dcq")),
    (b"\x89LZO", "lzo", _command("lzop", "-dcq")),
)


def is_bzimage(data):
    return len(data) > 0x268 and data[0x1fe:0x200] == b"\x55\xaa" and data[0x202:0x206] == b"HdrS"


def bzimage_payload(data):
    (version,) = struct.unpack_from("<H", data, 0x206)
    if version < 0x208:
        raise KernelError(f"it is a bzImage of boot protocol {version >> 8}.{version & 255:02d}; "
                          "2.08 is the oldest that says where the kernel is")
    setup_sects = data[0x1f1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (setup_sects + 1) * 512 + offset
    if not length or start + length > len(data):
        raise KernelError("it is a truncated bzImage: its payload ends beyond the file")
    return data[start:start + length]


def unpack(data):
    """Return the ELF inside @data (bytes), or raise KernelError."""
    for _ in range(MAX_NESTING + 1):
        if data[:4] == b"\x7fELF":
            return data
        if is_bzimage(data):
            data = bzimage_payload(data)
            continue
        for magic, name, decompress in FORMATS:
            if data.startswith(magic):
                break
        else:
            break
        try:
            unpacked = decompress(data)
        except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
            raise KernelError(f"its {name} data is damaged ({error})") from error
        if not unpacked and name in ("zstd", "lz4"):
            unpacked = decompress(data[:-4])       # a bzImage appends the unpacked size
        if not unpacked:
            raise KernelError(f"its {name} data is damaged")
        data = unpacked
    if data[:2] == b"MZ":
        raise KernelError("it is an EFI program; a PV kernel is an ELF or a bzImage")
    raise KernelError("it is neither an ELF, nor a compressed ELF, nor a bzImage")


def load(path):
    """Return the ELF in the file @path; KernelError and OSError carry the reason."""
    with open(path, "rb") as file:
        return unpack(file.read())
