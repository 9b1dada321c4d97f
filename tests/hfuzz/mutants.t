#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Planted bugs (planted_hfuzz.py): the hypervisor is built with each of them, in a copy of the
sources, and the hostile fuzz must end badly, by whatever it notices first. Without a bug the same
operations end well. Arguments: plant only those whose name contains one of the words."""
import os
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(1, os.path.join(HERE, "../lib"))
from isolatest import tap  # noqa: E402
from planting import HYPERVISOR, build, change, copy_sources, put_back  # noqa: E402
from hfuzz import fuzz  # noqa: E402
from planted_hfuzz import PLANTED  # noqa: E402

OPERATIONS = 20000
RUNS = 2                        # what needs two vCPUs at one place is not met every time
SECONDS = 240                   # with a bug that stops everything no run ends by itself
CONFIG = "DEFCONFIG=configs/audit"


def outcome_of(tree, seed):
    return fuzz(os.path.join(tree, HYPERVISOR), seed=seed, ops=OPERATIONS, timeout=SECONDS)


def plant(tree, name, *edits):
    old = change(tree, edits)
    if old is None:
        tap.ok(False, name, "a text to be changed is not there, or not once")
        return
    complaint, wrong = build(tree, CONFIG), ""
    for seed in range(1, 1 + (0 if complaint else RUNS)):
        wrong = wrong or outcome_of(tree, seed).wrong
    put_back(tree, old)
    tap.ok(wrong, f"{name}: noticed: {wrong}" if wrong else f"{name}: not noticed", complaint)


def main():
    wanted = [p for p in PLANTED if not sys.argv[1:] or any(word in p[0] for word in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="isola-hfuzz-mutants-") as tree:
        copy_sources(tree)
        complaint = build(tree, CONFIG)
        if complaint:
            tap.ok(False, "the sources build", complaint)
            return
        outcome = outcome_of(tree, 1)
        tap.ok(not outcome.wrong, "without a bug it ends well", outcome.explain())
        for entry in wanted:
            plant(tree, *entry)


main()
tap.done()
