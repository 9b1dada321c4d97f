#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every Kconfig symbol, turned the other way from the default, still gives a hypervisor that builds
without a warning and runs the selftest guest. A few claims each in make test; all of them in make
test-all."""
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


work = tempfile.TemporaryDirectory(prefix="isola-options-")
for name, kind in symbols():
    out = os.path.join(work.name, name)
    subprocess.run(["make", "-C", TOP, "defconfig", "O=" + out], stdout=subprocess.DEVNULL,
                   check=True)
    config = os.path.join(out, ".config")
    text = read(config).decode()
    was = re.search(rf"^(CONFIG_{name}=(.*)|# CONFIG_{name} is not set)$", text, re.M)
    if not was:
        tap.ok(False, f"{name} is in the default configuration", text)
        continue
    new = f"CONFIG_{name}={CHANGES[name]}" if kind == "int" else \
        f"CONFIG_{name}=y" if was[2] is None else f"# CONFIG_{name} is not set"
    with open(config, "w") as file:
        file.write(text.replace(was[0], new))
    done = subprocess.run(["make", "-C", TOP, "O=" + out, os.path.join(out, "isola.elf")],
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    took = new.partition("=")[0] in read(config).decode()
    if tap.ok(done.returncode == 0 and "warning" not in done.stdout and took,
              f"builds with {new.strip('# ')}",
              done.stdout[-2000:]):
        selftest(tap, new.strip("# "), ["--hypervisor", os.path.join(out, "isola.elf")],
                 "" if LONG else "claims=start/*")
tap.done()
