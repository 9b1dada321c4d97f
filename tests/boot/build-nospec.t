#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every subscript that a guest's number can reach is clamped, or tools/nospec says why it need not
be (tools/check-nospec). The check itself finds each clamp that is taken away, and each that is
forgotten."""
import os
import shutil
import subprocess
import sys
import tempfile
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import TOP, read, tap  # noqa: E402

EVTCHN, PLATFORM = "common/evtchn.c", "arch/x86/control/platform_op.c"
PORT, VCPU = "common/evtchn_port.h", "include/isola/vcpu.h"
VCPU_OP, LIST = "arch/x86/calls/vcpu_op.c", "tools/nospec"
OP = "static long op_up(struct vcpu *v, u64 arg __maybe_unused)\n{\n"
PLANTED = (
    # what, file, text, what it becomes, what must be said
    ("a vCPU by its number", VCPU, "d->vcpu[index_nospec(id, d->nr_vcpus)]", "d->vcpu[id]",
     "vcpu_by_id(): d->vcpu[id]"),
    ("a port", PORT, "\tport = index_nospec(port, nr);\n", "",
     "port_at(): d->evtchn_bucket[port / EVTCHNS_PER_BUCKET]"),
    ("a VIRQ", EVTCHN, "\top->virq = index_nospec(op->virq, ARRAY_SIZE(v->virq_port));\n", "",
     "evtchn_bind_virq(): v->virq_port[op->virq]"),
    ("a CPU", PLATFORM, "\tcpu = index_nospec(cpu, nr_cpus);\n", "",
     "get_cpuinfo(): cpu_public[cpu]"),
    ("a new one", VCPU_OP, OP, OP + "\tv = v->domain->vcpu[arg];\n",
     "op_up(): v->domain->vcpu[arg]"),
    ("a new one, with arithmetic", VCPU_OP, OP, OP + "\tv = v->domain->vcpu[(u32)arg / 8 + 1];\n",
     "op_up(): v->domain->vcpu[(u32)arg / 8 + 1]"),
    ("a loop that does not count", VCPU_OP, OP,
     OP + "\tfor (u64 n = arg; n; n = 0)\n\t\tv = v->domain->vcpu[n];\n",
     "op_up(): v->domain->vcpu[n]"),
    ("a line that nothing needs", LIST, "# FILE", "common/sched.c wake id: nobody\n# FILE",
     "nothing needs this line"),
    ("a line without a reason", LIST, "# FILE", "common/sched.c wake id\n# FILE",
     "no reason is given"),
)


def check(tree):
    done = subprocess.run([os.path.join(tree, "tools/check-nospec")], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


status, text = check(TOP)
tap.ok(status == 0 and not text, "every subscript is explained", text)
with tempfile.TemporaryDirectory(prefix="isola-nospec-") as work:
    for name in ("arch", "common", "include", "tools"):
        shutil.copytree(os.path.join(TOP, name), os.path.join(work, name), symlinks=True)
    for what, path, old, new, said in PLANTED:
        full = os.path.join(work, path)
        before = read(full).decode()
        with open(full, "w", encoding="utf-8") as file:
            file.write(before.replace(old, new, 1))
        status, text = check(work)
        tap.ok(before.count(old) and status == 1 and said in text, f"planted and found: {what}",
               text)
        with open(full, "w", encoding="utf-8") as file:
            file.write(before)
tap.done()
