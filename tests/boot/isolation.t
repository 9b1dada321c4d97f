#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Isolation, seen from outside. Machines that run Linux and the selftest guest are stopped at
random instants, and the page tables behind every CPU's CR3 are walked (tools/isola-audit): nothing
foreign may be mapped, ever. Where domains lend each other frames every count is recomputed. In one
machine a selftest guest has the log of two others, which run on shadows: their roots name no tables
but those, and show nothing writable that is clean in the log.

That the auditor would see it: with asi=off it must find all of RAM, and each of the planted leaks
of tests/lib/leaks.py, made in a private copy of a stopped machine's memory, must be found as what
it is; so must wrong counts (tests/lib/miscounts.py). An audit that builds on the one before it must
say the same as one that does not.
ISOLATION_SEED sets the random instants, ISOLATION_STOPS multiplies their number (make test-all: by
ten; 100 for 14,000 stops; each machine is stopped at least once), ISOLATION_INTERVAL is the longest
time between two, in seconds.
"""
import os
import random
import re
import subprocess
import sys
import tempfile
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import HYPERVISOR, ISOLA_RUN, LONG, SELFTEST, TOP, tap
from audit import MOST_OWNERS, size
from initrd import debian_linux, write_initrd
from leaks import LEAKS, SHADOW_LEAKS, Plant
import miscounts
from livemachine import LiveMachine
from ownership import OwnershipError, translate
from snapshot import SnapshotError, file_backed, tmpfs

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "init: up"
while :; do
	/bin/busybox true & /bin/busybox dd if=/dev/zero of=/file bs=64k count=16 2>/dev/null
	/bin/busybox cat /proc/meminfo | /bin/busybox sort >/dev/null
	i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done
	/bin/busybox usleep 20000
done
"""
SEED = int(os.environ.get("ISOLATION_SEED") or random.SystemRandom().randrange(1 << 32))
TIMES = float(os.environ.get("ISOLATION_STOPS") or (10 if LONG else 1))
if not 0 < TIMES < 1e6:
    sys.exit(f"ISOLATION_STOPS={TIMES:g}: no stops, nothing is shown")
INTERVAL = float(os.environ.get("ISOLATION_INTERVAL") or 0.25)
chance = random.Random(SEED)
#       guest       CPUs  MiB  hypervisor options     CPU model     stops
RUNS = (("linux",    1,  256, "dom0_mem=128M",        None,            28),
        ("linux",    2,  256, "dom0_mem=128M",        "Haswell-noTSX", 28),
        ("selftest", 1,  256, "",                     None,            12),
        ("selftest", 2,  256, "dom0_mem=64M",         None,            12),
        ("selftest", 4,  256, "dom0_mem=64M",         "Haswell-noTSX", 10),
        ("selftest", 4, 1024, "dom0_mem=256M",        None,            10),
        ("tenants",  2,  256, "dom0_mem=64M",         None,            14),
        ("logged",   2,  256, "dom0_mem=64M",         None,            24)) + \
       ((("linux",   4,  256, "dom0_mem=128M",        None,            14),
         ("linux",   4, 1024, "dom0_mem=256M",        None,            16)) if LONG else ())
# beside dom0, in the last but one
TENANTS = [(SELFTEST, f"domain={name} mem=48M vcpus={vcpus} -- exit=never")
           for name, vcpus in (("web", 1), ("db", 2))]
# One that ends and is built anew, again and again, as long as it may.
TENANTS.append((SELFTEST, "domain=cat mem=24M onend=restart -- claims=start/*,tables/* exit=crash"))

# Beside a dom0 that has their log, in the last. They run on shadows then.
LOGGER = "claims=logged/others other hold=9"
LOGGED = [(SELFTEST, f"domain={name} mem=48M vcpus={vcpus} -- "
           "claims=tables/*,flush/*,transitions/*,user/* exit=never")
          for name, vcpus in (("web", 1), ("db", 2))]
BESIDE = {"tenants": TENANTS, "logged": LOGGED}
WORDS = {"linux": "console=hvc0", "logged": LOGGER}


def stops(live, wanted):
    """Yield a Snapshot at each of @wanted random instants, as long as the machine lives: a third
    while Linux boots."""
    for number in range(wanted):
        if number == wanted // 3 and b"Linux version" in live.output:
            live.wait_for(rb"init: up")
        time.sleep(chance.uniform(0, INTERVAL))
        try:
            with live.stopped() as snapshot:
                yield snapshot
        except SnapshotError:
            return


