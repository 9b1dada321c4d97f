#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who says in a comment that a lock is held asserts it (tools/check-held); and an assertion that is
taken out is missed, wherever the comment stands."""
import os
import shutil
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import TOP, tap

# A comment right before the function, a heading over it, a comment before its prototype.
TAKEN_OUT = (("arch/x86/irq/pirq.c", "rest", "ASSERT_LOCKED(&gsi_lock);"),
             ("common/sched_place.c", "ask_somebody", "ASSERT_LOCKED(&sched_lock);"),
             ("common/evtchn.c", "evtchn_unmask", "ASSERT_LOCKED(&d->evtchn_lock);"))


def check(top):
    done = subprocess.run([os.path.join(TOP, "tools/check-held"), top], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


status, output = check(TOP)
tap.ok(status == 0 and not output, "every lock that is said to be held is asserted to be",
       f"status {status}\n{output}")
with tempfile.TemporaryDirectory(prefix="isola-held-") as tree:
    tap.ok(check(tree)[0] == 2, "a tree without any is an error")
    for room in ("arch", "common", "include"):
        shutil.copytree(os.path.join(TOP, room), os.path.join(tree, room))
    for path, function, line in TAKEN_OUT:
        copy = os.path.join(tree, path)
        with open(copy, encoding="utf-8") as file:
            text = file.read()
        at = text.index(line, text.index(f"{function}("))
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text[:at] + text[at + len(line):])
        status, output = check(tree)
        tap.ok(status == 1 and f" {function}() " in output, f"{function}() without its assertion",
               f"status {status}\n{output}")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text)
tap.done()
