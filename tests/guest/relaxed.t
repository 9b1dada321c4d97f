#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dom0=msr-relaxed, on Isola and on Debian's Xen: the selftest guest, which is told of it, reads
MSRs that it does not know. Xen's other words for dom0= are told one by one, and change nothing."""
import os
import re
import subprocess
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import POWERED_OFF, SELFTEST, TOP, isola_run, selftest, tap

CLAIMS = "claims=msr/* msr-relaxed"

selftest(tap, "msr-relaxed", ["--hv", "dom0=msr-relaxed"], CLAIMS)
if subprocess.run([os.path.join(TOP, "tools/fetch-guests"), "xen"], stdout=subprocess.PIPE,
                  stderr=subprocess.PIPE).returncode:
    tap.skip("xen: msr-relaxed", "no Xen here")
else:
    selftest(tap, "xen: msr-relaxed", ["--hv", "dom0=msr-relaxed"], CLAIMS,
             program=os.path.join(TOP, "tools/oracle-run"))

status, output, errors = isola_run("--hv",
                                   "dom0=pv,pvh,shadow,verbose=0,no-cpuid-faulting,pf-fixup,"
                                   "nonsense,msr-relaxed=maybe",
                                   SELFTEST, "claims=msr/*")
told = re.findall(r'^\(isola\) dom0=: ignoring "([^"]*)"(: .*)?$', output, re.M)
tap.ok(status == POWERED_OFF and [word for word, _ in told] ==
       ["pvh", "shadow", "verbose=0", "no-cpuid-faulting", "pf-fixup", "nonsense",
        "msr-relaxed=maybe"] and
       all(why for _, why in told[:5]),
       "each word that means nothing here is told, Xen's with the reason", output + errors)
status, output, errors = isola_run("--hv", "dom0=msr-relaxed guest_loglvl=warning", SELFTEST,
                                   CLAIMS)
tap.ok(re.search(r"^\(isola\) .*MSR 0x1d9 is not known: it reads as 0", output, re.M),
       "each such read has a line", output + errors)
tap.done()
