#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Domains of type=pvh, in the processor's guest mode (SVM with nested paging, which TCG has): the
claims of our PVH guest, which hold on genuine Xen too (tests/guest/oracle.t); what its WBINVD
cleans; guests that do what ends a domain, beside one that is not to notice; dom0, which destroys
one; what is refused; Debian's Linux on two vCPUs. make test-all: on one and four, newer kernels,
Debian's QEMU, and with each of some bugs in the hypervisor, which must be noticed. What Debian's
tools do with such domains is seen in toolstack.t."""
import os
import re
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, room) for room in ("../lib", "../pvh", "linux")]
import initramfs  # noqa: E402
from initrd import debian_linux, run_linux, write_initrd
from isolatest import LONG, POWERED_OFF, PVH_GUEST, SELFTEST, isola_run, read, refused, tap
from linux_init import LINUX_INIT
from livemachine import LiveMachine
import nested
from ownership import PAGE, PTE_ADDR, translate
from planted_pvh import PLANTED, PLANTED_CONTROL, PLANTED_MODEL
from planting import planted
from toolstack import NoImage, qemu_image, run_scenario

MODEL_CLAIMS = "claims=model/*,waiting/*,forget/*,hvm_logged/*"
SVM = ("--cpu", "qemu64,+svm,+npt")
STOPS = 1000 if LONG else 12
# what a guest does, and what the log says of its end
ATTACKS = (
    ("hole", r"crashed: it touches guest-physical address e0000000, where nothing is"),
    ("cr3", r"crashed: it touches guest-physical address e0000000, where nothing is"),
    ("apic", r"crashed: it touches guest-physical address fee00080, where nothing is"),
    ("triple", r"shut down: reboot"),
    ("invalid", r"crashed: the processor does not enter its state"),
    ("hlt", r"shut down: its last vcpu went down without saying a reason"),
)


def pvh(name, words="", line="", mem="24M"):
    return "--domain", PVH_GUEST, f"domain={name} type=pvh mem={mem} {words} -- tcg {line}"


def claims_hold(output, name):
    own = re.findall(rf"^\({name}\) (.*)$", output, re.M)
    return sum(line.startswith("ok ") for line in own) > 40 and \
        not any(line.startswith("not ok") for line in own) and \
        "# selftest ends: all claims hold" in own


def run_claims(*more):
    return isola_run(*SVM, "--mem", "128", *pvh("web", "vcpus=2 onend=halt", mem="48M"), *more,
                     timeout=60)


def claims_and_attacks():
    domains = [word for name, _ in ATTACKS for word in pvh(name, "", f"attack={name}")]
    status, output, errors = isola_run(
        *SVM, "--mem", "352", "--smp", "2", *domains, *pvh("web", "vcpus=2", mem="48M"), timeout=90)
    tap.ok(claims_hold(output, "web"), "all claims of a PVH guest hold, beside six that end badly",
           output[-3000:] + errors)
    for name, end in ATTACKS:
        # Two CPUs print: a line may begin behind another's.
        tap.ok(re.search(rf"Domain \d+ \({name}\) {end}", output) and
               f"({name}) not ok" not in output,
               f"attack={name} ends that domain, and the log says how",
               "\n".join(line for line in output.splitlines() if name in line))
    tap.ok(status == POWERED_OFF or "The machine ends with" in output,
           "the machine ends with the last of them", f"{status} {output[-500:]}")


def another_processor():
    """One with much that qemu64 has not (XSAVE, SMEP, FSGSBASE), and that is not called QEMU's."""
    status, output, errors = run_claims("--cpu", "EPYC,+svm,+npt", "--machine", "q35",
                                        "--firmware", "uefi", "--mem", "192")
    tap.ok(claims_hold(output, "web"), "all claims hold on an EPYC with UEFI, too",
           output[-3000:] + errors)


