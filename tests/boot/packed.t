#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kernels as distributions ship them: packed in each of Linux's ways, dom0's and those of static
domains, they boot as if they had been unpacked before, and leave nothing behind. What is wrong with
one refuses the boot in a sentence (each kind: tests/unit/unpack.t); so does an unpacker that has
gone over to the other side. Debian's own kernel boots as GRUB loads it; make test-all: every kernel
that Debian serves."""
import gzip
import lzma
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, d) for d in ("../lib", "liar")]
from forge import Info, image
from initrd import debian_linux
from isolatest import (HYPERVISOR, LONG, OUT, PANICKED, POWERED_OFF, SELFTEST, TOP, isola_run, read,
                       refusal, tap)
from livemachine import LiveMachine
from planting import planted
from smallkernel import TEXT, TEXT_AT, kernel

SMALL = kernel()


def filtered(*argv):
    return lambda data: subprocess.run(argv, input=data, stdout=subprocess.PIPE, check=True).stdout


WAYS = {"gzip": gzip.compress, "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
        "zstd": filtered("zstd", "-cq"), "lz4": filtered("lz4", "-lcq"),
        "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE)}


def bzimage(way, data, size=None, length=None):
    """@data, packed, as a bzImage; @size, @length: what it says of them."""
    payload = WAYS[way](data)
    if way != "gzip" or size is not None:
        payload += struct.pack("<I", len(data) if size is None else size)
    setup = bytearray(1024)
    setup[0x1f1] = 1
    setup[0x1fe:0x200] = b"\x55\xaa"
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x206, 0x20f)
    struct.pack_into("<II", setup, 0x248, 0, len(payload) if length is None else length)
    return bytes(setup) + payload


# ---- What boots ----------------------------------------------------------------------------------

def every_way():
    """All at once: dom0 and nine domains beside it, bzImages and files that are packed as such."""
    information = Info(ram_mib=400).cmdline("dom0_mem=20M").module(bzimage("zstd", SMALL))
    files = [("bz-" + way, bzimage(way, SMALL)) for way in WAYS] + \
            [(way, pack(SMALL)) for way, pack in WAYS.items()]
    for name, data in files:
        information.module(data, f"domain={name} mem=20M")
    result = information.boot(mem_mib=512)
    text = result.text()
    said = re.findall(r"^\(isola\) module \d+: unpacked, 8 KiB from \d+ KiB, in ", text, re.M)
    built = re.findall(r"^\(isola\) (?:domain \S+|dom0): 20 MiB", text, re.M)
    tap.ok(result.status == POWERED_OFF and len(said) == 11 and len(built) == 11,
           "dom0 and ten domains, packed in every way, are unpacked, built, and begin", result)


def pages_of(kernels, *options):
    """Pages that are free, and pages that dom0 has, once they run."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(kernels)
        file.flush()
        status, output, errors = isola_run("--mem", "192", "--packed", *options, file.name,
                                           "claims=tools/physinfo", timeout=60)
    free, own = (re.search(p, output) for p in (r"#   (\d+) pages are free", r", (\d+) pages, com"))
    good = status == POWERED_OFF and free and own and re.search(r"^ok 1 ", output, re.M)
    return (int(free[1]), int(own[1])) if good else f"{status}\n{output[-1500:]}{errors}"


def nothing_left():
    elf = read(SELFTEST)
    for options in ((), ("--hv", "dom0_mem=64M", "--smp", "2"))[:None if LONG else 1]:
        plain, packed = (pages_of(k, *options) for k in (elf, bzimage("xz", elf)))
        tap.ok(isinstance(plain, tuple) and plain == packed,
               f"{' '.join(options) or 'all memory'}: dom0 is as large, and as many pages are free "
               "as if it had been unpacked before", f"{plain}\n{packed}")


def begins_anew():
    """Its kernel is unpacked once, and kept so."""
    again = SMALL[:TEXT_AT] + TEXT[:-4] + b"\1" + SMALL[TEXT_AT + len(TEXT) - 3:]      # reboots
    result = Info().module(bzimage("lz4", again), "domain=web mem=20M onend=restart").boot()
    text = result.text()
    tap.ok(result.status == POWERED_OFF and text.count("module 0: unpacked") == 1 and
           text.count("Domain 1 (web) begins anew") == 4,
           "a domain with onend=restart begins anew from its packed kernel, four times", result)


UNPACKER = 32751


