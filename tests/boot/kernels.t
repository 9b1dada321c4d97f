#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every kernel that Debian serves, in the kinds of domain that it can be: dom0 and, beside it, a
domain of the same kernel that a module line describes, with one and two vCPUs in turn; cloud
flavours, which have no code for dom0, as two such domains alone. Each does the workload of
linux/init. The kernels are those of linux/kernels.list; KERNELS=REGEX: only those whose name it
matches. Of make test-all."""
import os
import re
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "linux")]
import initramfs
from initrd import debian_linux, run_linux
from isolatest import LONG, POWERED_OFF, read, tap

SECONDS = 300
WORDS = "console=hvc0 earlyprintk=xen panic=-1 stress="
OF_DOM0 = 20                    # seconds of stress, in which the other one begins and ends


def listed():
    """(kernel's name, whether dom0 can be it)."""
    lines = read(os.path.join(HERE, "linux/kernels.list")).decode().splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line and line[0] != "#"]
    return [(name, kinds.split()) for name, kinds in rows
            if re.search(os.environ.get("KERNELS", ""), name)]


def faults(text, vcpus):
    """What of linux/init's lines is not in @text, a domain's."""
    must = {"Xen PV": r"Hypervisor detected: Xen PV", "200 forks": r"workload: forks: 200 of 200",
            "marker": rf"workload: marker: Linux on xen, {vcpus} cpus",
            "balloon": r"workload: balloon: [1-9]\d* times", "end": r"workload: end"}
    found = [f"no {name}" for name, pattern in must.items() if not re.search(pattern, text)]
    if len(re.findall("workload: sum: right", text)) != 2:
        found.append("a sha256 is wrong")
    return found


def said_by(output, name):
    return "\n".join(re.findall(rf"^\({name}\) (.*)$", output, re.M))


def machine(name, kernel, initrd, vcpus):
    """dom0 with @vcpus, and domain "one" with the other number; 0: "one" and "two" alone."""
    def domain(name, vcpus):
        return ["--domain", f"{kernel},{initrd}",
                f"domain={name} mem=320M vcpus={vcpus} -- {WORDS}5"]
    if vcpus:
        wanted = {"dom0": vcpus, "one": 3 - vcpus}
        words = ["--mem", "1152", "--hv", f"dom0_mem=512M dom0_max_vcpus={vcpus}",
                 *domain("one", 3 - vcpus), kernel, f"{WORDS}{OF_DOM0}", initrd]
    else:
        wanted = {"one": 1, "two": 2}
        words = ["--mem", "900", *domain("one", 1), *domain("two", 2)]
    status, output, errors = run_linux("--smp", "2", *words, timeout=SECONDS)
    bad = [f"{who}: {fault}" for who, number in wanted.items()
           for fault in faults(said_by(output, who) if who != "dom0" else
                               "\n".join(re.findall(r"^(?!\().*$", output, re.M)), number)]
    if status != POWERED_OFF:
        bad.append(f"exit status {status}")
    tap.ok(not bad, f"{os.path.basename(kernel)}: " + ", ".join(
        f"{who} on {number} vCPUs" for who, number in wanted.items()),
        "; ".join(bad) + "\n" + "\n".join(output.splitlines()[-40:]) + errors)


if not LONG and "KERNELS" not in os.environ:
    tap.skip("every kernel that Debian serves", "long: make test-all")
    tap.done()
if not listed():
    tap.ok(False, f"KERNELS={os.environ.get('KERNELS')} matches some kernel of the list")
with tempfile.NamedTemporaryFile(prefix="isola-initrd-") as file:
    initramfs.write(file.name)
    for name, kinds in listed():
        kernel, missing = debian_linux(name)
        if missing:
            tap.skip(f"Debian's {name}", missing)
            continue
        for vcpus in (1, 2) if "dom0" in kinds else (0,):
            machine(name, kernel, file.name, vcpus)
tap.done()
