#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Domains that module lines describe: beside dom0, and without one. All claims that are about the
ABI hold in such a domain; each has its own console, number and end. What is wrong in a line refuses
the boot (each kind: tests/unit/static_words.t). make test-all: two of Debian's kernels at once, and
Debian's Xen tools in dom0."""
import os
import re
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib")]
from initrd import debian_linux, write_initrd
from isolatest import (GUEST_CRASHED, LONG, POWERED_OFF, SELFTEST, claims_of, isola_run, read,
                       refused, tap)
from planting import planted
from toolstack import NoImage, run_scenario


def domain(words, kernel=SELFTEST):
    return "--domain", kernel, "domain=" + words


def said_by(output, name):
    return re.findall(rf"^\({name}\) (.*)$", output, re.M)


def bad_in(output):
    """What is wrong with the claims of each domain: their points, or that there are none."""
    found = re.findall(r"^\S* ?not ok.*(?:\n.*){3}", output, re.M)
    return "\n".join(found) + "\n" + output[-1500:]


def ends_well(output, name):
    own = said_by(output, name)
    return any(re.match(r"ok \d", line) for line in own) and \
        not any(line.startswith("not ok") for line in own) and \
        "# selftest ends: all claims hold" in own


# But for dom0's alone, and those that a busy machine makes late.
MOST = claims_of("""start exceptions frames user hypercalls version memory_op control vcpu_op events
selectors emulation cpuid ports msr paging iomem absent tables flush stores exchange grants
transitions advisories""")


def alone():
    status, output, errors = isola_run(
        "--mem", "128", "--smp", "2",
        *domain("web mem=48M " + ("vcpus=2" if LONG else f"-- {MOST}")), timeout=300)
    tap.ok(status == POWERED_OFF and ends_well(output, "web"),
           "what claims say of the ABI holds in a domain, where there is no dom0",
           bad_in(output) + errors)
    tap.ok(re.search(r"^\(isola\) Domain 1 \(web\) shut down: poweroff\n\(isola\) The machine ends "
                     r"with domain 1 \(web\), which shut down: poweroff$", output, re.M),
           "the machine ends with the last domain, and says so", output[-500:])


WORK = "claims=events/*,grants/*,memory_op/*,exchange/*,tables/*"


def beside_dom0():
    status, output, errors = isola_run(
        "--mem", "256", "--hv", "dom0_mem=64M",
        *domain(f"web mem=48M onend=halt weight=64 -- {WORK},transitions/*"), SELFTEST,
        "claims=tools/* other exit=never", timeout=200)
    # Lines of the other's may stand within dom0's, and dom0's begin behind what it has begun.
    paused = r"(?<!not )ok \d+ - tools/pause: [^#\n]*; unpaused, it goes on(?! # SKIP)"
    own = re.sub(r"^\(.*\n", "", output, flags=re.M).replace("\n", "")
    tap.ok(status == POWERED_OFF and ends_well(output, "web") and
           not re.search(r"not ok \d", own) and "# selftest ends: all claims hold" in own and
           any(re.search(paused, text) for text in (own, output)),
           "a domain with onend=halt beside dom0, which pauses it once: both at work, and the "
           "machine ends with that domain", bad_in(output) + errors)


def destroyed():
    status, output, errors = isola_run(
        "--mem", "160", "--smp", "2", "--hv", "dom0_mem=64M",
        *domain(f"web mem=48M vcpus=2 onend=halt -- {WORK}"), SELFTEST,
        "claims=life/other_destroyed other", timeout=100)
    tap.ok(status == POWERED_OFF and
           re.search(r"ok \d+ - life/other_destroyed: [^#]*$", output, re.M) and
           "# selftest ends: all claims hold" in output and
           "Domain 0 shut down: poweroff" in output,
           "dom0 destroys a domain that is at work, and goes on", bad_in(output) + errors)


# No other claim about events: some send to any port. None about exchange: it has a look at frames
# that have been given back, which the other domain may have by then.
CALLS = "claims=events/declared,share/*,talk/*,grants/*,memory_op/*,tables/*"


def two():
    status, output, errors = isola_run(
        "--mem", "160", "--smp", "2",
        *domain("web mem=40M pin=1 port=3:a-very-long-one.5 share=ring:rw:a-very-long-one "
                "share=log:rw:a-very-long-one share=line:rw:a-very-long-one "
                f"-- {CALLS} port=3 talk=3"),
        *domain("a-very-long-one mem=40M vcpus=2 port=5:web.3 share=ring:rw:web share=log:ro:web "
                f"share=line:rw:web -- {CALLS} port=5 talk=5 exit=crash"), timeout=200)
    for claim, what in (("events/declared", "gets what the other sends to the declared port"),
                        ("share/writable", "sees what the other writes into the page they share"),
                        ("share/read_only", "has its rights to a page that one may read"),
                        ("talk/lines", "hears what the other says, as `make run' shows")):
        held = [name for name, rest in re.findall(rf"^\((\S+)\) ok \d+ - {claim}: (.*)$", output,
                                                  re.M) if "SKIP" not in rest]
        tap.ok(sorted(held) == ["a-very-long-one", "web"], f"each {what}", bad_in(output))
    ends = re.findall(r"^\(isola\) Domain (\d) \((\S+)\) shut down: (\w+)$", output, re.M)
    tap.ok(ends_well(output, "web") and ends_well(output, "a-very-long-one") and
           sorted(ends) == [("1", "web", "poweroff"), ("2", "a-very-long-one", "crash")],
           "two domains at once: one may crash, the other goes on", bad_in(output) + errors)
    tap.ok(status in (POWERED_OFF, GUEST_CRASHED), "and the machine ends with the last of them",
           f"{status}{errors}")


