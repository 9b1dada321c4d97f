#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's Xen tools make, watch, save, restore and destroy domains of Debian's kernel, and, in the
same dom0, such of type=pvh (toolstack/pvh.sh), one of which is seen from outside too. make
test-all: all that they do, with both store daemons, by Debian's own init script, on one CPU and on
two, with asi= and without; what toolstack/extra.sh says; and of type=pvh more rounds, all claims,
and ends of other kinds."""
import os
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import LONG, tap
from livemachine import LiveMachine
from toolstack import NoImage, pvh_image, run_scenario, verdict

ALL_SECONDS = 3600
# On one CPU xl wants no second vCPU, and there is no CPU 1 to pin to: so it is on Xen, too.
NO_SECOND_CPU = {"vcpus-set2", "vcpus-pin"}
INITD_STEPS = 4
FOUR_MIB = 1536
# It has XSAVE, and so more to save.
SVM = "EPYC,+svm,+npt"
ROUNDS = 50 if LONG else 3
# of toolstack/pvh.sh, and how many steps there are at least
PARTS, STEPS = ("", 70) if LONG else (" parts=watched+shown+rounds+refused+saved", 60)
# words, CPUs, the hypervisor's, seconds, and a CPU model
RUNS = (
    ("scenario=all", 2, "", ALL_SECONDS),
    ("scenario=all", 1, "", ALL_SECONDS),
    ("scenario=all xs=c", 2, "", ALL_SECONDS),
    ("scenario=all", 2, "asi=off", ALL_SECONDS),
    ("scenario=initd", 2, "", 900),
    ("scenario=extra parts=cpuid xs=c", 2, "", 900, "--cpu", "Haswell-noTSX"),
    ("scenario=extra parts=newest+disk+net+rounds xs=c", 2, "", ALL_SECONDS),
    ("scenario=extra parts=four xs=c", 2, "", ALL_SECONDS),
)


def both_kinds(kernel, image):
    """dom0's daemons map by gfn the rings of the one that is seen from outside."""
    seconds, found, stops, counted = 900 + 30 * ROUNDS, [], 0, 0
    words = f"scenario=create+saverestore+extra rounds={ROUNDS}{PARTS}"
    with LiveMachine(kernel, f"console=hvc0 limit={seconds - 20} {words}", image,
                     hv="dom0_mem=512M", mem_mib=1024, cpu=SVM) as live:
        if live.wait_for(rb"TOOLSTACK watched begin", timeout=seconds):
            found, stops, counted, _ = live.examine_often(5)
        was_seen = b"TOOLSTACK watched end" not in live.output
        live.wait_for(rb"TOOLSTACK-END [^\n]*\n", timeout=seconds)
        off = live.ends(60)
        text = live.text()
    well, figures, failed = verdict(text, least=STEPS)
    tap.ok(off and well, f"{words}, 1 CPU: {figures}", f"failed: {failed}\n{text[-2500:]}")
    tap.ok("type=hvm is not made: emulated devices (0x3ff) are not built" in text,
           "type=hvm is refused, and the log says why", text)
    tap.ok(was_seen and not found and counted, "one of type=pvh, seen from outside: nothing "
           f"foreign, and every count is right, {stops} stops, {counted} recounted",
           "\n".join(found[:10]))


def linux_as_pvh():
    well, figures, text = run_scenario("scenario=extra parts=linux", "--cpu", SVM, seconds=2400,
                                       least=71, made=pvh_image())
    tap.ok(well, "Debian's Linux of type=pvh, by xl, with disk, network and balloon, saved and "
           f"restored: {figures}", text)


def run(words, cpus, hv, seconds, *options):
    name = ", ".join([words, f"{cpus} CPU{'s' * (cpus > 1)}", *([hv] if hv else []), *options[1:]])
    expected = {"failing": NO_SECOND_CPU} if "all" in words and cpus == 1 else {}
    if "initd" in words:
        expected["least"] = INITD_STEPS
    if "four" in words:
        expected["mem"] = FOUR_MIB
    try:
        well, figures, text = run_scenario(words, *options, cpus=cpus, hv=hv, seconds=seconds,
                                           **expected)
    except NoImage as why:
        tap.skip(name, str(why))
        return
    tap.ok(well, f"{name}: {figures}", text)


try:
    both_kinds(*pvh_image())
    if LONG:
        linux_as_pvh()
except NoImage as why:
    tap.skip("Debian's tools", str(why))
for row in RUNS if LONG else ():
    run(*row)
tap.done()
