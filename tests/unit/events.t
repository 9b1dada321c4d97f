#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events, scheduler and timers, hosted, two CPUs as threads (tests/unit/events): no event lost,
none twice, nobody sleeps through one; no vcpu runs on two CPUs, or with a state that is not its
last. Then the same with planted bugs, each of which must be noticed: every fifth one in make test,
all in make test-all."""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PRODUCT = ["common/evtchn.c", "common/evtchn_2l.c", "common/sched.c", "common/runqueue.c",
           "common/vcpu_timer.c", "common/timer.c",
           "common/base/softirq.c", "common/base/spinlock.c", "arch/x86/calls/sched_op.c",
           "common/lib/bitmap.c",
           "common/watchdog.c", "common/evtchn_raise.c", "common/evtchn_port.c",
           "common/evtchn_send.c", "common/evtchn_close.c", "common/virq_handler.c"]
HARNESS = ["tests/unit/events/machine.c", "tests/unit/events/tokens.c"]
FLAGS = shlex.split("-std=gnu11 -g -O1 -DHOSTED -Itests/unit/events/include -Iinclude "
                    "-Iarch/x86/include -Itests/unit/events "
                    "-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ "
                    "-include isola/errno.h -Wall -Wextra -Wno-unused-parameter "
                    "-fno-strict-aliasing -pthread "
                    "-Wl,--wrap=timer_set_slice,--wrap=vcpu_sleep "
                    "-Wl,--wrap=evtchn_2l_fold,--wrap=evtchn_2l_unpost")
ALL = os.environ.get("TEST_ALL") == "1"
TRIES = 5                       # of a planted bug, in each place
HOPS = 200000 if ALL else 20000

EVTCHN, E2L, SCHED, QUEUE, _, TIMER, _, _, OP, _, WATCHDOG, _, _, SEND, _, _ = PRODUCT
PORT = "common/evtchn_port.h"
RELEASE = ["\tpublish(e, (struct evtchn){ .state = EVTCHN_FREE, "
           ".notify_vcpu = e->notify_vcpu });\n",
           "\tevtchn_wait_for_senders();\n",
           "\tevtchn_2l_unpost(v, port);\n", "\tevtchn_wait_for_senders();\n",
           "\tevtchn_2l_clear(v, port);\n"]
MUTANTS = [
    # file, text, what it becomes
    (OP, "vcpu_sleep(VCPU_BLOCKED);\n\tif (evtchn_upcall_due() || "
         "READ_ONCE(current->nmi_pending))\n\t\tvcpu_unblock(current);",
         "vcpu_sleep(VCPU_BLOCKED);"),
    (OP, "if (poll_look(ports, op.nr_ports) || READ_ONCE(v->nmi_pending))\n\t\tvcpu_unblock(v);\n"
         "\telse if", "if"),
    (OP, "if (poll_look(ports, op.nr_ports) || READ_ONCE(v->nmi_pending))",
     "if (poll_look(ports, op.nr_ports))"),
    (E2L, "u64 bits = __atomic_exchange_n(&v->posted[word], 0, __ATOMIC_SEQ_CST);",
     "u64 bits = v->posted[word];"),
    (E2L, "\tatomic_bitmap_set(&v->posted_any, port / 64);\n", ""),
    (E2L, "port / 64);\n\tWRITE_ONCE(v->event_check, 1);\n", "port / 64);\n"),
    (E2L, "\tvcpu_unblock(v);\n\tvcpu_kick(v);\n}", "\tvcpu_kick(v);\n}"),
    (E2L, "\tvcpu_unblock(v);\n\tvcpu_kick(v);\n\twake_pollers", "\tvcpu_kick(v);\n\twake_pollers"),
    (E2L, "\tvcpu_unblock(v);\n\tvcpu_kick(v);\n}", "\tvcpu_unblock(v);\n}"),
    (E2L, "if (!bitmap_test(s->evtchn_mask, port))", "if (bitmap_test(s->evtchn_mask, port))"),
    (E2L, "return current->domain == d && this_cpu.cr3 == current->cr3_kernel;", "return true;"),
    (SEND, "evtchn_2l_deliver(d->vcpu[now.notify_vcpu], port);",
     "evtchn_2l_deliver(d->vcpu[0], port);"),
    (PORT, RELEASE[0] + RELEASE[1] + RELEASE[2] + RELEASE[3] + RELEASE[4],
     RELEASE[0] + RELEASE[2] + RELEASE[4]),
    (PORT, RELEASE[0] + RELEASE[1] + RELEASE[2] + RELEASE[3] + RELEASE[4],
     RELEASE[1] + RELEASE[2] + RELEASE[3] + RELEASE[4] + RELEASE[0]),
    (SCHED, "if (prev->state == VCPU_RUNNABLE)", "if (0)"),
    (SCHED, "if (!is_running(v)) {", "if (true) {"),
    (SCHED, "timer_set_slice(next->is_idle ? 0 : now + TIME_SLICE);", ";"),
    (SCHED, "\task(cpu != NO_CPU ? cpu : busy_cpu_for(v, now));",
     "\t(void)now, (void)cpu, (void)ask, (void)busy_cpu_for;"),
    (SCHED, "\tnext->on_cpu = cpu;\n", ""),
    (QUEUE, "return (on_cpu == NO_CPU || on_cpu == cpu) &&", "(void)on_cpu;\n\treturn"),
    (QUEUE, "before->runq_next = v;", "q->first->runq_next = v;"),
    (TIMER, "\tif (q->first == t)\n\t\tdeadline_by(t->expires);\n", ""),
    (TIMER, "deadline_set(next);", "deadline_set(0);"),
    (WATCHDOG, "\tspin_lock(&d->watchdog_lock);\n\trc = id ? change(d, id, seconds) : take(d, "
               "seconds);\n\tspin_unlock(&d->watchdog_lock);",
     "\trc = id ? change(d, id, seconds) : take(d, seconds);"),
]
# Of VIRQs whose port moves and closes.
VIRQ_MUTANTS = [
    (EVTCHN, "\tevtchn_2l_fold(old);\n\tevtchn_wait_for_senders();\n", "\tevtchn_2l_fold(old);\n"),
    (E2L, "\tu64 *mark = send_begin();\n\n\tevtchn_2l_fold(current);\n\tsend_end(mark);",
     "\tevtchn_2l_fold(current);"),
]


def build(out, replaced=None, by=None):
    """Compile the program, one source replaced; a complaint, or None."""
    sources = [by if source == replaced else source for source in PRODUCT] + HARNESS
    if replaced == PORT:        # a header, found beside those that include it
        room = os.path.join(os.path.dirname(by), "common")
        shutil.copytree(os.path.join(TOP, "common"), room, dirs_exist_ok=True)
        shutil.copy(by, os.path.join(room, os.path.basename(PORT)))
        sources = [re.sub("^common/", room + "/", source) for source in sources]
    done = subprocess.run([os.environ.get("HOSTCC", "gcc"), *FLAGS, "-I.", "-o", out, *sources],
                          cwd=TOP, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, encoding="utf-8")
    return done.stdout if done.returncode else None


def run(program, hops, patience, where):
    """Exit status and output; @where: pinned or free; @patience: seconds without an event that mean
    one was lost. A program that does not end counts as failing."""
    try:
        done = subprocess.run([program, str(hops), str(patience), where], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, check=False,
                              encoding="utf-8")
    except subprocess.TimeoutExpired:
        return 124, "# does not end\n"
    return done.returncode, done.stdout


def main():
    number, failed = 0, 0
    with tempfile.TemporaryDirectory(prefix="isola-events-") as tmp:
        program = os.path.join(tmp, "tokens")
        complaint = build(program)
        for where, what in (("pinned", "4 vcpus, 3 on one CPU and 1 on the other"),
                            ("free", "4 vcpus that move between 2 CPUs"),
                            ("virqs", "them, with VIRQs whose port moves and closes")):
            status, text = (1, complaint) if complaint else run(program, HOPS, 10, where)
            number += 1
            failed += status != 0
            print("".join(f"# {line.lstrip('# ')}\n" for line in text.splitlines()), end="")
            print(f"{'not ok' if status else 'ok'} {number} - {HOPS} events between {what}: each "
                  "arrives, once, where it was sent",
                  flush=True)
        chosen = [(*mutant, ("free", "pinned")) for mutant in (MUTANTS if ALL else MUTANTS[::5])]
        chosen += [(*mutant, ("virqs",)) for mutant in (VIRQ_MUTANTS if ALL else VIRQ_MUTANTS[:1])]
        for path, old, new, places in chosen:
            with open(os.path.join(TOP, path), encoding="utf-8") as file:
                source = file.read()
            changed = os.path.join(tmp, "mutant.c")
            with open(changed, "w", encoding="utf-8") as file:
                file.write(source.replace(old, new, 1))
            complaint = "the text is no longer there" if old not in source else build(program, path,
                                                                                      changed)
            # A race is not met every time.
            noticed = not complaint and any(run(program, 200000, 2, where)[0]
                                            for where in places * TRIES)
            number += 1
            failed += not noticed
            what = " ".join(old.split())
            print(f"{'ok' if noticed else 'not ok'} {number} - noticed: "
                  f"`{' '.join(new.split()) or 'nothing'}` for `{what}` in {path}",
                  flush=True)
            if complaint:
                print("# " + complaint.replace("\n", "\n# "))
    print(f"1..{number}")
    return failed != 0


sys.exit(main())
