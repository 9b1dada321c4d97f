#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The documentation against the tree: docs/reading-order.md names every source file once and
nothing else, relative links lead somewhere, docs/command-line.md has every option, docs/locking.md
every lock; and what the guest's planted bugs quote of the sources stands there. No line of the tree
has more than 100 columns, no source file more than 600 lines. With planted faults."""
import os
import re
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import TOP, tap
sys.path[:0] = [os.path.join(TOP, "tests", room) for room in ("guest/mutants", "hfuzz", "pvh")]
from planted import PLANTED  # noqa: E402
from planted_hfuzz import PLANTED as PLANTED_HFUZZ  # noqa: E402
from planted_oom import PLANTED_OOM  # noqa: E402
from planted_pvh import PLANTED as PLANTED_PVH, PLANTED_CONTROL, PLANTED_MODEL  # noqa: E402
from planted_pvh import PLANTED_VMX  # noqa: E402

SHORT = (("asm/", "arch/x86/include/asm/"), ("isola/", "include/isola/"))
ROOMS = ("arch", "boot", "common", "include", "unpack")


def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def below(room, suffixes):
    for directory, _, names in os.walk(os.path.join(TOP, room)):
        for name in names:
            if name.endswith(suffixes):
                yield os.path.relpath(os.path.join(directory, name), TOP)


def sources():
    return {path for room in ROOMS for path in below(room, (".c", ".h", ".S"))}


def named(text):
    """The paths that the lists of @text name, in order, in full."""
    for line in text.splitlines():
        if not line.startswith("- `"):
            continue
        for path in re.findall(r"`([^`]+)`", line.split(": ")[0]):
            for short, full in SHORT:
                if path.startswith(short):
                    path = full + path[len(short):]
            yield path


def core(text):
    """What docs/reading-order.md says of its core: the paths of the chapters, and how many lines it
    gives them."""
    said = re.search(r"must\s+read\s+chapters\s+([\d,\s and]+):\s+(\d+)\s+lines\s+of\s+code", text)
    chapters = re.findall(r"\d+", said.group(1))
    parts = re.split(r"^## (\d+)\..*$", text, flags=re.M)
    return [path for number, part in zip(parts[1::2], parts[2::2]) if number in chapters
            for path in named(part)], \
        int(said.group(2))


def code_lines(path):
    """Lines that are neither empty nor comment."""
    text = re.sub(r"/\*.*?\*/", "", text_of(path), flags=re.S)
    return sum(1 for line in text.splitlines() if line.strip())


def core_faults(text, most=8000):
    paths, said = core(text)
    lines = sum(map(code_lines, paths))
    if lines >= most:
        yield f"{lines} lines, not less than {most}"
    if abs(lines - said) > 200:
        yield f"{lines} lines, where the page says {said}"


def order_faults(text, files):
    paths = list(named(text))
    return ([f"{p} is missing" for p in sorted(files - set(paths))] +
            [f"{p} does not exist" for p in sorted(set(paths) - files)] +
            [f"{p} is named twice" for p in sorted({p for p in paths if paths.count(p) > 1})])


def pages():
    return ["README.md"] + sorted(below("docs", ".md")) + sorted(below("tests", ".md"))


def link_faults(page, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        path = os.path.normpath(os.path.join(TOP, os.path.dirname(page), target.split("#")[0]))
        if not os.path.exists(path):
            yield f"{page}: {target}"


def path_faults(page, text):
    """What is written as a path of the tree (in backticks, with a room first) exists."""
    for path in re.findall(
        r"`((?:arch|boot|common|docs|include|tests|tools|bench|configs)/[\w./-]+)`", text):
        if not os.path.exists(os.path.join(TOP, path)):
            yield f"{page}: {path}"


def options():
    """Every option that some source file defines, by the name on the command line."""
    found = set()
    for room in ROOMS:
        for path in below(room, ".c"):
            found |= set(re.findall(r'^CMDLINE_\w+\("([\w-]+)"', text_of(path), re.M))
    return found


def missing_options(text):
    return sorted(name for name in options() if not re.search(rf"^## `{name}\b", text, re.M))


def locks():
    return re.findall(r"^\t(LOCK_\w+),", text_of("include/isola/lock_order.h"), re.M)


def missing_locks(text):
    rows = re.findall(r"^\| \d+ \| `(LOCK_\w+)`", text, re.M)
    wanted = [lock for lock in locks() if lock not in ("LOCK_NONE", "LOCK_LAST")]
    return [] if rows == wanted else [f"the table has {rows}, the header {wanted}"]


# Ids of invariants, as comments cite them; a number after that is the advisory that a planted bug
# is named after.
CLASSES = ("PTE TYP LIN PRE TLB COH SWI ASI VIS ENT DBG SEG FPU SPC GNT EVT MEM CON MUL EMU IOP "
           "TIM LEAK LOCK LIFE BUG "
           "FETCH PRIV BOOT DOM LOG SHD HVM").split()
ID = re.compile(rf"\b(?:(?:{'|'.join(CLASSES)})-\d{{1,2}}|T\d{{1,2}})\b")
CITING = ("arch", "boot", "common", "include", "tests", "bench", "tools")


def cited():
    """{id: a file that cites it}, over sources, tests and pages."""
    found = {}
    paths = [path for room in CITING
             for path in below(room, (".c", ".h", ".S", ".t", ".pl", ".pml", ".py"))]
    for path in paths + [page for page in pages() if page != "docs/invariants.md"]:
        if not path.endswith("boot/docs.t"):
            for name in ID.findall(text_of(path)):
                found.setdefault(name, path)
    return found


def id_faults(text, uses):
    defined = re.findall(r"^- \*\*([A-Z]+-?\d+)\*\* ", text, re.M)
    return ([f"{name}, cited in {uses[name]}, is not defined"
             for name in sorted(set(uses) - set(defined))] +
            [f"{name} is cited nowhere" for name in sorted(set(defined) - set(uses))] +
            [f"{name} is defined twice"
             for name in sorted({d for d in defined if defined.count(d) > 1})])


COLUMNS, MOST_LINES = 100, 600


def tracked():
    """The text that is ours: what git has, or would add. Links, and the picture, are drawn by
    others."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=TOP, stdout=subprocess.PIPE, check=True).stdout
    for path in listed.decode().split("\0")[:-1]:
        there = os.path.join(TOP, path)
        if os.path.isfile(there) and not os.path.islink(there) and not path.endswith(".svg"):
            yield path