def account(audit):
    """What is wrong with the audit itself: a kernel root that does not show its domain's memory
    means a blind walk."""
    for reach in audit.reaches:
        if reach.kind != "kernel":
            continue
        domain = reach.viewer.vcpu.domain
        # Frames that are just being assigned are counted, and shown, before they have the domain's
        # name; one that is being given up leaves the window before it is not counted any more; and
        # those that others are to replace are counted.
        shown = reach.bytes["own domain"]
        if domain.assigning:
            shown += reach.bytes["unclassified"] + 4096
        if shown < (domain.nr_pages - audit.owners.leaving(domain)) * 4096:
            yield f"{reach.viewer.where} shows less than its domain's memory: {reach.line()}"


def audited_run(name, cpus, mem, hv, model, wanted, kernel, initrd):
    """Boot as often as it takes to stop @wanted times; one point for what was found, one for what
    was seen."""
    done, boots, findings, blind, kinds, most, begun = 0, 0, [], [], set(), 0, time.monotonic()
    logged = 0
    while done < wanted and boots < 3 * TIMES + 3:
        boots += 1
        audit = None
        before = done
        with LiveMachine(kernel, WORDS.get(name, ""), initrd, domains=BESIDE.get(name, ()), hv=hv,
                         smp=cpus, mem_mib=mem, cpu=model) as live:
            if not live.wait_for(rb"Linux version|TAP version"):
                findings.append("the guest did not start:\n" + live.text()[-800:])
                break
            for snapshot in stops(live, wanted - done):
                try:
                    audit = live.audit(snapshot, audit)
                except OwnershipError as error:
                    findings.append(f"stop {done + 1}: {error}")
                    continue
                done += 1
                findings += [f"stop {done}: {finding}" for finding in audit.findings]
                blind += account(audit)
                kinds.update(reach.kind for reach in audit.reaches)
                most = max([most] + [reach.beyond for reach in audit.reaches])
                logged += audit.logged
        if done == before:
            break
    where = f"{name}, {cpus} CPU{'s' * (cpus > 1)}, {mem} MiB{', ' + model if model else ''}"
    tap.ok(not findings and done >= wanted, f"{where}: nothing foreign at any of {done} stops",
           "\n".join(findings[:12] + [f"{len(findings)} findings; {done} of {wanted} stops"]))
    tap.ok(not blind and "kernel" in kinds, f"{where}: kernel roots show their domain's memory",
           "\n".join(blind[:3]))
    if name == "logged":
        tap.ok(logged, f"{where}: {logged} translations of shadows were seen")
    tap.note(f"{where}: {boots} boots; roots seen: {', '.join(sorted(kinds))}; "
             f"at most {size(most)} beyond the domain's own; {time.monotonic() - begun:.0f} s")


def run_all(linux, initrd):
    for name, cpus, mem, hv, model, wanted in RUNS:
        if name == "linux" and not linux[0]:
            tap.skip(f"Linux on {cpus} CPUs", linux[1])
            continue
        audited_run(name, cpus, mem, hv, model, max(1, int(wanted * TIMES)),
                    linux[0] if name == "linux" else SELFTEST,
                    initrd if name == "linux" else None)


def positive_control():
    """asi=off maps everything: the auditor must say so."""
    with LiveMachine(SELFTEST, hv="asi=off dom0_mem=64M", mem_mib=256) as live:
        if not live.wait_for(rb"TAP version"):
            tap.ok(False, "asi=off: the guest starts", live.text()[-800:])
            return
        with live.stopped() as snapshot:
            audit = live.audit(snapshot)
    text = "\n".join(audit.findings)
    for what in ("free", "own CPU", "own vCPU", "image", "frame table"):
        tap.ok(re.search(rf"slot 262: foreign frame \({what}\)", text),
               f"asi=off: found in the window: {what}", text)
    tap.ok("beyond the domain's own" in text,
           "asi=off: more is mapped than the domain's memory and 16 MiB", text)


def as_people_run_it():
    """tools/isola-audit beside a machine of isola-run's, as its help has it."""
    for hv, status, expected in (("asi=on", 0, r"^2 stops, 0 findings$"),
                                 ("asi=off", 1, r"^stop 1: FOUND .*slot 262: foreign frame")):
        with tempfile.TemporaryDirectory(prefix="isola-audit-", dir=tmpfs()) as directory:
            ram, qmp = os.path.join(directory, "ram"), os.path.join(directory, "qmp")
            backed = file_backed(ram, 128)
            with subprocess.Popen(
                    [ISOLA_RUN, "--mem", "128", "--machine", backed["machine"], "--hv",
                     hv + " dom0_mem=32M", *("--qemu-arg=" + word for word in backed["extra"]),
                     "--qmp", qmp, SELFTEST, "exit=never"], stdout=subprocess.PIPE,
                    text=True) as run:
                any("TAP version" in line for line in run.stdout)
                done = subprocess.run(
                    [os.path.join(TOP, "tools/isola-audit"), "--elf", HYPERVISOR, "--qmp", qmp,
                     "--ram", ram, "--stops", "2", "--counts"], stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True)
                run.terminate()
        tap.ok(done.returncode == status and re.search(expected, done.stdout, re.M),
               f"isola-audit, {hv}: exit status {status}",
               f"{done.returncode} {done.stdout[-1500:]}")


