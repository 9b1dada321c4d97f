#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""On a part with L1TF a domain that makes an absent entry that names RAM is shadowed from then on,
once, whichever way it makes it, and the entry is taken; each way in a domain of its own, as it is
about the first entry (tests/guest/claims/absent.c); dom0 may do to it what it likes meanwhile.
Where no memory is left the entry is refused, and the domain goes on. make test-all: more often by
two vCPUs at once, other claims in a domain that is shadowed, and bugs planted, each of which one of
these notices."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import HYPERVISOR, LONG, POWERED_OFF, SELFTEST, isola_run, tap
from planting import planted

SAID = "(isola) domain {}: absent entries name RAM: shadowed from now on"
SHADOWED = SAID.format(1)
NO_MEMORY = "(isola) d1v0 an absent entry names RAM, and is refused: no memory for a shadow"
# 32 vCPUs want more for their shadows than such a machine has left.
POOR = ("--mem", "128", "mem=64M vcpus=32")
WAYS = ("ram", "by_list", "by_va", "by_store", "by_pin", "by_use", "by_base")
OTHERS = ("paging/*,tables/*,flush/*,stores/*,smp/*,caches/*,selectors/*,grants/*,exchange/*,"
          "races*,trans*,emulation/*,advisories/*,preempted/*")

PLANTED = (
    ("a store is not made again", "arch/x86/pv/emul/emul_pt.c",
     "return rc == -EAGAIN || rc == -ERESTART;", "return rc == -EAGAIN;", "by_store"),
    ("a running domain is refused", "arch/x86/shadow/self.c",
     "\tif (d == current->domain)\n\t\treturn ask();\n", "(void)ask;", "by_list"),
    ("who shadows its domain keeps its root", "arch/x86/shadow/create.c",
     "\troot_adopt(v->cr3_kernel);\n", "", "by_pin"),
    ("siblings run on", "arch/x86/shadow/self.c", "\tdomain_pause(d);\n", "", "at_once"),
    ("without memory it is tried for ever", "arch/x86/shadow/self.c",
     "\t\tv->shadow.absent = ABSENT_FAILED;\n", "", "poor"),
)


def run(words, *machine, hypervisor=HYPERVISOR, timeout=120):
    """@machine: options, and last the domain's own words."""
    return isola_run("--cpu", "Haswell-noTSX", "--hypervisor", hypervisor, *machine[:-1],
                     "--domain", SELFTEST, f"domain=one {machine[-1]} onend=halt -- {words}",
                     timeout=timeout)


def holds(status, output, many):
    """Have @many claims been held, and no other run, to the domain's end?"""
    ends = re.findall(r"^\(one\) # (\d+) ok, (\d+) not ok", output, re.M)
    return status == POWERED_OFF and ends == [(str(many), "0")]


def first(claim, *machine, times=1, **options):
    """What is wrong, if the claim runs alone, so many times; "": nothing."""
    for turn in range(times):
        status, output, errors = run(f"claims=absent/{claim}", *machine, **options)
        if not holds(status, output, 1) or output.count(SHADOWED) != 1:
            return f"turn {turn + 1}, status {status}\n{output[-2500:]}{errors}"
    return ""


def each_way():
    """As first(), of a domain for each of WAYS, in one machine: {way: what is wrong}."""
    domains = [word for way in WAYS for word in
               ("--domain", SELFTEST, f"domain={way} mem=32M -- claims=absent/{way}")]
    _, output, errors = isola_run("--cpu", "Haswell-noTSX", "--mem", "320", *domains)
    return {way: "" if f"({way}) # 1 ok, 0 not ok" in output and
            output.count(SAID.format(domid)) == 1 else output[-2500:] + errors
            for domid, way in enumerate(WAYS, 1)}


def poor(**options):
    status, output, errors = run("poor claims=absent/by_list,by_va,by_store,by_pin,paging/*", *POOR,
                                 **options)
    good = (not re.search(r"^\(one\) not ok", output, re.M) and status == POWERED_OFF and
            len(re.findall(r"^\(one\) ok \d+ - absent/", output, re.M)) == 4 and
            NO_MEMORY in output and SHADOWED not in output)
    return "" if good else f"status {status}\n{output[-2500:]}{errors}"


def at_once(times, **options):
    return first("at_once", "--smp", "2", "mem=48M vcpus=4", times=times, **options)


def disturbed(ms):
    """dom0 pauses and logs the domain meanwhile, and destroys it after @ms, maybe in the middle of
    a line, behind which dom0's next one stands then. How many pages are free, or what is wrong."""
    status, output, errors = isola_run(
        "--cpu", "Haswell-noTSX", "--smp", "3", "--mem", "160", "--hv", "dom0_mem=48M",
        "--domain", SELFTEST, "domain=one mem=48M vcpus=4 -- claims=absent/at_once exit=never",
        SELFTEST, f"claims=absent/disturbed ms={ms}")
    free = re.findall(r"# free pages: (\d+)", output)
    if status == POWERED_OFF and re.search(r"(?<!not )ok 1 - absent/disturbed", output) and free:
        return int(free[0])
    return f"{ms} ms, status {status}\n{output[-2500:]}{errors}"


for way, wrong in each_way().items():
    tap.ok(not wrong, f"{way}: it is taken, and the domain is shadowed, once", wrong)
wrong = at_once(20 if LONG else 2)
tap.ok(not wrong, "two vCPUs of four at once, on two CPUs", wrong)
wrong = first("at_once", "mem=48M vcpus=2", times=10 if LONG else 1)
tap.ok(not wrong, "two vCPUs at once, on one CPU", wrong)
wrong = first("by_context", "--smp", "2", "mem=48M vcpus=3")
tap.ok(not wrong, "by a context for another vCPU", wrong)
many = [disturbed(ms) for ms in (1, *(range(150, 400, 10) if LONG else (220,)))]
tap.ok(isinstance(many[0], int) and len(set(many)) == 1,
       "paused, logged and destroyed meanwhile: all of it goes", "\n".join(map(str, many)))
wrong = poor()
tap.ok(not wrong, "without memory it is refused, and the domain goes on", wrong)
if LONG:
    status, output, errors = run(f"claims=absent/*,{OTHERS}", "--smp", "2", "--mem", "160",
                                 "mem=96M vcpus=4", timeout=400)
    held = re.findall(r"^\(one\) # (\d+) ok, 0 not ok", output, re.M)
    tap.ok(status == POWERED_OFF and output.count(SHADOWED) == 1 and held and int(held[0]) > 300,
           "other claims hold in a domain that is shadowed", output[-2500:] + errors)
    for (what, _, _, _, notices), hypervisor, *why in planted(PLANTED):
        if hypervisor is None:
            tap.ok(False, f"planted: {what}", str(why))
            continue
        options = {"hypervisor": hypervisor, "timeout": 60}
        found = (poor(**options) if notices == "poor" else at_once(8, **options)
                 if notices == "at_once" else first(notices, "mem=48M", **options))
        tap.ok(found, f"planted: {what}")
tap.done()
