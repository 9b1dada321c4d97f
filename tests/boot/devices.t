#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's kernel as domain 0 drives QEMU's devices by messages: disks on virtio, NVMe and AHCI are
read with checksums and network cards asked for an answer while the messages of all of them are sent
from vCPU to vCPU and back. No driver falls back to a line. make test: one machine; make test-all:
the other chipset, one vCPU, UEFI, asi=off, and the same disks on Debian's Xen, whose list of
interrupts must be the same."""
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "devices")]
import ramdisk
from initrd import debian_linux
from isolatest import LONG, POWERED_OFF, TOP, isola_run, tap

SECONDS = 240
DISK_BYTES = 4 << 20
DISKS = {"vda": ("virtio-blk-pci", ), "nvme0n1": ("nvme,serial=isola", ),
         "sda": ("ich9-ahci,id=disks", "ide-hd,bus=disks.0")}
OTHERS = ("virtio-net-pci,netdev=net0", "e1000e,netdev=net1", "qemu-xhci", "usb-kbd")
# what must be among the interrupts: kind, who has it, the least that they count together
MESSAGES = (("msi-x", r"virtio\d+-req\.\d+", 20), ("msi-x", r"nvme0q[1-9]", 20),
            ("msi-x", "nvme0q0", 2), ("msi", r"ahci\[.*\]", 20), ("msi-x", "xhci_hcd", 2),
            ("msi-x", r"virtio\d+-input\.0", 1), ("msi-x", r"virtio\d+-output\.0", 1))
NET_DRIVERS = ("virtio_net", "e1000e")
# machine, vCPUs and CPUs, firmware, the hypervisor's options
MACHINES = [("q35", 2, "bios", "")]
LONG_MACHINES = [("pc", 2, "bios", ""), ("q35", 1, "bios", ""), ("q35", 2, "uefi", ""),
                 ("q35", 2, "bios", "asi=off")]
MOVED_AT_LEAST = 10


def devices(disk):
    words = []
    for name, (*controllers, drive) in DISKS.items():
        words += [f"-drive=file={disk},if=none,id={name},format=raw,snapshot=on"]
        words += [f"-device={controller}" for controller in controllers]
        words += [f"-device={drive},drive={name}"]
    for card in range(len(NET_DRIVERS)):
        words += [f"-netdev=user,id=net{card}"]
    words += [f"-device={device}" for device in OTHERS]
    return [part for word in words for part in ("--qemu-arg=" + word.split("=", 1)[0],
                                                "--qemu-arg=" + word.split("=", 1)[1])]


def interrupts(output):
    """{(kind, who has it): how many}, of all vCPUs together."""
    found = {}
    for counts, kind, who in re.findall(
            r"^devices: irq: \d+:((?: +\d+)+) +xen-pirq +-(\S+)[ \t]*(.*)$", output, re.M):
        key = (kind, who.strip())
        found[key] = found.get(key, 0) + sum(map(int, counts.split()))
    return found


def problems(machine, status, output):
    """What is not as it must be; empty: all is well."""
    vcpus = machine[1]
    found = [] if status == POWERED_OFF else [f"exit status {status}"]
    must = [rf"^devices: marker: {vcpus} cpus$", r"^devices: end$",
            r"^devices: usb: QEMU USB Keyboard$"]
    must += [rf"^devices: net: {driver} answered$" for driver in NET_DRIVERS]
    found += [f"not seen: {pattern}" for pattern in must if not re.search(pattern, output, re.M)]
    for disk in DISKS:
        # The kernel's line about the caches may begin before this one ends.
        right = len(re.findall(rf"^devices: sum: {disk} right(?:\[ *\d+\.\d+\] .*)?$", output,
                               re.M))
        if right != 3:
            said = re.findall(rf"^.*sum: .*{disk}.*$", output, re.M)
            found.append(f"{disk} was read right {right} times of 3: {said}")
    counts = interrupts(output)
    for kind, who, least in MESSAGES:
        nr = sum(count for key, count in counts.items() if key[0] == kind and
                 re.fullmatch(who, key[1]))
        if nr < least:
            found.append(f"{kind} of {who}: {nr}, not {least}")
    moved = re.search(r"^devices: moved: (\d+) times$", output, re.M)
    if vcpus > 1 and (not moved or int(moved[1]) < MOVED_AT_LEAST):
        found.append(f"messages were moved {moved[1] if moved else 0} times")
    found += re.findall(r"^.*(?:xen map irq failed|nobody cared|which nobody asked for|"
                        r"WARNING: CPU|without pause).*$", output, re.M)
    return found


def kinds(output):
    """Who has which kind of interrupt, wherever on PCI: Isola's machine has a CD to boot from."""
    return sorted({f"{kind} {re.sub(r'[[].*[]]', '', who)}" for kind, who in interrupts(output)})


def on_isola(machine):
    chipset, vcpus, firmware, options = machine
    status, output, errors = isola_run(
        "--machine", chipset, "--smp", str(vcpus), "--firmware", firmware, "--hv",
        f"dom0_mem=512M {options}", *devices(disk), kernel, "console=hvc0 panic=-1", initrd,
        timeout=SECONDS)
    return status, output + errors


def on_xen(machine):
    done = subprocess.run([os.path.join(TOP, "tools/oracle-run"), "--machine", machine[0], "--smp",
                           str(machine[1]), "--timeout", str(SECONDS), *devices(disk), kernel,
                           "console=hvc0 panic=-1", initrd], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8", "replace").replace("\r", "")


kernel, why_not = debian_linux()
release = os.path.basename(kernel or "").partition("-")[2]
if kernel and not ramdisk.is_there(release):
    why_not = f"no drivers in /lib/modules/{release} (package linux-image-{release})"
if why_not:
    tap.skip("devices by messages", why_not)
    tap.done()
content = random.Random(11).randbytes(DISK_BYTES)
with tempfile.TemporaryDirectory(prefix="isola-devices-") as directory:
    disk, initrd = os.path.join(directory, "disk"), os.path.join(directory, "initrd")
    with open(disk, "wb") as file:
        file.write(content)
    ramdisk.write(initrd, release, DISKS, hashlib.sha256(content).hexdigest())
    for machine in MACHINES + (LONG_MACHINES if LONG else []):
        status, output = on_isola(machine)
        found = problems(machine, status, output)
        tap.ok(not found, f"{' '.join(map(str, machine)).strip()}: devices by messages",
               "\n".join(found + output.splitlines()[-40:]))
        if LONG and machine[2:] == ("bios", ""):
            theirs = kinds(on_xen(machine))
            tap.ok(theirs == kinds(output), "as on Debian's Xen",
                   f"Xen: {theirs}\nIsola: {kinds(output)}")
tap.done()