def debian():
    """As 20_linux_xen writes the entry; the auditor outside looks at the unpacker at work, and at
    Linux. Without a disk that is the end."""
    words = "placeholder root=UUID=0-0 ro console=hvc0 earlyprintk=xen"
    for which in ("linux", "linux@bookworm-backports", "linux@trixie", "linux-newest")[
            :None if LONG else 1]:
        name, why_not = debian_linux(which)
        if not name:
            tap.skip(f"{which} boots as GRUB loads it", why_not)
            continue
        with LiveMachine(name, words, hv="placeholder dom0_mem=512M no-real-mode edd=off", smp=2,
                         load=read) as live:
            live.wait_for(rb"\(isola\) 2 CPUs")
            time.sleep(0.3)
            with live.stopped() as snapshot:
                first = live.audit(snapshot)
            live.wait_for(rb"Linux version")
            with live.stopped() as snapshot:
                second = live.audit(snapshot)
            good = live.wait_for(rb"Kernel panic - not syncing: VFS")
        tap.ok(good and f"Command line: {words}" in live.text(),
               f"{os.path.basename(name)} boots as GRUB loads it", live.text()[-2000:])
        tap.ok(list(first.owners.domains) == [UNPACKER] and list(second.owners.domains) == [0] and
               not first.findings and not second.findings,
               "seen from outside nobody else's memory is mapped: the unpacker at work, and Linux",
               f"{list(first.owners.domains)}{list(second.owners.domains)}\n" +
               "\n".join(map(str, first.findings + second.findings)))


# ---- What does not -------------------------------------------------------------------------------

GOOD = bzimage("xz", SMALL)
BAD = [
    ("a payload cut short", bzimage("zstd", SMALL)[:-40], "payload ends beyond the file"),
    ("garbage", b"\x1f\x8b\x08" + b"\x55" * 500, r"its gzip data is damaged \(.*\)"),
    ("a wrong size", bzimage("xz", SMALL, size=len(SMALL) + 1), "xz data is not the 8193 bytes"),
    ("a bomb", gzip.compress(gzip.compress(bytes(250 << 20), 1), 1),
     "takes .* MiB, and .* MiB are free"),
    ("a text in gzip", gzip.compress(b"hello" * 100), "module 0, unpacked.* is not an ELF file"),
    ("gzip in gzip in gzip in gzip", gzip.compress(gzip.compress(gzip.compress(gzip.compress(
        SMALL)))), r"is compressed \(gzip\), and that too often"),
]
PLACE = r"the kernel of dom0 \(module 0\) cannot be unpacked: "
# name, what it does before it shuts down, sentence
EVIL = [
    ("faults", "asm volatile (\"ud2\")", "the unpacker has crashed$"),
    ("shuts down as crashed", "op.reason = SHUTDOWN_crash", "the unpacker has crashed$"),
    ("says nothing", "", "the unpacker has ended without a word$"),
    ("says what there is not", "tell(9, 0, 0)", "the unpacker ends with status 9$"),
    ("names a page beyond the last", "tell(1, last + 1, 1)", r"hands back 1 pages from \w+ on"),
    ("names pages beyond the last", "tell(1, last, 4097)", r"hands back 2 pages from \w+ on"),
    ("names pages that wrap", "tell(1, ~0ul, 4096)", "hands back 1 pages from f+ on"),
    ("names 16 EiB", "tell(1, 0, ~0ul)", "hands back 18446744073709551615 bytes$"),
    ("names nothing", "tell(1, 0, 0)", "hands back 0 bytes$"),
    ("gives its record away", "tell(1, 0, 4096); give_away(si, 0)", "has given its record away$"),
    ("names a page that it has given away", "give_away(si, last); tell(1, last - 1, 8192)",
     r"hands back page \w+, which it has given away$"),
    ("needs as much as it has", "tell(2, 0, heap_of(si))", "does not say what it needs$"),
    ("needs a page more for ever", "tell(2, 0, heap_of(si) + 1)", "does not say what it needs$"),
    ("needs 1 TiB", "tell(2, 0, 1ul << 40)", "that takes 1048576 MiB, more than 1024$"),
    ("speaks to the terminal", "record.why[0] = 27; record.why[1] = '['; record.why[2] = '\\n'; "
     "tell(3, 0, 0)", r"cannot be unpacked: \?\[\?$"),
]
if LONG:
    EVIL.append(("does not end", "for (;;)", "the unpacker has crashed$"))