def beside_dom0():
    status, output, errors = isola_run(
        *SVM, "--mem", "256", "--hv", "dom0_mem=64M", *pvh("web", "", "claims=start/* stay"),
        SELFTEST, "claims=pvh/*,hvm_control/*", timeout=90)
    own = re.sub(r"^\(web\).*\n", "", output, flags=re.M)
    tap.ok(status == POWERED_OFF and len(re.findall(r"^ok \d+ - pvh/(?!.*# SKIP)", own, re.M)) == 2,
           "dom0 pauses a PVH domain, may not do to it what is not built, destroys it",
           output[-2000:] + errors)
    tap.ok(len(re.findall(r"^ok \d+ - hvm_control/(?!.*# SKIP)", own, re.M)) >= 10 and
           "\nnot ok" not in own, "and makes, fills and destroys domains of that kind",
           output[-2000:] + errors)


def device_model(status, output, errors, cpus):
    held = re.findall(r"^ok \d+ - (model|waiting|forget|hvm_logged)/(?!.*# SKIP)", output, re.M)
    tap.ok(status == POWERED_OFF and "\nnot ok" not in output and len(held) >= 29,
           f"dom0 is the device model of such domains, {cpus} CPUs", output[-3000:] + errors)


def device_models():
    for cpus in (1, 2):
        device_model(*isola_run(*SVM, "--mem", "256", "--smp", str(cpus), "--hv", "dom0_mem=64M",
                                SELFTEST, MODEL_CLAIMS, timeout=120), cpus)


def models_from_outside():
    """Stops while dom0 is the device model of one domain after another: what a server has of its
    domain's frames is counted, and dom0's maps of them are its own."""
    with LiveMachine(SELFTEST, MODEL_CLAIMS + " exit=never", hv="dom0_mem=64M", mem_mib=256,
                     cpu=SVM[1]) as live:
        if not live.wait_for(rb"TAP version"):
            tap.ok(False, "a machine with device models starts", live.text()[-800:])
            return
        found, stops, counted, with_server = live.examine_often(
            STOPS, lambda snapshot, recount: bool(recount.servers))
        tap.ok(not found and counted and with_server,
               f"seen from outside: {stops} stops, {counted} recounted, {with_server} with servers",
               "\n".join(found[:10]))


def orphan_from_outside():
    """The pages of a server that is destroyed while its model maps them."""
    with LiveMachine(SELFTEST, "claims=waiting/released dwell", hv="dom0_mem=64M", mem_mib=256,
                     cpu=SVM[1]) as live:
        if not live.wait_for(rb"its pages are the model's alone"):
            tap.ok(False, "a server is destroyed while it is mapped", live.text()[-800:])
            return
        with live.stopped(tries=50) as snapshot:
            findings, recount = live.examine(snapshot)
        tap.ok(recount.orphans == 1 and not findings,
               "the page of a server that has gone is held by the model's entry alone",
               "\n".join([recount.why or f"{recount.orphans} orphans"] + findings))


def by_qemu():
    name = "Debian's QEMU is the device model of Debian's Linux of type=pvh"
    try:
        well, figures, text = run_scenario("scenario=extra", *SVM, cpus=1, seconds=420, least=10,
                                           made=qemu_image())
    except NoImage as why:
        tap.skip(name, str(why))
        return
    tap.ok(well, f"{name}: {figures}", text)


def caches():
    """WBINVD of a guest that may have a device past the caches. It touches leaves of 2 MiB; beside
    them its code and the page of its console, which is one."""
    for word, expected in (("no", []), ("all", [[12289]] * 9),
                           ("touched", [[513, 512]] + [[512 * n + 513, 512 * n + 512]
                                                       for n in (0, 0, 1, 3, 5, 0, 2, 1)])):
        status, output, errors = isola_run(
            *SVM, "--mem", "128", "--hv", f"guest_loglvl=all cache-tracking={word}",
            *pvh("hw", "onend=halt", "attack=caches", mem="48M"), timeout=60)
        cleaned = [int(n) for n in re.findall(r"d1v0 caches cleaned: (\d+) pages", output)]
        tap.ok(status == POWERED_OFF and "# caches end" in output and
               len(cleaned) == len(expected) and
               all(n in of for n, of in zip(cleaned, expected)),
               f"cache-tracking={word}: WBINVD cleans that", f"{cleaned}\n{output[-800:]}{errors}")


