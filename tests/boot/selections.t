#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Words and variables that choose what a test runs: where they choose nothing, the test fails at
once, and says so. (The selftest guest's own: tests/guest/selftest.t. The fuzzer's:
tests/unit/fuzz.t.)"""
import os
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import TOP, rows_of, tap

# Command, what of the environment, what it must say.
EMPTY = (
    (["tests/boot/linux.t"], {"LINUX_SETUPS": "9 vCPUs"},
     "LINUX_SETUPS=9 vCPUs matches none of: linux: "),
    (["tests/boot/isolation.t"], {"ISOLATION_STOPS": "0"}, "ISOLATION_STOPS=0: no stops"),
    (["tests/boot/isolation.t"], {"ISOLATION_STOPS": "-3"}, "ISOLATION_STOPS=-3: no stops"),
    (["tests/boot/exchange.t"], {"EXCHANGES": "9 vCPUs"}, "EXCHANGES=9 vCPUs matches none"),
    (["tests/boot/installed/installed.t"], {"INSTALLED": "Alpha"}, "INSTALLED=Alpha matches none"),
    (["tests/guest/mutants/mutants.t", "no such bug"], {}, "not ok 1 - some planted bug has"),
    (["tests/models/run", "nonesuch"], {}, "no model is called nonesuch"),
    (["bench/growth", "nonesuch"], {}, "bench/growth: how the cost of an operation grows"),
)

for command, variables, said in EMPTY:
    done = subprocess.run([os.path.join(TOP, command[0]), *command[1:]],
                          env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    text = done.stdout.decode("utf-8", "replace")
    words = " ".join([f"{name}={value}" for name, value in variables.items()] + command)
    tap.ok(done.returncode and said in text and "\nok " not in "\n" + text, f"{words}: fails",
           f"status {done.returncode}\n{text[-1000:]}")

for text, what in (("# nothing\n", "no row"), ("tset | a | b\ntest | a | b\n", "tset")):
    with tempfile.NamedTemporaryFile("w", prefix="isola-rows-", suffix=".list") as file:
        file.write(text)
        file.flush()
        try:
            complaint = f"taken: {rows_of(file.name)}"
        except ValueError as error:
            complaint = str(error)
        tap.ok(what in complaint and not complaint.startswith("taken"),
               f"a list of machines with {what} is refused", complaint)
tap.done()