else:
    EVIL = EVIL[::2]


# What is to be seen by the unpackers above: what, text, what it becomes, by which of them.
UNPACK = "arch/x86/pv/builder/unpack.c"
PLANTED = (
    ("whose the pages are is not looked at", UNPACK,
     "\treturn page_is_to_be_had(page_of(m), u.plan.d);\n",
     "\t(void)m;\n\treturn true;\n", "names a page that it has given away"),
    ("a page far beyond the last is looked up", UNPACK, "r->pfn >= u.plan.nr_pages || ", "0 || ",
     "names pages that wrap"),
    ("pages beyond the last are looked up", UNPACK, " || nr > u.plan.nr_pages - r->pfn", "",
     "names pages beyond the last"),
    ("the magic number is not looked at", UNPACK, "r.magic != UNPACK_MAGIC", "0", "says nothing"),
    ("a crash is not looked at", UNPACK, "u.plan.d->shutdown_code != SHUTDOWN_poweroff", "0",
     "faults"),
    ("who asks for more is given it for ever", UNPACK, " || u.nr_runs == MAX_RUNS", "",
     "needs a page more for ever"),
    ("a guest's text is printed as it is", UNPACK, "*s < ' ' || *s > '~'", "0",
     "speaks to the terminal"),
)


def symbols(hypervisor=HYPERVISOR):
    """Where the unpacker stands in the image, and how long it is."""
    lines = subprocess.run(["nm", hypervisor], stdout=subprocess.PIPE, check=True, text=True).stdout
    at = {name: int(value, 16) for value, _, name in map(str.split, lines.splitlines())}
    start = at["unpacker_image"]
    return start - at["_image_start"], at["unpacker_image_end"] - start


def evil(number, code):
    """The file of an unpacker that does @code."""
    out = os.path.join(OUT, "tests/boot", f"evil{number}.elf")
    subprocess.run(["gcc", "-O1", "-ffreestanding", "-fno-pic", "-fno-pie", "-no-pie", "-nostdlib",
                    "-static", "-s", "-fno-stack-protector", "-fcf-protection=none",
                    "-w", "-fno-asynchronous-unwind-tables",
                    "-Wl,--build-id=none,-z,noexecstack,-z,max-page-size=4096",
                    "-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__",
                    f"-DEVIL={code}", "-I", os.path.join(TOP, "include"),
                    "-T", os.path.join(TOP, "unpack/unpack.lds"), "-o", out,
                    os.path.join(HERE, "packed/evil.c"), os.path.join(OUT, "unpack/head.S.o")],
                   check=True)
    return read(out)


def judged(rows, information):
    with ThreadPoolExecutor(2) as pool:
        for (name, _, expected), result in zip(rows, pool.map(lambda row: information(row).boot(
                timeout=200), rows)):
            sentence = refusal(result)
            good = result.status == PANICKED and sentence and re.search(expected, sentence)
            tap.ok(good, f"{name}: {sentence}" if good else f"{name}: refused with /{expected}/",
                   result)


def with_bugs():
    for (what, *_, name), hypervisor, why in planted(PLANTED):
        if not hypervisor:
            tap.ok(False, f"noticed: {what}", why)
            continue
        _, code, expected = next(row for row in EVIL if row[0] == name)
        information = Info().cmdline("dom0_mem=64M").module(GOOD)
        information.image = image(hypervisor)
        result = information.patch(symbols(hypervisor)[0], evil("", code)).boot(timeout=20)
        tap.ok(not re.search(expected, refusal(result) or ""), f"noticed: {what}", result)


def main():
    every_way()
    nothing_left()
    begins_anew()
    debian()
    judged([(f"kernel: {name}", data, expected) for name, data, expected in BAD],
           lambda row: Info().cmdline("dom0_mem=64M").module(row[1]))
    offset, most = symbols()
    files = [evil(i, code) for i, (_, code, _) in enumerate(EVIL)]
    tap.ok(max(map(len, files)) <= most, "an evil unpacker takes the real one's place")
    judged([(f"an unpacker that {name}", data, PLACE + ".*" + expected if "cannot" not in expected
             else expected) for (name, _, expected), data in zip(EVIL, files)],
           lambda row: Info().cmdline("dom0_mem=64M").module(GOOD).patch(offset, row[1]))
    if LONG:
        with_bugs()
    tap.done()


main()
