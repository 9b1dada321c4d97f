#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""EFI's runtime services, under OVMF: what they answer, that no root shows them and a guest's
memory at once, what becomes of a fault in the firmware, the reset by it; and Linux's efivarfs."""
import os
import re
import sys
import tempfile
import time
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "devices")]
from isolatest import (HYPERVISOR, LONG, POWERED_OFF, SELFTEST, boot, guest_points, isola_run,
                       read, tap)
from initrd import debian_linux, write_initrd
from livemachine import LiveMachine
from ownership import PAGE, PTE_ADDR, translate
from planting import planted
from ramdisk import directory_of

UEFI = ["--firmware", "uefi", "--mem", "256"]
SIGN = 0x4f0
GET_NEXT_HIGH_MONOTONIC_COUNT, RESET_SYSTEM = 9, 10     # in the table of runtime services
JUMP_TO_0 = bytes.fromhex("31c0ffe0")   # xor %eax, %eax; jmp *%rax
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /sys
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox insmod /efivarfs.ko
/bin/busybox mount -t efivarfs efivarfs /sys/firmware/efi/efivars
cd /sys/firmware/efi/efivars
echo "efivars: $(/bin/busybox ls | /bin/busybox grep -c Boot)"
# of those that the kernel lets one delete without chattr
NAME=Isola-cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0
/bin/busybox printf '\\007\\000\\000\\000kept by the firmware' > $NAME
echo "read: $(/bin/busybox tail -c +5 $NAME)"
/bin/busybox rm -f $NAME && [ ! -e $NAME ] && echo "deleted"
/bin/busybox reboot -f
"""
PLANTED = (
    ("the FPU is left to the firmware", "efi/fpu", "arch/x86/control/firmware_root.c",
     "\tBUG_ON(fpu_restore(this_vcpu_fpu));\n", ""),
    ("dom0 may write the firmware's code", "efi/read_only", "arch/x86/control/firmware_root.c",
     "e->nr_pages - 1), IOMEM_READ);", "e->nr_pages - 1), IOMEM_FULL);"),
    ("one page is copied, and no more", "efi/variables", "arch/x86/control/efi_runtime.c",
     "\t\tbytes -= n;\n", "\t\tbytes = 0;\n"),
    ("what is too large for its buffer is copied all the same", "efi/variables",
     "arch/x86/control/efi_runtime.c", "if (!(op->status & EFI_ERROR_BIT))\n\t\trc = copy_buffer("
     "true, (u64)op->u.get_variable", "if (1)\n\t\trc = copy_buffer(true, (u64)op->u.get_variable"),
)
NULL_IS_NO_FAULT = ("a jump to address 0 is no fault", "arch/x86/control/firmware_root.c",
                    "\tif (!fault.is_new)\n\t\treturn status;", "\tif (!fault.is_new || !fault.rip)"
                    "\n\t\treturn status;")


def claims():
    status, text, _ = isola_run(*UEFI, "--smp", "2", SELFTEST,
                                "claims=efi/*,wallclock/rtc exit=reboot")
    guest_points(tap, "2 CPUs", text, status)
    tap.ok(re.findall(r"^\(isola\) reset by (.*)$", text, re.M) == ["EFI"],
           "the machine is reset by EFI", text[-1000:])


def give(live, value):
    with open(live.ram_file, "r+b") as ram:
        ram.seek(SIGN)
        ram.write(bytes([value]))


def spoil(live, snapshot, owners):
    """A service is where nothing is. (Its code would not do: QEMU does not look again.)"""
    service = live.image.symbol("runtime") + 8 + 8 * GET_NEXT_HIGH_MONOTONIC_COUNT
    with open(live.ram_file, "r+b") as ram:
        ram.seek(translate(snapshot.ram, owners.reference, service))
        ram.write((0x1000).to_bytes(8, "little"))


def spoil_with_code(live, snapshot, owners):
    """A service becomes one that jumps to address 0: in place of the reset, which has never run, so
    that QEMU has not seen its code. True if all of it was found."""
    ram, table = snapshot.ram, live.image.symbol("runtime") + 8
    at = translate(ram, owners.reference, table)
    code = ram.u64(at + 8 * RESET_SYSTEM)
    stands = owners.firmware_root and translate(ram, owners.firmware_root, code)
    if not stands:
        return False
    with open(live.ram_file, "r+b") as file:
        file.seek(stands)
        file.write(JUMP_TO_0)
        file.seek(at + 8 * GET_NEXT_HIGH_MONOTONIC_COUNT)
        file.write(code.to_bytes(8, "little"))
    return True


def jumps_to_0(hypervisor=HYPERVISOR):
    """(is it a fault, what the machine said)"""
    with LiveMachine(SELFTEST, "claims=efi/fault sign", firmware="uefi", mem_mib=256,
                     hv="dom0_mem=64M", hypervisor=hypervisor) as live:
        live.wait_for(rb"# the firmware is to be spoilt")
        with live.stopped() as snapshot:
            spoilt = spoil_with_code(live, snapshot, live.audit(snapshot).owners)
        give(live, 2)
        live.wait_for(rb"# selftest ends.*\n")
        text = live.text()
    return spoilt and "# selftest ends: all claims hold" in text and re.search(
        r"^\(isola\) EFI: exception 14 in the firmware at 0000000000000000, .* any more$", text,
        re.M), text


def leak_is_found(live, root):
    """A frame of dom0's where the firmware's root shows its buffer."""
    copy = live.snapshot(private=True)
    audit = live.audit(copy)
    buffer = audit.owners.variable("efi_buffer")
    mfn = root
    for level in (4, 3, 2):
        entry = copy.ram.u64(mfn * PAGE + (buffer * PAGE >> 12 + 9 * (level - 1) & 511) * 8)
        mfn = (entry & PTE_ADDR) >> 12
    stolen = next(m for m in range(256, len(audit.owners.codes))
                  if audit.owners.owner_of(m) == ("domain", 0))
    copy.ram.write_u64(mfn * PAGE + (buffer & 511) * 8, stolen << 12 | 1 << 63 | 0x63)
    return [f for f in live.audit(copy).findings if "foreign frame" in f]


def watched():
    findings, inside, leak = [], 0, []
    with LiveMachine(SELFTEST, "claims=efi/busy,efi/fault sign", firmware="uefi", smp=2,
                     mem_mib=256, hv="dom0_mem=64M") as live:
        begun = live.wait_for(rb"# the firmware is busy")
        for _ in range(12 * (10 if LONG else 1)):
            time.sleep(0.05)
            with live.stopped() as snapshot:
                audit = live.audit(snapshot)
                root = audit.owners.firmware_root
                inside += any(cpu.root == root for cpu in snapshot.cpus)
                findings += audit.findings
                if not leak and root:
                    leak = leak_is_found(live, root)
        give(live, 1)
        live.wait_for(rb"# the firmware is to be spoilt")
        with live.stopped() as snapshot:
            spoil(live, snapshot, live.audit(snapshot).owners)
        give(live, 2)
        live.wait_for(rb"# selftest ends.*\n")
        time.sleep(0.5)
        text = live.text()
    tap.ok(begun and not findings, "no root shows what it must not, the firmware's least of all",
           "\n".join(findings[:10]) + text[-2000:])
    tap.ok(inside, f"the firmware was met at work ({inside} times)")
    tap.ok(leak, "planted: a guest's frame on the firmware's root is found", text[-500:])
    tap.ok("# selftest ends: all claims hold" in text and len(re.findall(
        r"^\(isola\) EFI: exception 14 in the firmware at 0000000000001000, .* any more$", text,
        re.M)) == 1, "a fault in the firmware: an error, one line, and no more calls",
           text[-3000:])


def not_called():
    result = boot("reboot=acpi efi=no-rs,attr=uc,what", [(read(SELFTEST), "claims=efi/not_called "
                                                          "exit=reboot")], firmware="uefi")
    text = result.text()
    tap.ok(result.status == POWERED_OFF and "reset by EFI" not in text and
           "reset by keyboard controller" in text and
           re.search(r"ok \d+ - efi/not_called: [^#]*$", text, re.M) and
           "efi=: \"what\" is not known" in text,
           "efi=no-rs: nothing is called, and the machine is reset by another way", result)


def linux():
    kernel, why = debian_linux()
    release = kernel and os.path.basename(kernel).partition("-")[2]
    module = release and os.path.join(directory_of(release), "kernel/fs/efivarfs/efivarfs.ko")
    if not module or not os.path.exists(module):
        tap.skip("Linux's efivarfs", why or f"no {module}")
        return
    with tempfile.TemporaryDirectory(prefix="isola-efi-") as directory:
        initrd = os.path.join(directory, "initrd")
        write_initrd(initrd, INIT.encode(), [("efivarfs.ko", 0o100644, read(module))])
        status, text, errors = isola_run("--firmware", "uefi", "--mem", "512", "--smp", "2", "--hv",
                                         "dom0_mem=256M", kernel, "console=hvc0 quiet", initrd)
    tap.ok(status == POWERED_OFF and re.search(r"^efivars: [1-9]", text, re.M) and
           re.search(r"^read: kept by the firmware$", text, re.M) and
           re.search(r"^deleted$", text, re.M) and "reset by EFI" in text,
           "Linux lists, writes, reads and deletes variables, and resets the machine",
           f"{status}\n{text[-3000:]}{errors}")


def with_bugs():
    for (what, *_), hypervisor, why in planted([(w, *rest) for w, _, *rest in PLANTED]):
        claim = next(c for w, c, *_ in PLANTED if w == what)
        status, text, _ = isola_run("--hypervisor", hypervisor, *UEFI, SELFTEST,
                                    f"claims={claim}") if hypervisor else (0, why, "")
        tap.ok(hypervisor and ("\nnot ok" in text or status), f"noticed: {what}", text[-1500:])
    for (what, *_), hypervisor, why in planted([NULL_IS_NO_FAULT]):
        tap.ok(hypervisor and not jumps_to_0(hypervisor)[0], f"noticed: {what}", why)


claims()
watched()
good, said = jumps_to_0()
tap.ok(good, "code of the firmware that jumps to address 0: a fault like any other", said[-3000:])
not_called()
if LONG:
    linux()
    with_bugs()
tap.done()
