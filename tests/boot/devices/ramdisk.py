# SPDX-License-Identifier: MIT
"""devices.t's RAM disk: busybox, the init beside this file, and Debian's drivers in the order in
which they need each other."""
import os

from initrd import write_initrd
from isolatest import OUT, read

HERE = os.path.dirname(os.path.realpath(__file__))
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "nvme", "sd_mod", "ahci", "e1000e", "e1000",
           "ata_piix", "xhci_pci", "usbhid")
# what those ask for by name, which modules.dep does not say
ALSO = ("crct10dif_generic", "crc64_rocksoft_generic")


def directory_of(release):
    """Where fetch-guests says that the modules are."""
    installed = f"/lib/modules/{release}"
    return installed if os.path.isdir(installed) else os.path.join(OUT, "deb/lib/modules", release)


def is_there(release):
    return os.path.exists(os.path.join(directory_of(release), "modules.dep"))


def modules_of(release):
    """Paths of what DRIVERS need, each after what it needs itself."""
    directory = directory_of(release)
    needs = {}
    with open(os.path.join(directory, "modules.dep"), encoding="ascii") as file:
        for line in file:
            path, _, rest = line.partition(":")
            needs[path] = rest.split()
    by_name = {os.path.basename(path)[:-3].replace("-", "_"): path for path in needs}
    found = []

    def add(path):
        for needed in reversed(needs[path]):
            if needed not in found:
                add(needed)
        if path not in found:
            found.append(path)
    for name in ALSO + DRIVERS:
        if name in by_name:
            add(by_name[name])
    return [os.path.join(directory, path) for path in found]


def write(path, release, disks, checksum):
    modules = modules_of(release)
    names = [os.path.basename(module) for module in modules]
    files = {"modules": "\n".join(names).encode() + b"\n",
             "disks": "\n".join(disks).encode() + b"\n", "sum": f"{checksum}  -\n".encode()}
    members = [("data", 0o40755, b""),
               ("data/dhcp", 0o100755, read(os.path.join(HERE, "dhcp")))]
    members += [(f"data/{name}", 0o100644, content) for name, content in files.items()]
    members += [(f"data/{name}", 0o100644, read(module)) for name, module in zip(names, modules)]
    write_initrd(path, read(os.path.join(HERE, "init")), members)
