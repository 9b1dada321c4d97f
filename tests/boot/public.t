#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/isolation.md against the source: every allocation of public memory names a row of the table
of public objects, every row is named; the public data of the image is that of the ELF; the ways to
a foreign frame are those that the source has. With planted additions and removals."""
import os
import re
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import HYPERVISOR, TOP, tap

# Who implements what is looked for.
ALLOCATOR = {"arch/x86/frames/heap.c", "arch/x86/frames/page_alloc.c", "arch/x86/frames/bootmem.c",
             "arch/x86/frames/handover.c"}
MAPPER = {"arch/x86/asi/mapcache.c": "map_domain_page", "arch/x86/cpu/cpu_area.c": "cpu_window_map"}
PUBLIC_CALL = re.compile(
    r"\b(?:public_alloc|alloc_public_pages?(?:_early)?|bootmem_public_page|"
    r"bootmem_alloc(?:_anywhere)?)\s*\("
    r"|\bpage_alloc\(ALLOC_PUBLIC\b")
PRIVATE = "page_alloc(ALLOC_CPU"        # what boot memory stands in for on the same line
WINDOW_CALL = re.compile(r"(?<!un)\b(map_domain_page|cpu_window_map)\s*\(")
MARK = re.compile(r"/\* public: ([^*]+?) \*/")
ABOVE = 5                       # a name stands on the call's line, or so many lines above it
LEAST_BYTES = 64


def sources(kinds):
    found = {}
    for room in ("arch", "boot", "common", "include"):
        for directory, _, names in os.walk(os.path.join(TOP, room)):
            for name in names:
                if name.endswith(kinds):
                    path = os.path.relpath(os.path.join(directory, name), TOP)
                    with open(os.path.join(TOP, path), encoding="utf-8") as file:
                        found[path] = file.read()
    return found


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text, header):
    """The cells of the table whose first line begins with @header."""
    lines = text.split(f"\n| {header} |")[1].splitlines()[2:]
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


# ---- Allocations ----

def allocations(files):
    """(where, name or None) of each call that allocates public memory."""
    for path, text in files.items():
        lines = [] if path in ALLOCATOR else text.splitlines()
        for i, line in enumerate(lines):
            if not PUBLIC_CALL.search(line.split("/*")[0]) or PRIVATE in line:
                continue
            marks = [MARK.search(above) for above in lines[max(0, i - ABOVE):i + 1]]
            marks = [mark[1] for mark in marks if mark]
            yield f"{path}:{i + 1}", marks[-1] if marks else None


def public_faults(page, files):
    listed = [row[0] for row in rows(section(page, "What is public, and why"), "name")]
    named = set()
    for where, name in allocations(files):
        named.add(name)
        if name is None:
            yield f"{where}: public memory without a name"
        elif name not in listed:
            yield f"{where}: \"{name}\" is no row of docs/isolation.md"
    for name in listed:
        if name not in named:
            yield f"docs/isolation.md: \"{name}\" is allocated nowhere"
    for cells in rows(section(page, "What is public, and why"), "name"):
        if len(cells) != 3 or not all(cells):
            yield (f"docs/isolation.md: the row \"{cells[0]}\" does not say what it holds and why "
                   "that is no secret")


# ---- Data of the image ----

def symbols():
    """{name: bytes} of what the image has in .bss."""
    done = subprocess.run(["nm", "-S", HYPERVISOR], stdout=subprocess.PIPE, check=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        parts = line.split()
        if len(parts) == 4 and parts[2] in "bB":
            name = parts[3].split(".")[0]
            found[name] = max(found.get(name, 0), int(parts[1], 16))
    return found


def data_faults(page, bss):
    listed = {name for row in rows(section(page, "What is public, and why"), "object")
              for name in re.findall(r"`(\w+)`", row[0])}
    for name, size in bss.items():
        if size >= LEAST_BYTES and name not in listed:
            yield f"{name}, {size} bytes of .bss, is not in docs/isolation.md"
    for name in sorted(listed - set(bss)):
        yield f"docs/isolation.md: {name} is not in .bss"


# ---- Foreign frames ----

def windows(files):
    """("file function()", call) of each call that opens a window on a frame."""
    for path, text in files.items():
        function = None
        for line in text.splitlines():
            if re.match(r"[a-z].*;$", line):
                continue            # a declaration
            start = re.match(r"[a-z].*?\b(\w+)\([^;]*$", line)
            if start:
                function = start[1]
            for call in WINDOW_CALL.findall(line.split("/*")[0]):
                if function != call:
                    yield f"{path} {function}()", call


def window_faults(page, files):
    listed = set()
    for cells in rows(section(page, "Foreign frames"), "way"):
        listed |= {f"{path} {function}()" for path, function in re.findall(r"`([\w/.]+)` (\w+)\(\)",
                                                                           cells[1])}
    found = {where for where, _ in windows(files)}
    yield from (f"{where} opens a window and is not in docs/isolation.md"
                for where in sorted(found - listed))
    yield from (f"docs/isolation.md: {where} opens no window" for where in sorted(listed - found))


def main():
    with open(os.path.join(TOP, "docs/isolation.md"), encoding="utf-8") as file:
        page = file.read()
    files, bss = sources(".c"), symbols()

    count = len(list(allocations(files)))
    faults = list(public_faults(page, files))
    tap.ok(not faults and count > 20, f"{count} allocations of public memory and the table agree",
           "\n".join(faults))
    new = dict(files, **{"common/new.c": "void f(void)\n{\n\tvoid *p = public_alloc(8);\n}\n"})
    tap.ok(list(public_faults(page, new)) == ["common/new.c:3: public memory without a name"],
           "planted: one without a name")
    new["common/new.c"] = ("void f(void)\n{\n\t/* public: passwords */\n"
                           "\tvoid *p = alloc_public_page();\n}\n")
    tap.ok(len(list(public_faults(page, new))) == 1, "planted: one whose name is no row")
    tap.ok(list(public_faults(page.replace("| grant pins |", "| grant pens |"), files)),
           "planted: a row that nobody names")
    gone = {path: text for path, text in files.items() if path != "arch/x86/calls/memory_map.c"}
    tap.ok(len(list(public_faults(page, gone))) == 1, "planted: a row whose allocation is gone")
    tap.ok(list(public_faults(page.replace("| counts |\n", "| |\n"), files)),
           "planted: a row without a reason")

    faults = list(data_faults(page, bss))
    tap.ok(not faults and len(bss) > 50, "the public data of the image and the table agree",
           "\n".join(faults))
    tap.ok(len(list(data_faults(page, dict(bss, guest_buffer=4096)))) == 1,
           "planted: a buffer that is not listed")
    tap.ok(list(data_faults(page.replace("`mailbox`", "`mailboxes`"), bss)),
           "planted: one that is not there")

    files = sources((".c", ".h"))
    found = list(windows(files))
    faults = list(window_faults(page, files))
    tap.ok(not faults and len(found) >= 9,
           f"{len(found)} calls that open a window and the table agree", "\n".join(faults))
    new = dict(files,
               **{"common/new.c": "static int peek(mfn_t m)\n{\n\treturn *(int "
                                  "*)map_domain_page(m);\n}\n"})
    tap.ok(list(window_faults(page, new)) ==
           ["common/new.c peek() opens a window and is not in docs/isolation.md"],
           "planted: a new way to a foreign frame")
    tap.ok(len(
        list(window_faults(page, {path: text for path, text in files.items()
                                  if path != "arch/x86/calls/audit.c"}))) == 1,
           "planted: a way that is gone")


main()
tap.done()