def lives(*machine):
    """A domain that crashes, beside one that stays: its lives as both tell them, and the output."""
    words = "claims=start/*,lives/* lives=3 port="
    status, output, errors = isola_run(
        "--mem", "128", "--smp", "2", *machine,
        *domain(f"web mem=24M port=3:db.5 share=ring:rw:db onend=halt -- {words}3"),
        *domain(f"db mem=40M vcpus=2 port=5:web.3 share=ring:rw:web onend=restart -- {words}5 "
                "exit=crash"), timeout=100)
    count = len(re.findall(r"^\(db\) ok \d+ - lives/returns: (?!.*SKIP)", output, re.M))
    stays = re.search(r"^\(web\) ok \d+ - lives/stays: (?!.*SKIP)", output, re.M)
    well = status == POWERED_OFF and ends_well(output, "web") and ends_well(output, "db")
    return count, well and stays, output + errors


def restarts():
    # Two of them do not fit its memory at once.
    status, output, errors = isola_run(
        "--mem", "64", *domain("web mem=24M onend=restart -- claims=start/* exit=reboot"))
    count = len(re.findall(r"^\(isola\) Domain 1 \(web\) begins anew$", output, re.M))
    whole = output.count("(web) # selftest ends: all claims hold")
    tap.ok(count == 4 and whole == 5 and "Domain 1 (web) has ended 5 times within 10 s of its "
           "beginning: it stays" in output and "The machine ends with domain 1 (web), which shut "
           "down: reboot" in output,
           f"onend=restart: who reboots begins anew, as if at boot: {whole} lives, and then it "
           "ends too often", f"{status}{bad_in(output)}{errors}")
    status, output, errors = isola_run(
        "--mem", "64", *domain("web mem=24M onend=restart -- claims=start/magic"))
    tap.ok(status == POWERED_OFF and "begins anew" not in output,
           "onend=restart: who switches itself off stays", f"{status}{bad_in(output)}{errors}")
    count, well, output = lives()
    tap.ok(well and count == 3, "onend=restart: who crashes begins anew, has its port and its "
           f"share again, and who stays sees its port open and close: {count} lives",
           bad_in(output))


PLANTED = (
    ("the declared ports are not connected again", "arch/x86/pv/builder/restart.c",
     "\tstatic_connect(l - lives, d);\n", ""),
    ("what it owned is not taken apart to the end", "arch/x86/pv/builder/restart.c",
     "\tif (domain_destroy_some(l->d))\n\t\treturn;\n", "\t(void)domain_destroy_some(l->d);\n"),
    ("its modules are handed out", "arch/x86/pv/builder/keeper.c",
     "\tm->is_kept = true;\n", "\treturn;\n"),
)


def with_bugs():
    for (what, *_), hypervisor, why in planted(PLANTED):
        count, well, output = lives("--hypervisor", hypervisor) if hypervisor else (0, True, why)
        tap.ok(hypervisor and not (well and count == 3), f"noticed: {what}", output[-1500:])


def refusals():
    kernel = read(SELFTEST)
    for what, modules, sentence in (
            ("an unknown word", [(kernel, ""), (kernel, "domain=web mem=16M nice=1")],
             r'module 1, domain web: "nice=1": unknown word'),
            ("more memory than there is", [(kernel, "domain=web mem=4G")],
             "not enough memory to build domain web"),
            ("CPUs that there are not", [(kernel, "domain=web mem=16M pin=7")],
             r"module 0, domain web: pin= names none of this machine's 1 CPUs"),
            ("no kernel", [(b"text", "domain=web mem=16M")], r"the kernel of domain web \(module "
             r"0\)"),
            ("too little memory", [(kernel, "domain=web mem=1M")],
             "the kernel does not fit domain web's memory: .* mem gives 1024 KiB")):
        refused(tap, f"{what}: refused", sentence, modules=modules)


INIT = b"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
i=0
while [ $i -lt 50 ]; do /bin/busybox gzip </bin/busybox | /bin/busybox md5sum; i=$((i+1)); done |
	/bin/busybox sort -u
echo "done: $(/bin/busybox cat /proc/cmdline)"
/bin/busybox poweroff -f
"""


def debians():
    kernel, missing = debian_linux()
    if missing:
        tap.skip("two of Debian's kernels at once", missing)
        return
    with tempfile.NamedTemporaryFile(prefix="isola-initrd-") as file:
        write_initrd(file.name, INIT)
        status, output, errors = isola_run(
            "--mem", "512", "--smp", "2",
            *domain("web mem=160M -- console=hvc0 as=web", f"{kernel},{file.name}"),
            *domain("db mem=160M vcpus=2 -- console=hvc0 as=db", f"{kernel},{file.name}"),
            timeout=400)
    sums = [{line for line in said_by(output, name) if re.fullmatch(r"[0-9a-f]{32}  -", line)}
            for name in ("web", "db")]
    tap.ok(status == POWERED_OFF and sums[0] == sums[1] and len(sums[0]) == 1 and
           all(f"done: console=hvc0 as={name}" in said_by(output, name) for name in ("web", "db")),
           "two of Debian's kernels at once", output[-3000:] + errors)


def tools():
    name = "Debian's tools look at dom0 and another domain"
    try:
        well, figures, text = run_scenario(
            "scenario=info verbose=1", *domain("web mem=48M -- exit=never claims=start/*"))
    except NoImage as why:
        tap.skip(name, str(why))
        return
    tap.ok(well, f"{name}: {figures}", text)


alone()
beside_dom0()
destroyed()
two()
restarts()
refusals()
if LONG:
    with_bugs()
    debians()
    tools()
tap.done()