def refusals():
    guest, words = read(PVH_GUEST), "domain=web mem=24M type=pvh"
    refused(tap, "without SVM there is no type=pvh",
            "domain web: type=pvh: the CPU has neither SVM nor VMX", modules=[(guest, words)],
            cpu="qemu64,-svm")
    refused(tap, "a PV kernel is no PVH kernel", "has no PHYS32_ENTRY note: it is not a PVH kernel",
            modules=[(read(SELFTEST), words)], cpu=SVM[1])
    refused(tap, "cache-tracking= knows three words", 'it is no, all or touched',
            modules=[(guest, words + " cache-tracking=some")], cpu=SVM[1])
    refused(tap, "and is for type=pvh", "cache-tracking= is not built for type=pv",
            modules=[(read(SELFTEST), "domain=web mem=24M cache-tracking=all")], cpu=SVM[1])


def linux(vcpus, which="linux"):
    """An unmodified kernel of Debian's on @vcpus vCPUs, each of which works. Its last words come
    when all have gone down: nothing tells it how to switch such a machine off."""
    kernel, why = debian_linux(which)
    if not kernel:
        tap.skip(f"Debian's {which} as a PVH domain", why)
        return
    with tempfile.NamedTemporaryFile() as initrd:
        write_initrd(initrd.name, LINUX_INIT, [("sys", 0o40755, b"")])
        status, output, errors = run_linux(
            *SVM, "--mem", "448", "--smp", str(min(vcpus, 2)), "--domain",
            f"{kernel},{initrd.name}",
            f"domain=web type=pvh mem=256M vcpus={vcpus} onend=halt -- console=hvc0 panic=-1",
            timeout=300)
    said = re.findall(r"^\(web\) pvh: (.*)$", output, re.M)
    tap.ok(re.search(rf"^PVH, {vcpus} cpus", "\n".join(said)) and "end" in said and
           sum("did its work" in line for line in said) == vcpus and
           "shut down: its last vcpu went down" in output,
           f"Debian's {which} runs as a PVH domain of {vcpus} vCPUs",
           f"{status} {output[-3000:]}{errors}")


def linux_at_work():
    """The PV kernel's workload (linux/init): forks, shells bound to each vCPU, sums, and half of
    the memory given back and taken again meanwhile."""
    kernel, why = debian_linux("linux")
    if not kernel:
        tap.skip("Debian's Linux at work as a PVH domain", why)
        return
    with tempfile.NamedTemporaryFile() as initrd:
        initramfs.write(initrd.name)
        _, output, errors = run_linux(
            *SVM, "--mem", "512", "--smp", "2", "--domain", f"{kernel},{initrd.name}",
            "domain=web type=pvh mem=256M vcpus=2 onend=halt -- console=hvc0 panic=-1",
            timeout=300)
    said = re.findall(r"^\(web\) workload: (.*)$", output, re.M)
    tap.ok("forks: 200 of 200" in said and said.count("sum: right") == 2 and "end" in said and
           len([line for line in said if re.match(r"stress: .* did [1-9]\d* rounds$", line)]) == 4
           and any(re.match(r"balloon: [1-9]\d* times", line) for line in said),
           "Debian's Linux works as a PVH domain of 2 vCPUs, and gives memory back and takes it",
           f"{output[-3000:]}{errors}")


def entry_of(snapshot, owners, gfn, level):
    """Where the entry of @level is that leads to @gfn in domain 1's nested tables, or the leaf
    above; and the entry."""
    mfn = owners.domains[1].nested
    for at_level in (4, 3, 2, 1):
        at = mfn * PAGE + (gfn >> 9 * (at_level - 1) & 511) * 8
        entry = snapshot.ram.u64(at)
        if at_level == level or entry & 0x80:
            return at, entry
        mfn = (entry & PTE_ADDR) >> 12
    return None


