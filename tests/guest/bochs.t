#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The selftest guest on Isola in Bochs, as an Intel processor with x2APIC and TSC deadline, which
TCG has not, those claims that a processor has a part in; make test-all: all of them, and on an AMD
one, too. Bochs is slow: about half a minute each. And the PVH guest on VMX, which TCG lacks, on two
CPUs that a PV guest shares with it, and beside dom0, which makes and destroys such domains. make
test-all: on an AMD one, whose exits say where the next instruction is; the claims of device models
on SVM; Debian's Linux; and with each of some bugs in the hypervisor's part of VMX, which must be
noticed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, room) for room in ("../lib", "../pvh")]
from initrd import debian_linux, write_initrd
from isolatest import LONG, PVH_GUEST, SELFTEST, TOP, claims_of, selftest, tap
from linux_init import LINUX_INIT
from planted_pvh import PLANTED_VMX
from planting import planted
from toolstack import NoImage, pvh_image, verdict

BOCHS = os.path.join(TOP, "tools/bochs-run")
INTEL = "corei7_haswell_4770"
PVH = PVH_GUEST, "domain=hw mem=48M type=pvh vcpus=2 -- "
# make test: what the processor has a part in
CLAIMS = "" if LONG else claims_of("""start exceptions frames user hypercalls vcpu_op events
selectors emulation cpuid ports msr paging absent tables flush stores transitions advisories
preempted races timers""")
PV = SELFTEST, "domain=pv mem=32M -- claims=start/*,exceptions/*,selectors/*,msr/*,user/*"


def bochs(*words, timeout=120):
    done = subprocess.run([BOCHS, "--timeout", str(timeout), *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace").replace("\r", "")


def claims_hold(output, name, least):
    """All of domain @name's; two that print at once may begin behind each other's lines."""
    lines = [line for line in output.split("\n") if f"({name}) " in line]
    return not any(f"({name}) not ok" in line for line in lines) and \
        any("selftest ends: all claims hold" in line for line in lines) and \
        sum(f"({name}) ok " in line for line in lines) > least


def on_svm():
    _, output = bochs("--cpu", "ryzen", "--mem", "128", "--domain", PVH[0], PVH[1] + "bochs")
    tap.ok(claims_hold(output, "hw", 70),
           "bochs ryzen: all claims of the PVH guest, on two vCPUs", output[-3000:])


def on_vmx(*words, timeout=180):
    _, output = bochs("--cpu", INTEL, "--smp", "2", "--mem", "192", "--domain", PVH[0],
                      PVH[1] + "vmx", "--domain", *PV, *words, timeout=timeout)
    return claims_hold(output, "hw", 70) and claims_hold(output, "pv", 30), output


def beside_dom0():
    status, output = bochs("--cpu", INTEL, "--mem", "256", "--hv", "dom0_mem=64M", "--domain",
                           PVH_GUEST, "domain=web mem=24M type=pvh -- claims=start/* stay",
                           SELFTEST,
                           "claims=pvh/*,hvm_control/*,model/*,waiting/*,forget/*,hvm_logged/*",
                           timeout=180)
    own = [line for line in output.split("\n") if re.match(r"(not )?ok \d+ - ", line)]
    tap.ok(not status and len(own) >= 30 and not any(line.startswith("not") for line in own),
           "and dom0 makes, fills, watches and destroys such domains", output[-3000:])


def touched():
    """cache-tracking= on EPT: of so many leaves of 2 MiB that are touched all is cleaned, and some
    pages of the guest's code, whose leaves have been split."""
    _, output = bochs("--cpu", INTEL, "--mem", "128", "--hv",
                      "guest_loglvl=all cache-tracking=touched", "--domain", PVH_GUEST,
                      "domain=hw mem=48M type=pvh onend=halt -- attack=caches")
    cleaned = [int(n) for n in re.findall(r"d1v0 caches cleaned: (\d+) pages", output)]
    tap.ok([n // 512 for n in cleaned] == [0, 0, 0, 1, 3, 5, 0, 2, 1] and
           all(n % 512 < 32 for n in cleaned), "WBINVD there cleans what has been touched",
           f"{cleaned}\n{output[-800:]}")


def linux():
    kernel, why = debian_linux("linux")
    if not kernel:
        tap.skip("Debian's Linux as a PVH domain on VMX", why)
        return
    with tempfile.NamedTemporaryFile() as initrd:
        write_initrd(initrd.name, LINUX_INIT, [("sys", 0o40755, b"")])
        _, output = bochs("--cpu", INTEL, "--smp", "2", "--mem", "448", "--domain",
                          f"{kernel},{initrd.name}", "domain=web type=pvh mem=256M vcpus=2 "
                          "onend=halt -- console=hvc0 panic=-1", timeout=900)
    said = re.findall(r"\(web\) pvh: (.*)", output)
    tap.ok("end" in said and sum("did its work" in line for line in said) == 2,
           "Debian's Linux runs as a PVH domain on VMX, on two CPUs", output[-3000:])


def by_tools():
    """Debian's tools in dom0 make such domains on VMX, show, pause and destroy them; their Linux is
    saved and restored."""
    try:
        kernel, image = pvh_image()
    except NoImage as why:
        tap.skip("xl makes PVH domains on VMX", str(why))
        return
    _, output = bochs("--cpu", INTEL, "--mem", "896", "--hv", "dom0_mem=448M", kernel,
                      "console=hvc0 limit=1700 scenario=extra parts=claims+shown+ends+saved xs=c",
                      image, timeout=1800)
    well, figures, failed = verdict(output, 20)
    tap.ok(well, f"xl makes PVH domains on VMX, and saves and restores one: {figures}",
           f"failed: {failed}\n{output[-3000:]}")


def bugs():
    for (what, *_), hypervisor, why in planted(PLANTED_VMX):
        good, output = on_vmx("--hypervisor", hypervisor, timeout=90) if hypervisor else (True, why)
        tap.ok(not good, f"noticed: {what}", output[-800:])


if not shutil.which("bochs"):
    tap.skip("bochs", "bochs is not installed")
    tap.done()
    sys.exit(0)
for cpu in (INTEL,) + (("ryzen",) if LONG else ()):
    selftest(tap, f"bochs {cpu}", ["--cpu", cpu, "--mem", "128"], CLAIMS, timeout=240,
             program=BOCHS)
HOLD, TEXT = on_vmx()
tap.ok(HOLD, f"bochs {INTEL}: all claims of the PVH guest, on two CPUs, beside a PV guest",
       TEXT[-3000:])
beside_dom0()
touched()
if LONG:
    on_svm()
    selftest(tap, "bochs ryzen: dom0 is a device model", ["--cpu", "ryzen", "--mem", "256"],
             cmdline="claims=model/*,waiting/*,forget/*", timeout=240, program=BOCHS)
    linux()
    by_tools()
    bugs()
tap.done()
