#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""NMIs at any instruction: claims hold while the machine is given NMIs all the time, on two CPUs.
An entry path that trusts its stack, CR3 or a register for one instruction too long does not survive
this. In make test the claims are those that go in and out by every way; make test-all: the whole
selftest, of which the races are four fifths of the time."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import ISOLA_RUN, LONG, POWERED_OFF, SELFTEST, claims_of, tap

LEAST = 300     # a run that saw fewer has shown nothing
PAUSE = 0.001   # seconds: without it the guest gets to do nothing but take NMIs
CLAIMS = "" if LONG else claims_of("""exceptions frames user hypercalls events selectors emulation
msr flush stores tables transitions preempted smp pvh""")
# before its first IDT nobody survives an NMI: firmware, GRUB, head.S
STARTED = b"(isola) 2 CPUs"


def wait_for(file, text, process):
    while process.poll() is None:
        file.seek(0)
        if text in file.read():
            return
        time.sleep(0.02)


def storm(path, process):
    """Inject until the machine is gone. Returns how many."""
    monitor = socket.socket(socket.AF_UNIX)
    while process.poll() is None:
        try:
            monitor.connect(path)
            break
        except OSError:
            time.sleep(0.05)
    count = 0
    try:
        stream = monitor.makefile("rw")
        stream.readline()
        for command in ["qmp_capabilities"] + ["inject-nmi"] * 1000000:
            stream.write(json.dumps({"execute": command}) + "\n")
            stream.flush()
            while '"return"' not in (answer := stream.readline()):
                if not answer:
                    return count
            count += command == "inject-nmi"
            time.sleep(PAUSE)
    except OSError:
        pass
    return count


with tempfile.TemporaryDirectory() as place:
    qmp = os.path.join(place, "qmp")
    with open(os.path.join(place, "console"), "w+b") as console:
        process = subprocess.Popen([ISOLA_RUN, "--smp", "2", "--mem", "128", "--timeout", "600",
                                    "--qmp", qmp, SELFTEST, CLAIMS],
                                   stdin=subprocess.DEVNULL, stdout=console)
        with open(console.name, "rb") as reader:
            wait_for(reader, STARTED, process)
        injected = storm(qmp, process)
        status = process.wait()
        console.seek(0)
        text = console.read().decode(errors="replace")
tap.ok(injected >= LEAST, f"at least {LEAST} NMIs were injected on each of 2 CPUs ({injected})")
tap.ok(status == POWERED_OFF and "all claims hold" in text, "the claims hold all the same",
       f"status {status}\n{text[-3000:]}")
tap.done()