def point_at(gfn, owner):
    """A leaf for @gfn names the first frame of @owner's."""
    def plant(snapshot, owners):
        at, entry = entry_of(snapshot, owners, gfn, 1)
        size = 512 if entry & 0x80 else 1
        mfn = owners.codes.index(owners.code(*owner)) // size * size
        snapshot.ram.write_u64(at, entry & ~PTE_ADDR | mfn * PAGE)
    return plant


def without_u(snapshot, owners):
    at, entry = entry_of(snapshot, owners, 0, 3)
    snapshot.ram.write_u64(at, entry & ~4)


def make_clean(gfn):
    """The leaf at @gfn can be written, and the first frame that it shows is clean (LOG-1)."""
    def plant(snapshot, owners):
        ram, image = snapshot.ram, owners.image
        at, entry = entry_of(snapshot, owners, gfn, 1)
        record = image["VA_FRAMETABLE"] + (entry & PTE_ADDR) // PAGE * image["sizeof page_info"]
        word = translate(ram, owners.reference, record + image["page_info.type_info"])
        ram.write_u64(at, entry | nested.VALID)
        ram.write_u64(word, ram.u64(word) | image["PGT_clean"])
    return plant


def guest_slot(snapshot, owners):
    root = owners.domains[1].vcpus[0].kernel_root
    snapshot.ram.write_u64(root * PAGE, owners.domains[1].nested * PAGE | 0x27)


def foreign_window(snapshot, owners):
    root = owners.domains[1].vcpus[0].kernel_root
    other = snapshot.ram.u64(owners.domains[0].vcpus[0].kernel_root * PAGE + 262 * 8)
    snapshot.ram.write_u64(root * PAGE + 262 * 8, other)


def as_ept(snapshot, owners, name):
    """The same machine, as if its nested tables had been built in the format @name, EPT's."""
    ram, pending = snapshot.ram, [(owners.domains[1].nested, 4)]
    while pending:
        mfn, level = pending.pop()
        for i, entry in enumerate(ram.entries(mfn)):
            if not entry & nested.THERE:
                continue
            is_leaf = level == 1 or entry & 0x80
            valid = 3 if is_leaf and level > 1 and name == "p2m_ept_split" else 7
            ram.write_u64(mfn * PAGE + 8 * i,
                          entry & (PTE_ADDR | nested.THERE) | (valid if entry & 1 else 0) |
                          (nested.EPT_WB | (0x80 if level > 1 else 0) if is_leaf else 0))
            if not is_leaf:
                pending.append(((entry & PTE_ADDR) >> 12, level - 1))
    image = owners.image
    ram.write_u64(translate(ram, owners.reference, image.symbol("p2m_format")), image.symbol(name))


def changed(gfn, level, clear, put):
    """Bits of the entry of @level that leads to @gfn."""
    def plant(snapshot, owners):
        at, entry = entry_of(snapshot, owners, gfn, level)
        snapshot.ram.write_u64(at, entry & ~clear | put)
    return plant


EPT_LEAKS = (
    ("p2m_ept", "another domain's frame", point_at(0, ("domain", 0)), "nested.*foreign"),
    ("p2m_ept", "a leaf that is written but not read", changed(0, 1, 1, 2),
     "nested.*may not use"),
    ("p2m_ept", "a leaf whose type the guest chooses", changed(0, 1, 0x40, 1),
     "nested.*may not use"),
    ("p2m_ept", "a leaf that is not write-back", changed(0, 1, 0x38, 1), "nested.*may not use"),
    ("p2m_ept", "a table with the bits of a leaf", changed(0, 3, 0, 0x31),
     "nested.*may not use"),
    ("p2m_ept_split", "a large leaf that can be executed",
     changed(0x1600000 >> 12, 2, 0, 7), "nested.*may not use"),
)

LEAKS = (
    ("another domain's frame in a nested leaf", point_at(0, ("domain", 0)), "nested.*foreign"),
    ("its own VMCB", point_at(0xfefff, ("vcpu", "d1v0")), "nested.*foreign frame, vcpu"),
    ("a clean frame in a leaf that can be written", make_clean(0), "nested.*clean frame"),
    ("a nested entry without U", without_u, "nested.*may not use"),
    ("a guest slot in an HVM vCPU's root", guest_slot, "of an HVM vCPU is not empty"),
    ("dom0's window in an HVM vCPU's root", foreign_window, r"d1v0.*foreign frame \(other domain"),
)


