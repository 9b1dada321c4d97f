#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The same image on Debian's Xen 4.17: a claim about the PV ABI that fails here is a wrong claim.
Claims that only Isola satisfies skip themselves here and say why."""
import os
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import TOP, WITH_MESSAGES, selftest, tap

fetched = subprocess.run([os.path.join(TOP, "tools/fetch-guests"), "xen"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
if fetched.returncode:
    tap.skip("xen: the selftest guest", fetched.stderr.decode().strip().replace("\n", "; "))
else:
    selftest(tap, "xen qemu64", WITH_MESSAGES, program=os.path.join(TOP, "tools/oracle-run"))
    selftest(tap, "xen Haswell-noTSX", ["--cpu", "Haswell-noTSX"],
             program=os.path.join(TOP, "tools/oracle-run"))
    selftest(tap, "xen q35", ["--machine", "q35", *WITH_MESSAGES], "claims=mmcfg/*",
             program=os.path.join(TOP, "tools/oracle-run"))
    selftest(tap, "xen on UEFI", ["--firmware", "uefi"], "claims=control/*,efi/*",
             program=os.path.join(TOP, "tools/oracle-run"))
tap.done()