def many_owners():
    """An audit that builds on one of which more owners are known than it can tell apart: domains
    that came and went."""
    with LiveMachine(SELFTEST, hv="dom0_mem=64M", mem_mib=256) as live:
        if not live.wait_for(rb"TAP version"):
            tap.ok(False, "the guest starts", live.text()[-800:])
            return
        with live.stopped() as snapshot:
            alone, before = live.audit(snapshot), live.audit(snapshot)
            before.owners.owner += [("domain", 1000 + i) for i in range(MOST_OWNERS)]
            after = live.audit(snapshot, before)
    tap.ok([reach.line() for reach in after.reaches] == [reach.line() for reach in alone.reaches],
           "an audit after one of too many owners sees the same",
           "\n".join(reach.line() for reach in after.reaches))


def find_guest_cpu(live, wanted):
    """Stop when there is a CPU whose Reach, and the Plant that would plant there, are @wanted; its
    number. The machine stays stopped."""
    for _ in range(200):
        time.sleep(chance.uniform(0, 0.05))
        live.qmp.stop()
        snapshot = live.snapshot()
        audit = live.audit(snapshot)
        for reach in audit.reaches:
            # A CPU that idles runs nobody, to whom something could be done.
            if reach.viewer.vcpu and wanted(
                    reach, Plant(snapshot, audit.owners, live.image, reach.cpu.index)):
                return reach.cpu.index, audit
        live.qmp.go_on()
    return None, None


def each_is_found(live, cpu, clean, leaks):
    """The machine stands, and @clean is its audit."""
    tap.ok(not clean.findings, "planted leaks: none is found before", "\n".join(clean.findings))
    for name, expected, plant in leaks:
        snapshot = live.snapshot(private=True)
        plant(Plant(snapshot, clean.owners, live.image, cpu))
        try:
            findings, quick = live.audit(snapshot).findings, live.audit(snapshot, clean).findings
        except OwnershipError as error:
            findings = quick = [f"(the records cannot be read: {error})"]
        if findings != quick:
            tap.ok(False, f"planted: {name}: found also where the audit builds on the clean one",
                   "\n".join(findings[:4] + ["---"] + quick[:4]))
        tap.ok(any(re.search(expected, finding) for finding in findings), f"planted: {name}",
               f"expected /{expected}/\n" + "\n".join(findings[:8]))


def planted_leaks(kernel, initrd):
    with LiveMachine(kernel, "console=hvc0", initrd, hv="dom0_mem=128M", smp=2,
                     mem_mib=256) as live:
        if not live.wait_for(rb"init: up"):
            tap.ok(False, "planted leaks: Linux starts", live.text()[-800:])
            return
        cpu, clean = find_guest_cpu(live, lambda reach, _: reach.kind == "kernel" and
                                    reach.cpu.cpl == 3)
        if cpu is None:
            tap.ok(False, "planted leaks: a CPU in guest kernel mode")
            return
        each_is_found(live, cpu, clean, LEAKS)


def shadowed(viewer):
    return [vcpu for vcpu in viewer.vcpu.domain.vcpus if vcpu.shadowed]


def planted_leaks_of_shadows():
    with LiveMachine(SELFTEST, LOGGER, domains=LOGGED, hv="dom0_mem=64M", smp=2,
                     mem_mib=256) as live:
        live.wait_for(rb"TAP version")
        cpu, clean = find_guest_cpu(live, lambda reach, plant: reach.kind == "kernel" and
                                    len(shadowed(reach.viewer)) > 1 and
                                    plant.has_tree_leaf(plant.own_writable))
        if cpu is None:
            tap.ok(False, "planted leaks: a CPU with a logged vCPU", live.text()[-800:])
            return
        each_is_found(live, cpu, clean, SHADOW_LEAKS)


GNTMAP_host_map = 2
HELD = {(0, 3, "page-table entry"), (0, 3, "grant handle"), (2, 1, "grant handle")}
LENT = {(0, 3, "grant handle"), (0, 3, "control domain"), (2, 1, "declared share")}