def from_outside():
    """A machine with dom0 and a PVH domain that is always at work, stopped a few times: audit and
    recount are clean, in guest mode and out; with what is planted they are not."""
    with LiveMachine(SELFTEST, "claims=pvh/control exit=never", hv="dom0_mem=32M", mem_mib=160,
                     cpu=SVM[1], domains=[(PVH_GUEST, "domain=web type=pvh mem=24M "
                                           "cache-tracking=touched -- attack=busy")]) as live:
        if not live.wait_for(rb"# attack busy"):
            tap.ok(False, "the machine starts", live.text()[-800:])
            return
        found, stops, counted, inside = live.examine_often(STOPS, lambda snapshot, recount: any(
            0x200000 <= cpu.rip < 0x400000 for cpu in snapshot.cpus))
        tap.ok(not found, "seen from outside: nothing foreign is mapped, and every count is right",
               "\n".join(found[:10]))
        tap.ok(counted and inside, f"{stops} stops, {inside} in guest mode, {counted} recounted",
               "")
        with live.stopped() as snapshot:
            clean = live.audit(snapshot)
            for what, plant, pattern in LEAKS:
                copy = live.snapshot(private=True)
                plant(copy, clean.owners)
                leaks = live.audit(copy).findings
                tap.ok(any(re.search(pattern, leak) for leak in leaks), f"planted: {what} is found",
                       "\n".join(leaks[:5]))
            for name in ("p2m_ept", "p2m_ept_split"):
                copy = live.snapshot(private=True)
                as_ept(copy, clean.owners, name)
                leaks, _ = live.examine(copy)
                tap.ok(not leaks, f"its tables as {name}: nothing is found", "\n".join(leaks[:5]))
            for name, what, plant, pattern in EPT_LEAKS:
                copy = live.snapshot(private=True)
                as_ept(copy, clean.owners, name)
                plant(copy, clean.owners)
                leaks = live.audit(copy).findings
                tap.ok(any(re.search(pattern, leak) for leak in leaks),
                       f"planted, {name}: {what} is found", "\n".join(leaks[:5]))


def control_bugs():
    for (what, *_), hypervisor, why in planted(PLANTED_CONTROL):
        if not hypervisor:
            tap.ok(False, f"planted: {what}", why)
            continue
        status, output, _ = isola_run(*SVM, "--mem", "256", "--hv", "dom0_mem=64M", "--hypervisor",
                                      hypervisor, SELFTEST, "claims=hvm_control/*", timeout=60)
        tap.ok(status != POWERED_OFF or "\nnot ok" in output, f"noticed: {what}", output[-800:])


def model_bugs():
    for (what, *_), hypervisor, why in planted(PLANTED_MODEL):
        if not hypervisor:
            tap.ok(False, f"planted: {what}", why)
            continue
        status, output, _ = isola_run(*SVM, "--mem", "256", "--smp", "2", "--hv", "dom0_mem=64M",
                                      "--hypervisor", hypervisor, SELFTEST, MODEL_CLAIMS,
                                      timeout=120)
        tap.ok(status != POWERED_OFF or "\nnot ok" in output, f"noticed: {what}", output[-800:])


def bugs():
    for (what, *_), hypervisor, why in planted(PLANTED):
        if not hypervisor:
            tap.ok(False, f"planted: {what}", why)
            continue
        status, output, _ = run_claims("--hypervisor", hypervisor)
        tap.ok(status != POWERED_OFF or not claims_hold(output, "web"), f"noticed: {what}",
               output[-800:])


claims_and_attacks()
another_processor()
beside_dom0()
device_models()
models_from_outside()
orphan_from_outside()
caches()
refusals()
from_outside()
linux(2)
if LONG:
    linux(1)
    linux(4)
    linux(2, "linux-newest")
    linux_at_work()
    bugs()
    control_bugs()
    model_bugs()
    by_qemu()
tap.done()
