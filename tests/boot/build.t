#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The build: no compiler's warning (make test-all: clang's, too), the same bits in another
directory, W^X segments, a symbol table that names every function, nothing rebuilt without need; and
the checks themselves notice what they are for. make test builds the hypervisor so, make test-all
the test images with it."""
import filecmp
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import HYPERVISOR, LONG, OUT, TOP, patched, read, tap

# Time says as much of the machine and its neighbours as of the build: what the compiler is started
# for and what it reads is counted instead.
# by all compilations together: headers that grow, or that all include
READ_BYTES = 30_000_000 if LONG else 27_000_000
work = tempfile.TemporaryDirectory(prefix="isola-build-")


def make(*arguments, where=TOP):
    done = subprocess.run(["make", "-C", where, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def copy_tree(name):
    """What git knows or would add, as a fresh directory: no build output."""
    there = os.path.join(work.name, name)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=TOP,
                            stdout=subprocess.PIPE, check=True).stdout
    for path in sorted(set(listed.decode().split("\0"))):
        source = os.path.join(TOP, path)
        if path and os.path.isfile(source):
            os.makedirs(os.path.dirname(os.path.join(there, path)), exist_ok=True)
            shutil.copy2(source, os.path.join(there, path))
    return there


def processor_seconds():
    """What the programs started so far have taken: what else the machine does meanwhile does not
    count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read_by_compiler(out):
    """What the dependency files in @out tell: each compilation's bytes, of source and headers."""
    told = []
    for where, _, files in os.walk(out):
        for name in files:
            if name.endswith(".d"):
                rule = read(os.path.join(where, name)).decode().replace("\\\n", " ")
                sources = rule.split("\n")[0].split(":", 1)[1].split()
                told.append(sum(os.path.getsize(os.path.join(elsewhere, s)) for s in sources))
    return told


def is_usual(out):
    """Is what stands in @out built by gcc, of the default configuration?"""
    return (read(os.path.join(out, "flags")).startswith(b"gcc ") and
            read(os.path.join(out, ".config")) == read(os.path.join(OTHER_OUT, ".config")))


OTHER_OUT = os.path.join(work.name, "out")
elsewhere = copy_tree("a-directory-with-a-longer-name")
built = os.path.join(OTHER_OUT, "isola.elf")
WHOLE = ["O=" + OTHER_OUT] + ([] if LONG else [built])
began = processor_seconds()
status, output = make(*WHOLE, where=elsewhere)
tap.note(f"{(processor_seconds() - began) / 2:.1f} s of two processors")
tap.ok(status == 0 and not re.search("warning", output),
       "gcc builds a clean copy without a warning", output[-3000:])
compiled = len(re.findall("^  (?:CC|AS|LDS|OFFSETS) ", output, re.M))
told = read_by_compiler(OTHER_OUT)
tap.ok(len(told) == compiled and sum(told) <= READ_BYTES,
       f"each source is compiled once; the compiler reads at most {READ_BYTES / 1e6:.0f} MB",
       f"{compiled} compilations, {len(told)} dependency files, {sum(told)} bytes")
tap.note(f"{compiled} compilations read {sum(told) / 1e6:.1f} MB")
tap.ok(not os.path.exists(os.path.join(elsewhere, "build")), "O= builds elsewhere, and only there")
# `make test` has made a second one already, most often.
twin = OUT
if not is_usual(OUT):
    second = copy_tree("b")
    twin = os.path.join(second, "build")
    make(where=second)
for name in ("isola.elf", "selftest.elf") if LONG else ("isola.elf",):
    one, two = os.path.join(OTHER_OUT, name), os.path.join(twin, name)
    tap.ok(os.path.exists(one) and os.path.exists(two) and filecmp.cmp(one, two, shallow=False),
           f"{name} from another directory, with another O=, is the same, bit for bit",
           f"{one}, {two}")
status, output = make(*WHOLE, where=elsewhere)
tap.ok(status == 0 and not re.search(r"^  (CC|AS|LD)", output, re.M),
       "a second make builds nothing", output[-2000:])
images = {"gcc": built}
if LONG:
    images["clang"] = os.path.join(work.name, "clang/isola.elf")
    status, output = make("CC=clang", "O=" + os.path.dirname(images["clang"]), where=elsewhere)
    tap.ok(status == 0 and not re.search("warning", output), "clang builds it without a warning",
           output[-3000:])

for compiler, image in images.items():
    text = subprocess.run(["readelf", "-lW", image], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True).stdout
    flags = [match.replace(" ", "") for match in re.findall(r"^  LOAD .*?(?:0x\w+ ){5}([RWE ]{3}) ",
                                                            text, re.M)]
    tap.ok(len(flags) >= 3 and {"RE", "R", "RW"} <= set(flags) and
           not any("W" in f and "E" in f for f in flags),
           f"{compiler}: text, read-only data and data are separate, none writable and executable",
           f"{flags}\n{text}")

# The symbol table names every function at its address.
nm = subprocess.run(["nm", "-n", HYPERVISOR], stdout=subprocess.PIPE, text=True, check=True).stdout
symbols = [(name, int(address, 16)) for address, kind, name in re.findall(r"^(\w+) (\w) (\S+)$", nm,
                                                                          re.M)]
at = dict(symbols)
image = read(HYPERVISOR)


def at_address(address, size):
    """@size bytes at virtual @address of the image."""
    phoff, = struct.unpack_from("<Q", image, 32)
    count, = struct.unpack_from("<H", image, 56)
    for index in range(count):
        kind, _, offset, vaddr, _, filesz = struct.unpack_from("<IIQQQQ", image, phoff + 56 * index)
        if kind == 1 and vaddr <= address and address + size <= vaddr + filesz:
            return image[offset + address - vaddr:][:size]
    return b""