def spoil_record(live, audit, key, name, text):
    """A private snapshot in which records of frames that @key says are mapped read as @text, or
    None: they are as they are."""
    snapshot, image = live.snapshot(private=True), live.image
    owners, mapper = audit.owners, audit.owners.domains[key[0]]
    table = mapper.grants

    def at(va):
        return translate(snapshot.ram, owners.reference, va)

    handles = owners.field(table, "grant_table.handles")
    for i in range(owners.field(table, "grant_table.nr_handles", 4)):
        handle = handles + i * image["sizeof grant_handle"]
        if owners.field(handle, "grant_handle.mfn") in audit.lent[key]:
            snapshot.ram.write(at(handle + image["grant_handle." + name]), text)
    pins = owners.number(owners.domains[key[1]].grants + image["grant_table.pins"])
    for i in range(image["GNTTAB_REFS_PER_FRAME"]):
        pin = pins + i * image["sizeof grant_pins"]
        if owners.field(pin, "grant_pins.mfn", 4) in audit.lent[key]:
            snapshot.ram.write(at(pin + image["grant_pins.writers"]), bytes(4))
            if name == "mfn":
                snapshot.ram.write(at(pin + image["grant_pins.readers"]), bytes(4))
    return snapshot


def planted_records(live, audit):
    """What is mapped without its record, or with more access, is found."""
    share, read_only = (2, 1, "declared share"), GNTMAP_host_map | live.image["GNTMAP_readonly"]
    for what, name, text in (("no handle and no pin", "mfn", bytes(8)),
                             ("a handle and a pin that are read-only", "flags",
                              read_only.to_bytes(2, "little"))):
        again = live.audit(spoil_record(live, audit, share, name, text))
        tap.ok(any("foreign frame (other domain)" in finding for finding in again.findings),
               f"planted: a share is mapped writable with {what}", "\n".join(again.findings[:4]))


def planted_counts(live, audit, counts):
    for what, where, plant in miscounts.MISCOUNTS:
        snapshot = live.snapshot(private=True)
        if not plant(miscounts.Plant(snapshot.ram, audit.owners, counts)):
            tap.ok(False, f"planted: {what}: there is nothing to plant it in")
            continue
        again = live.recount(snapshot, audit, private=True)
        tap.ok(len(again.findings) == 1 and where in again.findings[0], f"planted: {what}",
               "\n".join(again.findings[:4]))


def lent_frames():
    """Each way to a frame of another's is counted as what it is, --strict finds the control
    domain's, and nothing else is found."""
    words = "claims=held/* hold=9 exit=never"
    seen, findings, strict, planted = set(), [], [], False
    recounted, held, miscounted = 0, set(), []
    with LiveMachine(SELFTEST, words, domains=[
            (SELFTEST, f"domain=web mem=32M share=ring:rw:db -- {words}"),
            (SELFTEST, f"domain=db mem=32M share=ring:rw:web -- {words}")],
            hv="dom0_mem=64M", smp=2, mem_mib=256) as live:
        if not live.wait_for(rb"(?s)1\.\.2.*1\.\.2.*1\.\.2"):
            tap.ok(False, "lent frames: three domains start", live.text()[-800:])
            return
        audit, end = None, time.monotonic() + 8
        while time.monotonic() < end and not (LENT <= seen and planted and HELD <= held):
            time.sleep(chance.uniform(0, 0.1))
            with live.stopped(chance.choice((1, 200))) as snapshot:
                audit = live.audit(snapshot, audit)
                seen |= set(audit.lent)
                findings += audit.findings
                strict += live.audit(snapshot, strict=True).findings
                if not planted and (2, 1, "declared share") in audit.lent:
                    planted = True
                    planted_records(live, audit)
                counts = live.recount(snapshot, audit)
                miscounted += counts.findings
                if HELD <= set(counts.lent) and not HELD <= held:
                    planted_counts(live, audit, counts)
                    held = set(counts.lent)
                recounted += not counts.why
    tap.ok(seen == LENT and not findings,
           "frames of other domains are counted by mapper, owner and what allows it",
           f"{sorted(seen)}\n" + "\n".join(findings[:8]))
    tap.ok(HELD <= held and not miscounted, "every count of every domain's frames is what page "
           f"tables, handles and vCPUs come to, at {recounted} stops",
           f"{sorted(held)}\n" + "\n".join(miscounted[:8]))
    tap.ok(strict and all("d0v0" in finding and "foreign frame (other domain): control domain" in
                          finding for finding in strict),
           "--strict finds what the control domain maps without a grant, and nothing else",
           "\n".join(strict[:8]))


tap.note(f"ISOLATION_SEED={SEED}")
with tempfile.TemporaryDirectory(prefix="isola-initrd-") as directory:
    initrd = os.path.join(directory, "initrd")
    linux = debian_linux()
    if linux[0]:
        write_initrd(initrd, INIT.encode())
    positive_control()
    as_people_run_it()
    many_owners()
    lent_frames()
    planted_leaks_of_shadows()
    if linux[0]:
        planted_leaks(linux[0], initrd)
    else:
        tap.skip("planted leaks", linux[1])
    run_all(linux, initrd)
tap.done()
