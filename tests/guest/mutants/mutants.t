#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Planted bugs (planted.py): the hypervisor is built with each of them, in a copy of the sources,
and the claims named with it run in the selftest guest; one of them must be "not ok", or the guest
not come to its end. Before that all these claims hold without a bug. A run or a claim that ends by
its time limit notices nothing: the host may be slow. Arguments: plant only those whose name
contains one of the words; a word that none contains is not ok."""
import os
import re
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../lib"))
from isolatest import ISOLA_RUN, SELFTEST, TIMED_OUT, WITH_MESSAGES, tap  # noqa: E402
from planting import HYPERVISOR, build, change, copy_sources, failed_claims, put_back  # noqa: E402
from planted import PLANTED  # noqa: E402

MACHINE = ["--smp", "2", "--hv", "dom0_max_vcpus=8", *WITH_MESSAGES]
SECONDS = 120
CONFIG = "DEFCONFIG=configs/audit"
RUNS = 3                        # a race is not met every time


def run(tree, words):
    """Boot the guest; what went wrong there as a short text, "" for nothing; None: no verdict. And
    all of its output."""
    done = subprocess.run([ISOLA_RUN, "--timeout", str(SECONDS), "--hypervisor",
                           os.path.join(tree, HYPERVISOR), *MACHINE,
                           SELFTEST, words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace").replace("\r", "")
    claims = failed_claims(text)
    if claims:
        return ", ".join(claims), text
    ends = re.search(r"^\(isola\) (PANIC.*|Domain 0 (?:crashed|shut down: (?!poweroff)).*)$", text,
                     re.M)
    if ends and "attack=" not in words:
        return ends[1], text
    slow = done.returncode == TIMED_OUT or "\n#   ran out of time" in text
    return None if slow or not re.search("TAP version|# attack", text) else "", text


def why(text):
    """What a run says of the first claim that is not ok, or else its last lines."""
    claim = re.search(r"^not ok .*(?:\n.*){,8}", text, re.M)
    return claim[0] if claim else "\n".join(text.splitlines()[-30:])


def command_line(claims):
    return claims if claims.startswith("attack=") else f"claims={claims}"


def plant(tree, name, claims, *edits):
    old = change(tree, edits)
    if old is None:
        tap.ok(False, name, "a text to be changed is not there, or not once")
        return
    complaint, noticed, text = build(tree, CONFIG), "", ""
    for _ in range(0 if complaint else RUNS):
        noticed, text = run(tree, command_line(claims))
        if noticed:
            break
    put_back(tree, old)
    tap.ok(noticed, f"{name}: noticed by {noticed}"
           if noticed else f"{name}: noticed by none of {claims}",
           complaint or "\n".join(text.splitlines()[-8:]))


def main():
    wanted = [p for p in PLANTED if not sys.argv[1:] or any(word in p[0] for word in sys.argv[1:])]
    for word in sys.argv[1:]:
        if not any(word in p[0] for p in PLANTED):
            tap.ok(False, f"some planted bug has \"{word}\" in its name")
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="isola-mutants-") as tree:
        copy_sources(tree)
        complaint = build(tree, CONFIG)
        if complaint:
            tap.ok(False, "the sources build", complaint)
            return
        claims = sorted({c for p in wanted for c in p[1].split(",") if not c.startswith("attack=")})
        wrong = None
        for _ in range(RUNS):
            if wrong is None:
                wrong, text = run(tree, command_line(",".join(claims)))
        tap.ok(wrong == "", f"without a bug all {len(claims)} claims hold", why(text))
        for entry in wanted:
            plant(tree, *entry)


main()
tap.done()
