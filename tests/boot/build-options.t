#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every Kconfig symbol, turned the other way from the default, still gives a hypervisor that builds
without a warning and runs the selftest guest. In make test every other one is turned, CONFIG_DEBUG
among them, in one build by gcc with a few claims; in make test-all by clang, the others, too, at
once, and each by itself, by gcc, with all claims. (All at once cannot do: some clock must be
left.)"""
import os
import re
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, TOP, read, selftest, tap

KPYTHON = "/usr/bin/python3"
CHANGES = {"NR_CPUS": "1"}      # symbols that are not bool, and the other value to try


def symbols():
    text = read(os.path.join(TOP, "Kconfig")).decode()
    return [(name, kind) for name, kind in re.findall(r"^config (\w+)\n\t(bool|int|def_bool)", text,
                                                      re.M)
            if kind != "def_bool"]


def turned(text, name, kind):
    """(Configuration @text with symbol @name the other way, the line that says so)."""
    was = re.search(rf"^(CONFIG_{name}=(.*)|# CONFIG_{name} is not set)$", text, re.M)
    if not was:
        raise ValueError(f"{name} is not in the default configuration")
    new = f"CONFIG_{name}={CHANGES[name]}" if kind == "int" else \
        f"CONFIG_{name}=y" if was[2] is None else f"# CONFIG_{name} is not set"
    return text.replace(was[0], new), new


def try_out(chosen, out, compiler="gcc"):
    """Build in @out with all of @chosen turned, and run it. Nobody debugs it: DEBUG= is time."""
    subprocess.run(["make", "-C", TOP, "defconfig", "O=" + out], stdout=subprocess.DEVNULL,
                   check=True)
    config = os.path.join(out, ".config")
    text, lines = read(config).decode(), []
    for name, kind in chosen:
        text, new = turned(text, name, kind)
        lines.append(new)
    with open(config, "w") as file:
        file.write(text)
    done = subprocess.run(["make", "-C", TOP, "CC=" + compiler, "DEBUG=", "O=" + out,
                           os.path.join(out, "isola.elf")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    taken = read(config).decode().splitlines()
    took = all(line in taken or line.startswith("#") and line.split()[1] + "=y" not in taken
               for line in lines)
    what = compiler + ": " + ", ".join(line.strip("# ") for line in lines)
    if tap.ok(done.returncode == 0 and "warning" not in done.stdout and took,
              f"builds, {what}", done.stdout[-2000:]):
        selftest(tap, what, ["--hypervisor", os.path.join(out, "isola.elf")],
                 "" if len(chosen) == 1 else "claims=start/*")


with tempfile.TemporaryDirectory(prefix="isola-options-") as work:
    every = symbols()
    tap.ok(len(every) >= 8, f"{len(every)} symbols are found in Kconfig")
    tap.ok("DEBUG" in dict(every[::2]), "CONFIG_DEBUG is among those that are turned at once")
    for half in range(2 if LONG else 1):
        try_out(every[half::2], os.path.join(work, f"half{half}"), "clang" if LONG else "gcc")
    for name, kind in every if LONG else ():
        try_out([(name, kind)], os.path.join(work, name))
tap.done()
