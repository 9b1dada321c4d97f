#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A domU of Debian's kernel, with 1 and 2 vCPUs, is saved on Debian's Xen 4.17 and goes on on
Isola, and the other way round; and it leaves Isola by `xl migrate`, while it runs, for Xen and for
another Isola (Debian's Xen lets no PV domain leave so). A disk goes from the one machine to the
other, and the same dom0 stands on both: `xl migrate` speaks to exchange/receiver, and what that was
sent is the input of the other machine's `xl migrate-receive`. In one the test writes absent entries
that name RAM, for an Isola that refuses such (pv-l1tf=domu) and shadows the domain instead. One of
type=pvh is saved and goes on, both ways. A bug of PLANTED, in the Isola that a domU leaves while it
runs, must be noticed where it arrives. make test-all; or EXCHANGES=REGEX: those whose name it
matches, of which there must be some; "^planted": the bugs."""
import mmap
import os
import re
import subprocess
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
from isolatest import ISOLA_RUN, LONG, TOP, read, tap
from planting import planted
from save_stream import name_ram
from toolstack import NoImage, add_to_image, dom0_image

ORACLE_RUN = os.path.join(TOP, "tools/oracle-run")
SECONDS = 560
DISK_BYTES = 256 << 20
STEPS = 11                      # of each machine: dom0's own, and those of exchange/extra.sh
SAVED = "saved on", "x=save", "x=restore"
PVH = "of type=pvh is saved on", "x=save xt=pvh", "x=restore xt=pvh"
LIVE = "leaves, live,", "x=leave", "x=arrive"
XEN = "Xen", (ORACLE_RUN,), ""
ISOLA = "Isola", (ISOLA_RUN,), ""
WARY = "an Isola that shadows it", (ISOLA_RUN,), "pv-l1tf=domu"
SHADOWED = re.compile(r"^\(isola\) domain \d+: absent entries name RAM: shadowed", re.M)
MODULES = "ata_piix", "sd_mod"  # the disk's
# name, file, text, what it becomes; of the machine that the domU leaves, live. It does leave: a bug
# that stops the domU would be noticed there.
PLANTED = [
    ("planted: what is clean may be written", "arch/x86/shadow/fault.c",
     "(e & PTE_D) && is_dirty(pte_mfn(e))", "(e & PTE_D)"),
]


def disk_modules(kernel):
    """(name, content) of each module file, in the order of loading."""
    version = os.path.basename(kernel).removeprefix("vmlinuz-")
    files = {}
    for module in MODULES:
        done = subprocess.run(["/sbin/modprobe", "-S", version, "--show-depends", module],
                              stdout=subprocess.PIPE, text=True, check=True)
        for file in re.findall(r"^insmod (\S+)", done.stdout, re.M):
            files.setdefault(file, f"exchange/{len(files):02d}.ko")
    return [(name, read(file)) for file, name in files.items()]


def image_with_disk(kernel, image, path):
    """@path: the dom0 image, and behind it what this test adds to it."""
    add_to_image(image, [("exchange", 0o40755, b""),
                         ("exchange/receiver", 0o100755,
                          read(os.path.join(HERE, "exchange/receiver"))),
                         ("extra.sh", 0o100755, read(os.path.join(HERE, "exchange/extra.sh"))),
                         *((name, 0o100644, data) for name, data in disk_modules(kernel))], path)


def cpu_for(words):
    return ("--cpu", "qemu64,+svm,+npt") if "xt=pvh" in words else ()


def run(machine, kernel, image, disk, vcpus):
    """What is wrong with the run of @machine (program, its hypervisor's options, words of
    exchange/extra.sh's): the steps that failed, [] for nothing; and its output."""
    program, hv, words = machine
    done = subprocess.run(
        [*program, *cpu_for(words), "--mem", "1280", "--smp", "2", "--hv", f"dom0_mem=768M {hv}",
         "--timeout", str(SECONDS), "--qemu-arg=-drive",
         f"--qemu-arg=file={disk},if=ide,format=raw,cache=unsafe", kernel,
         f"console=hvc0 limit={SECONDS - 20} scenario=extra {words} xv={vcpus}", image],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace").replace("\r", "")
    failed = re.findall(r"^TOOLSTACK (\S+) fail ", text, re.M)
    end = re.search(r"^TOOLSTACK-END .* pass=(\d+) fail=(\d+)", text, re.M)
    if bool(SHADOWED.search(text)) != (hv == WARY[2]):
        failed.append("shadowed, or not")
    if not (end and int(end[1]) + len(failed) >= STEPS):
        failed.append("it does not end")
    return failed, text


def chosen_of(rows):
    """Those of @rows, whose first is a name, that are wanted."""
    if "EXCHANGES" not in os.environ:
        return rows if LONG else []
    return [row for row in rows if re.search(os.environ["EXCHANGES"], row[0])]


def wanted():
    """(name, source, target, vCPUs) of each exchange, the machines as run() wants them; and the
    bugs."""
    ways = [(XEN, ISOLA, SAVED), (ISOLA, XEN, SAVED), (ISOLA, XEN, LIVE), (ISOLA, ISOLA, LIVE),
            (XEN, WARY, SAVED), (XEN, ISOLA, PVH), (ISOLA, XEN, PVH)]
    every = [(f"{vcpus} vCPU{'s' * (vcpus > 1)}: {how[0]} {source[0]}, goes on on {target[0]}",
              (*source[1:], how[1]), (*target[1:], how[2]), vcpus)
             for vcpus in (1, 2) for source, target, how in ways]
    chosen, bugs = chosen_of(every), chosen_of(PLANTED)
    if "EXCHANGES" in os.environ and not chosen + bugs:
        raise SystemExit(f"Bail out! EXCHANGES={os.environ['EXCHANGES']} matches none")
    return chosen, bugs


def exchange(tmp, source, target, vcpus, kernel, image):
    """From the machine @source to @target: the one where something is wrong, or None; what that is,
    and the output."""
    disk = os.path.join(tmp, "disk")
    with open(disk, "wb") as file:
        file.truncate(DISK_BYTES)
    for machine in (source, target):
        if machine[1] == WARY[2]:
            with open(disk, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
                name_ram(data, 80 << 20)
        failed, text = run(machine, kernel, image, disk, vcpus)
        if failed:
            return machine, failed, text
    return None, failed, text


def exchange_with_bug(tmp, hypervisor, kernel, image):
    """Is it where the domU arrives that something is wrong, says libxc; and what."""
    source = (ISOLA_RUN, "--hypervisor", hypervisor), "", LIVE[1]
    target = *ISOLA[1:], LIVE[2]
    where, failed, text = exchange(tmp, source, target, 1, kernel, image)
    told = re.search(r"xc: error: .*", text)
    return (where is target and "x-restore" in failed and bool(told),
            told[0] if told else f"{failed}\n{text[-2500:]}")


def main():
    chosen, bugs = wanted()
    if not chosen + bugs:
        tap.skip("save files of Xen and of Isola", "make test-all")
        tap.done()
        return
    with tempfile.TemporaryDirectory(prefix="isola-exchange-") as tmp:
        try:
            kernel, plain = dom0_image()
        except NoImage as why:
            tap.skip("save files of Xen and of Isola", str(why))
            tap.done()
            return
        image = os.path.join(tmp, "dom0.img")
        image_with_disk(kernel, plain, image)
        for name, *how in chosen:
            where, failed, text = exchange(tmp, *how, kernel, image)
            ticks = re.search("x-restore ok .*(tick before.*? after=[0-9]+)", text)
            tap.ok(not where, f"{name}, {ticks[1]}" if ticks and not where else name,
                   f"{where and where[2]}: failed: {failed}\n{text[-2500:]}")
        for (name, *_), hypervisor, why in planted(bugs) if bugs else ():
            noticed, told = (exchange_with_bug(tmp, hypervisor, kernel, image) if hypervisor
                             else (False, why))
            tap.ok(noticed, f"{name}: {told[:100]}" if noticed else name, told)
    tap.done()


if __name__ == "__main__":
    main()
