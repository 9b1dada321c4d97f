#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Events, scheduler and timers, hosted, two CPUs as threads (tests/unit/events): no event lost,
none twice, nobody sleeps through one; no vcpu runs on two CPUs, or with a state that is not its
last. Then the same with planted bugs, each of which must be noticed: some in make test, all in
make test-all."""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PRODUCT = ["common/evtchn.c", "common/evtchn_deliver.c", "common/sched.c", "common/runqueue.c",
           "common/sched_place.c", "common/sched_cap.c", "common/sched_settings.c",
           "common/sched_state.c",
           "common/vcpu_timer.c", "common/timer.c",
           "common/base/softirq.c", "common/base/spinlock.c", "arch/x86/calls/sched_op.c",
           "common/lib/bitmap.c",
           "common/watchdog.c", "common/evtchn_raise.c", "common/evtchn_port.c",
           "common/evtchn_send.c", "common/evtchn_close.c", "common/virq_handler.c",
           "common/evtchn_upcall.c", "common/evtchn_fifo.c", "common/evtchn_fifo_setup.c"]
SOURCES = PRODUCT + ["tests/unit/events/machine.c", "tests/unit/events/tokens.c"]
COMPILER = os.environ.get("HOSTCC", "gcc")
FLAGS = shlex.split("-std=gnu11 -g1 -O1 -DHOSTED -Itests/unit/events/include -Iinclude "
                    "-Iarch/x86/include -Itests/unit/events "
                    "-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ "
                    "-include isola/errno.h -Wall -Wextra -Wno-unused-parameter "
                    "-fno-strict-aliasing")
LINK_FLAGS = shlex.split("-pthread -Wl,--wrap=timer_set_slice,--wrap=vcpu_sleep "
                         "-Wl,--wrap=evtchn_fold_vcpu,--wrap=evtchn_unpost")
ALL = os.environ.get("TEST_ALL") == "1"
# With a planted bug: so many hops in each place; then so many times ten times as many.
SHORT, TRIES = 20000, 5
HOPS = 200000 if ALL else 5000

(EVTCHN, DELIVER, SCHED, QUEUE, PLACE, *_, TIMER, _, _, OP, _, WATCHDOG, _, _, SEND, _, _, _, _,
 _) = PRODUCT
PORT, TELL, WORDS = "common/evtchn_port.h", "common/vcpu_tell.h", "common/evtchn_2l.h"
RELEASE = ["\tpublish(e, (struct evtchn){ .state = EVTCHN_FREE, "
           ".notify_vcpu = e->notify_vcpu });\n",
           "\tevtchn_wait_for_senders();\n",
           "\t/* If none is, one that was is in the hands of who has taken it. */\n"
           "\tif (likely(v) && unlikely(READ_ONCE(v->posted_any)))\n\t\tevtchn_unpost(v, port);\n",
           "\tevtchn_wait_for_senders();\n",
           "\tevtchn_clear_pending(d, port);\n"]
MUTANTS = [
    # file, text, what it becomes
    (OP, "vcpu_sleep(VCPU_BLOCKED);\n\tif (evtchn_upcall_due() || "
         "READ_ONCE(current->nmi_pending))\n\t\tvcpu_unblock(current);",
         "vcpu_sleep(VCPU_BLOCKED);"),
    (OP, "if (poll_look(ports, op.nr_ports) || READ_ONCE(v->nmi_pending))\n\t\tvcpu_unblock(v);\n"
         "\telse if", "if"),
    (OP, "if (poll_look(ports, op.nr_ports) || READ_ONCE(v->nmi_pending))",
     "if (poll_look(ports, op.nr_ports))"),
    (DELIVER, "u64 bits = __atomic_exchange_n(posted, 0, __ATOMIC_SEQ_CST);",
     "u64 bits = *posted;"),
    (DELIVER, "\tatomic_bitmap_set(&v->posted_any, port / 64 % 64);\n", ""),
    (DELIVER, "port / 64 % 64);\n\tvcpu_tell(v);\n",
     "port / 64 % 64);\n\tvcpu_unblock(v);\n\tvcpu_kick(v);\n"),
    (TELL, "\tvcpu_unblock(v);\n\tvcpu_kick(v);\n}", "\tvcpu_kick(v);\n}"),
    (DELIVER, "port / 64 % 64);\n\tvcpu_tell(v);\n",
     "port / 64 % 64);\n\tWRITE_ONCE(v->event_check, 1);\n\tvcpu_kick(v);\n"),
    (TELL, "\tvcpu_unblock(v);\n\tvcpu_kick(v);\n}", "\tvcpu_unblock(v);\n}"),
    (WORDS, "if (!bitmap_test(s->evtchn_mask, port)", "if (bitmap_test(s->evtchn_mask, port)"),
    (DELIVER, "return current->domain == d && this_cpu.cr3 == current->cr3_kernel;",
     "return true;"),
    (SEND, "evtchn_deliver(d->vcpu[now.notify_vcpu], port);",
     "evtchn_deliver(d->vcpu[0], port);"),
    (PORT, RELEASE[0] + RELEASE[1] + RELEASE[2] + RELEASE[3] + RELEASE[4],
     RELEASE[0] + RELEASE[2] + RELEASE[4]),
    (PORT, RELEASE[0] + RELEASE[1] + RELEASE[2] + RELEASE[3] + RELEASE[4],
     RELEASE[1] + RELEASE[2] + RELEASE[3] + RELEASE[4] + RELEASE[0]),
    (SCHED, "\tif (is_ready(prev))", "\tif (0)"),
    (SCHED, "if (!is_running(v)) {", "if (true) {"),
    (SCHED, "timer_set_slice(end);", ";"),
    (PLACE, "\task(cpu);\n\treturn cpu != NO_CPU || ask_room(v->affinity);",
     "\t(void)ask_room;\n\treturn cpu != NO_CPU;"),
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
    (EVTCHN, "\tevtchn_fold_vcpu(old);\n\tevtchn_wait_for_senders();\n",
     "\tevtchn_fold_vcpu(old);\n"),
    (DELIVER, "\tu64 *mark = send_begin();\n\n\tevtchn_fold_vcpu(current);\n\tsend_end(mark);",
     "\tevtchn_fold_vcpu(current);"),
]


def compile_source(source, to):
    """Compile @source to the object @to; a complaint, or None."""
    done = subprocess.run([COMPILER, *FLAGS, "-I.", "-c", "-o", to, source], cwd=TOP,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    return done.stdout if done.returncode else None


def link(out, objects):
    done = subprocess.run([COMPILER, *LINK_FLAGS, "-o", out, *objects], cwd=TOP,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    return done.stdout if done.returncode else None


def object_of(tmp, source):
    return os.path.join(tmp, source.replace("/", "-") + ".o")


def build(tmp, out):
    """Compile and link the program; a complaint, or None."""
    for source in SOURCES:
        complaint = compile_source(source, object_of(tmp, source))
        if complaint:
            return complaint
    return link(out, [object_of(tmp, source) for source in SOURCES])


def build_mutant(tmp, out, path, text):
    """Source @path, or a header beside sources, has @text instead; all other objects are in @tmp. A
    complaint, or None."""
    room, tree, instead = os.path.dirname(path), os.path.join(tmp, "tree"), {}
    shutil.copytree(os.path.join(TOP, room), os.path.join(tree, room), dirs_exist_ok=True)
    with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
        file.write(text)
    for source in PRODUCT:
        if source == path or path.endswith(".h") and os.path.dirname(source) == room:
            instead[source] = object_of(tree, source)
            complaint = compile_source(os.path.join(tree, source), instead[source])
            if complaint:
                return complaint
    return link(out, [instead.get(source) or object_of(tmp, source) for source in SOURCES])


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


def notices(program, places):
    """Does it fail? Most bugs are met at once, a race not every time."""
    return any(run(program, hops, 2, where)[0] for hops, tries in ((SHORT, 1), (10 * SHORT, TRIES))
               for where in places * tries)


def main():
    number, failed = 0, 0
    with tempfile.TemporaryDirectory(prefix="isola-events-") as tmp:
        program = os.path.join(tmp, "tokens")
        complaint = build(tmp, program)
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
        chosen = [(*mutant, ("pinned", "free")) for mutant in (MUTANTS if ALL else MUTANTS[::16])]
        chosen += [(*mutant, ("virqs",)) for mutant in (VIRQ_MUTANTS if ALL else VIRQ_MUTANTS[:1])]
        for path, old, new, places in chosen:
            with open(os.path.join(TOP, path), encoding="utf-8") as file:
                source = file.read()
            complaint = ("the text is no longer there" if old not in source else
                         build_mutant(tmp, program, path, source.replace(old, new, 1)))
            noticed = not complaint and notices(program, places)
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