def is_verbatim(line):
    """In a page: a row of a table, which Markdown cannot break, or output as it was printed."""
    return line.startswith(("|", "    "))


def size_faults(path, text):
    """Lines of more than 100 columns, tabs as eight, and source files of more than 600 lines."""
    lines, page = text.splitlines(), path.endswith(".md")
    for number, line in enumerate(lines, 1):
        columns = len(line.expandtabs(8))
        if columns > COLUMNS and not (page and is_verbatim(line)):
            yield f"{path}:{number}: {columns} columns"
    if len(lines) > MOST_LINES and not page:
        yield f"{path}: {len(lines)} lines"


def stale_quotes(planted):
    """Names of the planted bugs whose texts do not stand in their files once each, one change after
    the other."""
    for name, _, *changes in planted:
        files = {path: text_of(path) for path, _, _ in changes}
        for path, text, becomes in changes:
            if files[path].count(text) != 1:
                yield name
            files[path] = files[path].replace(text, becomes)


def main():
    order, files = text_of("docs/reading-order.md"), sources()
    tap.ok(len(files) > 200, f"the tree has source files ({len(files)})")
    faults = order_faults(order, files)
    tap.ok(not faults, "docs/reading-order.md names every source file exactly once",
           "\n".join(faults))
    tap.ok(order_faults(order, files | {"common/new.c"}) == ["common/new.c is missing"],
           "planted: a file that it does not name is found")
    tap.ok(len(order_faults(order + "\n- `common/gone.c`: nothing\n- `isola/vcpu.h`: again\n",
                            files)) == 2,
           "planted: a file that is not there, and one named twice, are found")
    faults = list(core_faults(order))
    tap.ok(not faults, f"what a stranger must read is {sum(map(code_lines, core(order)[0]))} "
                       "lines, as its page says",
           "\n".join(faults))
    tap.ok(len(list(core_faults(re.sub(r"\d+ lines\s+of\s+code", "4000 lines of code", order),
                                5000))) == 2,
           "planted: a figure that is not so, and a core that is too large")
    faults = [fault for page in pages() for fault in link_faults(page, text_of(page))]
    tap.ok(not faults, f"relative links resolve in {len(pages())} pages", "\n".join(faults))
    tap.ok(list(link_faults("docs/x.md",
                            "[a](testing.md) [b](../README.md#top) [c](nowhere.md)")) ==
           ["docs/x.md: nowhere.md"], "planted: a dead link is found")
    faults = [fault for page in pages() for fault in path_faults(page, text_of(page))]
    tap.ok(not faults, "paths named in the pages exist", "\n".join(faults))
    page = text_of("docs/command-line.md")
    tap.ok(not missing_options(page), f"docs/command-line.md has all {len(options())} options",
           "\n".join(missing_options(page)))
    tap.ok(missing_options(page.replace("## `asi", "## `isa")) == ["asi"],
           "planted: a missing option is found")
    page = text_of("docs/locking.md")
    tap.ok(not missing_locks(page), "docs/locking.md has every lock in the header's order",
           "\n".join(missing_locks(page)))
    tap.ok(missing_locks(page.replace("`LOCK_HEAP`", "`LOCK_HEAPS`")),
           "planted: a wrong lock is found")
    page, uses = text_of("docs/invariants.md"), cited()
    faults = id_faults(page, uses)
    tap.ok(not faults, f"docs/invariants.md defines the {len(uses)} ids that are cited, and no "
                       "others", "\n".join(faults))
    tap.ok(id_faults(page, {**uses, "TLB-99": "x.c"}) == ["TLB-99, cited in x.c, is not defined"],
           "planted: an id that is not defined is found")
    tap.ok(id_faults(page + "- **PTE-77** Nothing.\n- **PTE-1** Again.\n", uses) ==
           ["PTE-77 is cited nowhere", "PTE-1 is defined twice"],
           "planted: an id without use, and one defined twice, are found")
    files = list(tracked())
    faults = [fault for path in files for fault in size_faults(path, text_of(path))]
    tap.ok(len(files) > 500 and not faults,
           f"{len(files)} files: no line has more than {COLUMNS} columns, no source more than "
           f"{MOST_LINES} lines", "\n".join(faults))
    long = "\t" + 93 * "x" + "\n"
    tap.ok(list(size_faults("a.c", "y\n" + long)) == ["a.c:2: 101 columns"] and
           list(size_faults("a.md", "|" + long + "    " + long + long)) ==
           ["a.md:3: 101 columns"] and
           list(size_faults("a.S", "\n" * 601)) == ["a.S: 601 lines"],
           "planted: a long line, one in a page, and a long file are found")
    planted = PLANTED + [(name, "", *changes) for name, *changes in PLANTED_OOM]
    faults = list(stale_quotes(planted))
    tap.ok(not faults, f"the {len(planted)} bugs of tests/guest/mutants can be planted",
           "\n".join(faults))
    faults = list(stale_quotes([(name, "", *changes) for name, *changes in PLANTED_HFUZZ]))
    tap.ok(not faults, f"the {len(PLANTED_HFUZZ)} bugs of tests/hfuzz can be planted",
           "\n".join(faults))
    planted = [(name, "", tuple(edit))
               for name, *edit in PLANTED_PVH + PLANTED_CONTROL + PLANTED_MODEL +
               PLANTED_VMX]
    faults = list(stale_quotes(planted))
    tap.ok(not faults, f"the {len(planted)} bugs of tests/pvh can be planted", "\n".join(faults))
    done = subprocess.run([os.path.join(TOP, "tests/models/run"), "--code"],
                          stdout=subprocess.PIPE, text=True)
    tap.ok(done.returncode == 0 and "\nok 9 " in done.stdout,
           "what the models quote of the sources stands there", done.stdout)
    tap.ok(list(stale_quotes([("gone", "", ("Makefile", "no such line\n", ""))])) == ["gone"],
           "planted: a quote that is out of date is found")


main()
tap.done()
