#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An installed system (make test-all): Debian on its own disk with Isola's package, started by the
menu that update-grub wrote, with the kernel as Debian packs it: on BIOS and UEFI, from each kind of
disk and network card; logins, power button, reboot, a domain, a clean file system, removal.
INSTALLED=REGEX: those machines alone whose name it matches, of which there must be some."""
import os
import re
import subprocess
import sys
import tempfile
import time
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../lib"))
from isolatest import SELFTEST, read, tap
from installed import DISK, Installed, clean, make_disk_with_package

# name, disk, network card, the machine's options; what is written does not stay
MACHINES = [
    ("UEFI, q35, NVMe, e1000e", "nvme", "e1000e", {"firmware": "uefi", "machine": "q35"}),
    ("BIOS, q35, AHCI, e1000", "ahci", "e1000", {"machine": "q35", "cpu": "Haswell-noTSX"}),
    ("BIOS, i440FX, IDE, virtio, 1 CPU", "ide", "virtio-net-pci", {"smp": 1}),
    ("UEFI, i440FX, virtio, 4 CPUs", "virtio", "virtio-net-pci",
     {"firmware": "uefi", "smp": 4, "cpu": "EPYC"}),
]
KEYBOARD = ("-device", "qemu-xhci", "-device", "usb-kbd")
HEALTH = ("cat /sys/hypervisor/version/extra; systemctl --failed --no-legend --no-pager; "
          "dmesg | grep -c 'xen map irq failed'; true")
DOMAIN = """cat >/root/d.cfg <<EOF
name='d'
kernel='/root/selftest.elf'
memory=40
cmdline='claims=start/magic exit=never'
EOF
xl -v create /root/d.cfg && xl list d && xl destroy d && ! xl list d"""


def healthy(m, name):
    tap.ok(m.up(), f"{name}: it comes up and lets somebody in by SSH", m.text[-1500:])
    status, said = m.ssh(HEALTH)
    tap.ok((status, said.split()) == (0, [".isola", "0"]),
           f"{name}: on Isola, no unit has failed, no interrupt was refused", said)


def off(m, name):
    m.ssh("poweroff", 30)
    tap.ok(m.ends(), f"{name}: poweroff ends the machine", m.text[-1500:])


def whole_life(directory, name):
    m = Installed(extra=KEYBOARD)
    healthy(m, name)
    m.types("root\n")
    asked = m.sees("Password: ", 60)
    m.types("root\n")
    tap.ok(asked and m.sees("root@debian:~#", 90), f"{name}: login on the serial console",
           m.text[-500:])
    said = m.ssh("lsusb 2>/dev/null; cat /proc/bus/input/devices")[1]
    tap.ok("QEMU USB Keyboard" in said, f"{name}: a keyboard on xHCI", said)
    sent = subprocess.run(m.ssh_words("cat >/root/selftest.elf"), input=read(SELFTEST), timeout=120)
    status, said = m.ssh(DOMAIN)
    tap.ok(sent.returncode == 0 and status == 0, f"{name}: xl makes a domain and ends it", said)
    at = len(m.text)
    m.ssh("reboot", 30)
    tap.ok(m.sees(r"\(isola\) Isola ", 120, at) and m.sees("login: ", 300, at) and m.up(),
           f"{name}: it reboots into the same", m.text[at:][-1500:])
    m.press_power_button()
    tap.ok(m.ends(), f"{name}: the power button turns it off", m.text[-1500:])
    left_clean(directory, name)


def left_clean(directory, name):
    good, said = clean(directory)
    tap.ok(good, f"{name}: the file system is clean", said)


def kept_for_now(_, name, disk, card, options):
    """A machine from whose disk and back something goes, and where nothing stays written."""
    m = Installed(disk, card, changes=False, **options)
    healthy(m, name)
    status, said = m.ssh("dd if=/dev/urandom of=/root/x bs=1M count=64 2>/dev/null && sync && "
                         "sum=$(sha256sum </root/x) && echo 3 >/proc/sys/vm/drop_caches && "
                         "[ \"$sum\" = \"$(sha256sum </root/x)\" ]", 300)
    tap.ok(status == 0, f"{name}: 64 MiB to the disk and back", said)
    off(m, name)


def removal(directory, _):
    m = Installed()
    m.up()
    status, said = m.ssh("DEBIAN_FRONTEND=noninteractive apt-get -y remove isola", 300)
    tap.ok(status == 0, "the package can be removed", said)
    said = m.ssh("ls /boot; grep menuentry /boot/grub/grub.cfg")[1]
    tap.ok("isola" not in said.lower(), "nothing of it is left in /boot and the menu", said)
    off(m, "removed")
    m = Installed()
    tap.ok(m.up() and m.ssh("test ! -e /sys/hypervisor/version")[0] == 0,
           "the system boots without it", m.text[-1500:])
    off(m, "without it")
    left_clean(directory, "without it")


def wanted():
    """(name, function, its arguments) of each machine, in this order."""
    every = [("BIOS, i440FX, virtio", whole_life, ())]
    every += [(name, kept_for_now, how) for name, *how in MACHINES]
    every.append(("removal", removal, ()))
    pattern = os.environ.get("INSTALLED", "")
    chosen = [one for one in every if re.search(pattern, one[0])]
    if not chosen:
        raise SystemExit(f"Bail out! INSTALLED={pattern} matches none")
    return chosen


def main():
    machines = wanted()
    with tempfile.TemporaryDirectory(prefix="isola-installed-") as directory:
        why = make_disk_with_package()
        if not tap.ok(not why, f"{os.path.basename(DISK)}: Debian, with the package", why):
            tap.done()
            return
        begun = time.monotonic()
        for name, function, how in machines:
            function(directory, name, *how)
        tap.note(f"{time.monotonic() - begun:.0f} s of machines")
    tap.done()


main()
