# SPDX-License-Identifier: MIT
"""Debian's Xen tools, none of them changed, in a dom0 of Debian's kernel: the image and its
scenarios are those of ../shared/tools/mk-dom0-image, which says what each does."""
import gzip
import os
import re
import subprocess
from initrd import cpio, debian_linux
from isolatest import OUT, POWERED_OFF, PVH_GUEST, TOP, isola_run, read

MAKER = os.path.join(TOP, "../shared/tools/mk-dom0-image")
SMALL = os.path.join(OUT, "selftest.elf")
OURS = os.path.join(TOP, "tests/boot/toolstack")


class NoImage(Exception):
    """There is none, and why."""


def dom0_image():
    """(kernel, image): made once for a build directory."""
    image = os.path.join(OUT, "tests/dom0.img")
    said = image + ".txt"
    if not os.path.exists(said):
        if not os.path.exists(MAKER):
            raise NoImage(f"no {MAKER}")
        os.makedirs(os.path.dirname(image), exist_ok=True)
        made = subprocess.run([MAKER, "-o", image], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if made.returncode:
            raise NoImage(made.stdout[-300:])
        with open(said, "w") as file:
            file.write(made.stdout)
    with open(said) as file:
        kernel = re.search(r"^kernel +(\S+)$", file.read(), re.M)
    return kernel[1], image


def add_to_image(image, members, path):
    """At @path: the dom0 image, and behind it an archive of @members (initrd.cpio)."""
    whole = read(image)
    with open(path, "wb") as file:
        file.write(whole + bytes(-len(whole) % 4) + gzip.compress(cpio(members), 1))


def script(name):
    """The member that the scenario "extra" is: toolstack/@name, behind what all of them need."""
    return "extra.sh", 0o100755, b"".join(read(os.path.join(OURS, part))
                                          for part in ("rounds.sh", name))


def extra_image():
    """(kernel, image): with toolstack/extra.sh, which the scenario "extra" is, and what it
    needs."""
    kernel, plain = dom0_image()
    image = os.path.join(OUT, "tests/dom0-extra.img")
    newest, why = debian_linux("linux-newest")
    if why:
        raise NoImage(why)
    domu = gzip.compress(cpio([("init2", 0o100755, read(os.path.join(OURS, "domu-init")))]))
    add_to_image(plain, [("extra", 0o40755, b""),
                         ("extra/domu.gz", 0o100644, domu),
                         ("extra/vmlinuz", 0o100644, read(newest)),
                         ("extra/small", 0o100644, read(SMALL)),
                         script("extra.sh")], image)
    return kernel, image


def pvh_image():
    """(kernel, image): with toolstack/pvh.sh as the scenario "extra", and our PVH guest."""
    kernel, plain = dom0_image()
    image = os.path.join(OUT, "tests/dom0-pvh.img")
    domu = gzip.compress(cpio([("init2", 0o100755, read(os.path.join(OURS, "pvh-init")))]))
    add_to_image(plain, [("extra", 0o40755, b""),
                         ("extra/domu.gz", 0o100644, domu),
                         ("extra/pvh", 0o100644, read(PVH_GUEST)),
                         script("pvh.sh")], image)
    return kernel, image


def debian_qemu():
    """Debian's QEMU for Xen, as it is installed, or unpacked from its package."""
    program = "/usr/libexec/xen-qemu-system-i386"
    place = os.path.join(OUT, "tests/qemu-xen")
    if os.path.exists(program):
        return program
    if not os.path.exists(place + program):
        os.makedirs(place, exist_ok=True)
        got = subprocess.run("apt-get download -q qemu-system-xen && dpkg -x *.deb .", cwd=place,
                             shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)
        if got.returncode:
            raise NoImage(got.stdout[-300:])
    return place + program


def qemu_image():
    """(kernel, image): with toolstack/qemu.sh as the scenario "extra", and that QEMU."""
    kernel, plain = dom0_image()
    image, program = os.path.join(OUT, "tests/dom0-qemu.img"), debian_qemu()
    linked = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True).stdout
    if "not found" in linked:
        raise NoImage(f"{program} lacks libraries")
    libraries = re.findall(r"(\S+) => (/\S+)", linked)
    add_to_image(plain, [("extra", 0o40755, b""), ("extra/lib", 0o40755, b""),
                         ("extra/qemu", 0o100755, read(program)),
                         *((f"extra/lib/{name}", 0o100755, read(path))
                           for name, path in libraries),
                         script("qemu.sh")], image)
    return kernel, image


def run_scenario(words, *options, seconds=600, cpus=2, hv="", mem=1024, least=11,
                 failing=(), made=None):
    """(whether it is well, what there is to say of it, the console's text). Well is when at least
    so many steps were taken, and none fails but those named. @made: the (kernel, image) for it."""
    kernel, image = made or (extra_image() if "extra" in words else dom0_image())
    status, output, errors = isola_run(
        "--mem", str(mem), "--smp", str(cpus), "--hv", ("dom0_mem=512M " + hv).strip(), *options,
        kernel, f"console=hvc0 limit={seconds - 20} {words}", image, timeout=seconds)
    well, figures, failed = verdict(output, least, failing)
    return (well and status == POWERED_OFF, figures,
            f"status {status}, failed: {failed}\n" + output[-2500:] + errors)


def verdict(output, least, failing=()):
    """(whether a scenario that said @output came to its end as run_scenario has it, figures, which
    steps failed)."""
    steps = dict(re.findall(r"^TOOLSTACK (\S+) (ok|fail) ", output, re.M))
    failed = {step for step, word in steps.items() if word != "ok"}
    ended = re.search(r"^TOOLSTACK-END .* pass=(\d+) fail=(\d+)", output, re.M)
    well = bool(ended and int(ended[1]) >= least and int(ended[2]) == len(failing) and
                failed == set(failing))
    return well, f"{len(steps) - len(failed)} of {len(steps)} steps", failed
