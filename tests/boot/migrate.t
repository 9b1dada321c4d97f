#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Live migration by Debian's unmodified `xl migrate --debug`: a domU of Debian's kernel that writes
and checks its memory (migrate/load.c) goes to its own machine, again and again. The receiver
compares every page in the end with what was sent ("verify pfn ... failed": one has been written,
and was not in the log), the domain finds what it wrote, and all memory comes back.

make test-all: 1, 2 and 4 vCPUs, every kind of load, asi=on and off, 50 rounds of each; and the bugs
of PLANTED, each of which must be noticed. MIGRATE_ROUNDS: so many instead. MIGRATE=REGEX: only what
matches it, of which there must be some; "^one boot" is the shortest."""
import gzip
import os
import re
import subprocess
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
from initrd import cpio
from isolatest import HYPERVISOR, LONG, POWERED_OFF, isola_run, read, tap
from planting import planted
from toolstack import NoImage, add_to_image, dom0_image

ROUNDS = int(os.environ.get("MIGRATE_ROUNDS") or 50)
SECONDS_BESIDE, SECONDS_A_ROUND = 400, 60
KINDS = "user+kernel+alias+fork+exec+map+protect+threads+file"
# name, kinds of load, vCPUs of one domain after the other, rounds of each, the hypervisor's
# options, the domains' type
SHORT = ("one boot", "user+kernel+fork+map+file", "2", 2, "", "pv")
SHORT_PVH = ("one boot of type=pvh", "user+kernel+fork+map+file", "2", 2, "", "pvh")
EACH = [("all kinds", KINDS, "1+2+4", ROUNDS, "", "pv"),
        ("all kinds, asi=off", KINDS, "1+2", ROUNDS, "asi=off", "pv"),
        ("idle", "idle", "1+2+4", ROUNDS, "", "pv"),
        ("a balloon", "balloon", "2", ROUNDS, "", "pv"),
        ("all kinds, type=pvh", KINDS, "1+2+4", ROUNDS, "", "pvh")]
# name, file, text, what it becomes. That a vcpu comes back to empty trees is for tests/unit/roots.t
# to find out: two rounds did not notice when it came back to its old ones.
PLANTED = [
    ("the guest's writes are not marked", "arch/x86/shadow/fault.c",
     "\tif (pg)\n\t\tpage_mark_dirty(pg);", "\t(void)pg;"),
    ("what is clean may be written", "arch/x86/shadow/fault.c",
     "(e & PTE_D) && is_dirty(pte_mfn(e))", "(e & PTE_D)"),
]
PLANTED_PVH = [
    ("what is clean may be written, by nested tables", "arch/x86/mm/p2m_log.c",
     "P2M_LOGGED) & ~P2M_W", "P2M_LOGGED)"),
]
# What the hypervisor says of a machine that migrates domains.
EXPECTED = re.compile(r"Domain \d+ shut down: (suspend|poweroff)|'m' pressed|\d+ pages free|"
                      r"domain \d+: |dom0: |\*\*\* Serial|node ")
TOLD = 6000         # characters of the console from the first step that failed on


def load_program(path):
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", "-o", path,
                    os.path.join(HERE, "migrate/load.c")], check=True)
    return read(path)


def disk_module(kernel):
    version = os.path.basename(kernel).removeprefix("vmlinuz-")
    return read(f"/lib/modules/{version}/kernel/drivers/block/brd.ko")


def image_to_migrate(tmp):
    """(kernel, image), with what this test adds to it."""
    kernel, plain = dom0_image()
    image = os.path.join(tmp, "dom0.img")
    domu = gzip.compress(cpio([
        ("migrate", 0o40755, b""),
        ("migrate/init", 0o100755, read(os.path.join(HERE, "migrate/domu-init"))),
        ("migrate/load", 0o100755, load_program(os.path.join(tmp, "load"))),
        ("migrate/brd.ko", 0o100644, disk_module(kernel))]))
    add_to_image(plain, [("migrate", 0o40755, b""), ("migrate/domu.gz", 0o100644, domu),
                         ("extra.sh", 0o100755, read(os.path.join(HERE, "migrate/extra.sh")))],
                 image)
    return kernel, image


def odd_lines(text):
    """What the hypervisor says from dom0's first step on that is not expected."""
    told = re.findall(r"^\(isola\) (.*)$", text[max(text.find("TOOLSTACK boot"), 0):], re.M)
    return [line for line in told if not EXPECTED.match(line)]


def run(kernel, image, kinds, vcpus, rounds, hv, kind, hypervisor=HYPERVISOR):
    """What is wrong, "" for nothing; what there is to say of it; the console's text."""
    seconds = SECONDS_BESIDE + (vcpus.count("+") + 1) * (60 + rounds * SECONDS_A_ROUND)
    status, text, errors = isola_run(
        "--hypervisor", hypervisor, "--mem", "896", "--smp", "2",
        "--cpu", "qemu64,+svm,+npt" if kind == "pvh" else "qemu64",
        "--hv", ("dom0_mem=448M " + hv).strip(), kernel,
        f"console=hvc0 limit={seconds - 30} scenario=extra kinds={kinds} mv={vcpus} "
        f"rounds={rounds} type={kind}", image, timeout=seconds)
    steps = re.findall(r"^TOOLSTACK (\S+) (ok|fail) (.*)", text, re.M)
    failed = [f"{step} {detail}" for step, verdict, detail in steps if verdict == "fail"]
    done = [step for step, verdict, _ in steps if re.match(r"m\d+-round", step) and verdict == "ok"]
    wanted = rounds * (vcpus.count("+") + 1)
    problems = failed + odd_lines(text)
    if status != POWERED_OFF:
        problems.append(f"status {status} {errors[-300:]}")
    if len(done) != wanted:
        problems.append(f"{len(done)} of {wanted} rounds")
    return "; ".join(problems), f"{len(done)} rounds", text


def where_it_failed(text):
    """The console from the first step on that failed, or its end."""
    at = re.search(r"^TOOLSTACK \S+ fail ", text, re.M)
    return text[at.start():][:TOLD] if at else text[-TOLD:]


def wanted_runs():
    if "MIGRATE" not in os.environ:
        return [SHORT, SHORT_PVH] + EACH if LONG else []
    chosen = [one for one in [SHORT, SHORT_PVH] + EACH if re.search(os.environ["MIGRATE"], one[0])]
    if not chosen:
        raise SystemExit(f"Bail out! MIGRATE={os.environ['MIGRATE']} matches none")
    return chosen


def main():
    if not wanted_runs():
        tap.skip("live migration", "make test-all")
        tap.done()
        return
    with tempfile.TemporaryDirectory(prefix="isola-migrate-") as tmp:
        try:
            kernel, image = image_to_migrate(tmp)
        except NoImage as why:
            tap.skip("live migration", str(why))
            tap.done()
            return
        for name, *how in wanted_runs():
            wrong, figures, text = run(kernel, image, *how)
            tap.ok(not wrong, f"{name}: {figures}, vCPUs {how[1]}",
                   f"{wrong}\n{where_it_failed(text)}")
        for bugs, short in ((PLANTED, SHORT), (PLANTED_PVH, SHORT_PVH)) if LONG else ():
            for row, hypervisor, why in planted(bugs):
                wrong = run(kernel, image, *short[1:], hypervisor)[0] if hypervisor else ""
                tap.ok(wrong, f"planted: {row[0]}: {wrong[:100]}", why)
    tap.done()


if __name__ == "__main__":
    main()
