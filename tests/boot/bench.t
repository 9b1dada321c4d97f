#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench, make bench-growth and make bench-exits come to their ends: every row has its number,
each target is met, none costs more than on Debian's Xen. make test-all only; what they count does
not depend on the machine."""
import os
import re
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, OUT, TOP, tap

GROUPS = 3


def make(target):
    done = subprocess.run(["make", "-C", TOP, "O=" + OUT, target], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


if not LONG:
    tap.skip("the benchmark", "only make test-all")
    tap.done()
status, text = make("bench")
tap.ok(status == 0, "make bench gives every row", text[-3000:])
met = re.search(r"^(\d+) of (\d+) targets met\. Above Xen: (.*)\.$", text, re.M)
tap.ok(met and met[1] == met[2], "each target is met", text[-3000:])
tap.ok(met and met[3] == "none", "no row costs more than on Xen", text[-3000:])
status, text = make("bench-growth")
tap.ok(status == 0 and len(re.findall(r"^\| null ", text, re.M)) == GROUPS,
       "make bench-growth gives every table", text[-3000:])
status, text = make("bench-exits")
tap.ok(status == 0 and "Above Xen: none." in text,
       "make bench-exits gives every row, none above Xen's", text[-3000:])
tap.done()