count = struct.unpack("<I", at_address(at["symbols_count"], 4) or bytes(4))[0]
offsets = struct.unpack(f"<{count}I", at_address(at["symbols_offsets"], 4 * count))
names = struct.unpack(f"<{count}I", at_address(at["symbols_names"], 4 * count))
wrong, known = [], set(symbols)
for offset, name in zip(offsets, names):
    text = at_address(at["symbols_blob"] + name, 1)
    while text and text[-1]:
        text += at_address(at["symbols_blob"] + name + len(text), 1)
    if (text[:-1].decode(), at["_stext"] + offset) not in known:
        wrong.append(f"{offset:#x} {text}")
functions = sum(1 for line in nm.splitlines() if re.search(r" [tT] (?!\.L)", line))
tap.ok(count > 50 and count >= functions * 0.9 and not wrong and list(offsets) == sorted(offsets),
       f"the symbol table names {count} functions, each at its address, in order", wrong[:5])

# The checks notice. One planted fault each.
planted = os.path.join(work.name, "planted.elf")


def check_image(*files):
    return subprocess.run([os.path.join(TOP, "tools/check-image"), *files], cwd=elsewhere,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


phoff, = struct.unpack_from("<Q", image, 32)
with open(planted, "wb") as file:
    file.write(patched(image, (phoff + 4, struct.pack("<I", 7))))
tap.ok(check_image(planted).returncode and not check_image(HYPERVISOR).returncode,
       "check-image refuses a writable and executable segment, and nothing in the real image")
source, objfile = os.path.join(work.name, "planted.c"), os.path.join(work.name, "planted.o")
for name, flags, bad in (("a 32-bit absolute address", ["-mcmodel=kernel", "-fno-pic", "-fno-pie"],
                          True),
                         ("no fault", ["-fpie"], False)):
    with open(source, "w") as file:
        file.write("extern int x[]; int *f(void); int *f(void) { return x; }\n")
    subprocess.run(["gcc", "-O2", *flags, "-c", "-o", objfile, source], check=True)
    done = check_image(HYPERVISOR, objfile)
    tap.ok(bool(done.returncode) == bad, f"check-image, given an object with {name}", done.stdout)

with open(os.path.join(elsewhere, "include/isola/planted.h"), "w") as file:
    file.write("#pragma once\nstatic inline int planted(struct never *n) { return n->field; }\n")
done = subprocess.run([os.path.join(elsewhere, "tools/check-headers")], stdout=subprocess.PIPE,
                      text=True,
                      env={**os.environ, "O": OTHER_OUT})
tap.ok(done.returncode and "not ok" in done.stdout and "planted.h" in done.stdout,
       "check-headers notices a header that needs another", done.stdout[-500:])
victim = os.path.join(elsewhere, "common/lib/string.c")
with open(victim, "a") as file:
    file.write("\n#include <asm/planted_above.h>\nvoid planted_above(void); void "
               "planted_below(void);\n"
               "void planted_below(void); void planted_below(void) { planted_above(); }\n")
for one, other in (("string", "bitmap"), ("bitmap", "string")):
    with open(os.path.join(elsewhere, f"common/lib/{one}.c"), "a") as file:
        file.write(f"\nint planted_{one}(void); int planted_{other}(void);\n"
                   f"int planted_{one}(void) {{ return planted_{other}() + 1; }}\n")
with open(os.path.join(elsewhere, "arch/x86/include/asm/planted_above.h"), "w") as file:
    file.write("#pragma once\n")
# The file that gives the header its room is empty, and in no list: a list that changes builds all
# again.
with open(os.path.join(elsewhere, "arch/x86/boot/planted_above.c"), "w") as file:
    file.write("#include <asm/planted_above.h>\n")
with open(os.path.join(elsewhere, "arch/x86/boot/start.c"), "a") as file:
    file.write("\nvoid planted_above(void);\nvoid planted_above(void) { }\n")
make(*WHOLE, where=elsewhere)
done = subprocess.run([os.path.join(elsewhere, "tools/check-layers")], stdout=subprocess.PIPE,
                      text=True,
                      env={**os.environ, "O": OTHER_OUT})
tap.ok(done.returncode and "includes <asm/planted_above.h>" in done.stdout and
       "refers to planted_above" in done.stdout,
       "check-layers notices an include and a call that run back up", done.stdout[-1500:])
tap.ok("string.o needs planted_bitmap of common/lib/bitmap.o" in done.stdout and
       "bitmap.o needs planted_string of common/lib/string.o" in done.stdout,
       "check-layers notices two objects that need each other", done.stdout[-1500:])
with open(os.path.join(elsewhere, "include/isola/planted_nowhere.h"), "w") as file:
    file.write("#pragma once\n")
done = subprocess.run([os.path.join(elsewhere, "tools/check-layers")], stdout=subprocess.PIPE,
                      text=True,
                      env={**os.environ, "O": OTHER_OUT})
tap.ok("planted_nowhere.h has no source file of its name" in done.stdout,
       "check-layers notices a header that belongs to no room", done.stdout[-1500:])

with open(victim, "a") as file:
    file.write("\nstatic int planted_unused;\n")
status, output = make(*WHOLE, where=elsewhere)
tap.ok(status != 0 and "planted_unused" in output, "a warning fails the build", output[-500:])
tap.done()
