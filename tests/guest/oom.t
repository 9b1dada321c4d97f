#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Running out of memory: each allocation is refused once, and nothing is left behind. Boot option
`oom': building dom0, and taking it apart. Claims oom/*: each hypercall that allocates. Both need a
hypervisor with CONFIG_AUDIT. TEST_ALL (make oom): on more machines; then with planted bugs
(mutants/planted_oom.py), each a step that is left out, each of which one of the two must notice.
Arguments: plant those whose name contains one of the words."""
import os
import re
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "mutants"))
from isolatest import ISOLA_RUN, LONG, SELFTEST, audited, tap  # noqa: E402
from planting import HYPERVISOR, build, change, copy_sources, failed_claims, put_back  # noqa: E402
from planted_oom import PLANTED_OOM  # noqa: E402

WORDS = "oom claims=oom/*"
CONFIG = "DEFCONFIG=configs/audit"
BUILT = re.compile(r"^\(isola\) oom: dom0 built and taken apart; each of (\d+) allocations refused "
                   r"once, (\d+) builds given up: "
                   r"nothing left behind", re.M)
#           name, launcher's options, hypervisor's options
SVM = "--cpu", "qemu64,+svm,+npt"
MACHINES = [("one vCPU", [*SVM, "--mem", "256"], "dom0_mem=33M")]
if LONG:
    MACHINES += [("four vCPUs", [*SVM, "--mem", "256", "--smp", "2"],
                  "dom0_mem=48M dom0_max_vcpus=4"),
                 ("asi=off", [*SVM, "--mem", "256"], "dom0_mem=32M asi=off"),
                 ("UEFI, 1 GiB", [*SVM, "--firmware", "uefi", "--mem", "1024"], "dom0_mem=64M")]


def run(hypervisor, options, hv):
    done = subprocess.run([ISOLA_RUN, "--mem", "128", "--timeout", "120",
                           "--hypervisor", hypervisor, *options, "--hv", "oom " + hv, SELFTEST,
                           WORDS],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8", "replace").replace("\r", "")


def check(hypervisor, name, options, hv):
    text = run(hypervisor, options, hv)
    built = BUILT.search(text)
    points = re.findall(r"^(ok|not ok) \d+ - (\S+): (.*)$", text, re.M)
    tap.ok(built and int(built[1]) >= 30 and int(built[2]) >= 20,
           f"{name}: dom0's building: {built[1] if built else 'no'} allocations, each refused once",
           text[-2000:])
    for verdict, claim, sentence in points:
        tap.ok(verdict == "ok" and "# SKIP" not in sentence, f"{name}: {claim} {sentence}",
               text[-2000:])
    tap.ok(len(points) >= 12 and "# selftest ends: all claims hold" in text,
           f"{name}: the guest comes to its end", text[-2000:])


def plant(tree, name, *edits):
    old = change(tree, edits)
    if old is None:
        tap.ok(False, name, "a text to be changed is not there, or not once")
        return
    complaint = build(tree, CONFIG)
    text = "" if complaint else run(os.path.join(tree, HYPERVISOR), MACHINES[0][1], MACHINES[0][2])
    put_back(tree, old)
    panics = re.findall(r"^\(isola\) (PANIC.*)$", text, re.M)
    noticed = (failed_claims(text) + panics)[:1]
    tap.ok(noticed, f"{name}: noticed by {noticed[0]}"
           if noticed else f"{name}: noticed by nobody",
           complaint or text[-1500:])


def main():
    wanted = [p for p in PLANTED_OOM if (LONG and not sys.argv[1:]) or
              any(word in p[0] for word in sys.argv[1:])]
    for machine in MACHINES:
        check(audited(), *machine)
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="isola-oom-") as tree:
        copy_sources(tree)
        for entry in wanted:
            plant(tree, *entry)


main()
tap.done()
