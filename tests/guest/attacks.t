#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each attack of the selftest guest hurts at most its own domain. Either the hypervisor says that
the domain crashed and ends it in order, or the guest notices that its attack was refused, says "ok"
and powers off. An attack that ends in "the guest must live" has only the second way. Several
domains of one machine attack at a time, beside one that only holds its claims; what only dom0 can
do, dom0 does by itself, and in make test-all every attack. The hypervisor never panics."""
import os
import re
import sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib"))
from isolatest import GUEST_CRASHED, LONG, POWERED_OFF, SELFTEST, isola_run, tap

# What only dom0 can do, and what it needs of its machine.
DOM0 = {"hpet": ("--qemu-arg=-global", "--qemu-arg=hpet.msi=on"), "suspend": (),
        "remote-shutdown": ()}
AT_ONCE = 11
WITNESS = "claims=start/*,exceptions/*,user/*"


def domain(name, words):
    return "--domain", SELFTEST, f"domain={name} mem=16M -- {words}"


def said_by(name, output):
    """What domain @name said. A line may stand in pieces, with other domains' between them."""
    return "".join(re.findall(rf"^\({name}\) (.*)$", output, re.M))


def together(attacks):
    names = {f"no{number}": attack for number, attack in enumerate(attacks)}
    words = [word for name, (attack, _) in names.items()
             for word in domain(name, f"attack={attack}")]
    _, output, errors = isola_run("--mem", "320", *words, *domain("web", WITNESS), timeout=180)
    for name, (attack, sentence) in names.items():
        own = said_by(name, output)
        started = f"# attack {attack}:" in own and "not ok 1" not in own
        refused = "ok 1 - " in own and f"({name}) shut down: poweroff" in output
        ended = re.search(rf"\({name}\) (crashed|shut down: (?!poweroff))", output)
        crashed = ended and not sentence.endswith("the guest must live")
        tap.ok(started and (refused or crashed),
               f"{attack} hurts at most its own domain ({sentence})",
               "\n".join(re.findall(rf"^.*\({name}\) .*$", output, re.M)))
    own = said_by("web", output)
    tap.ok(own.count("ok ") > 30 and "# selftest ends: all claims hold" in own and
           "The machine ends" in output and "PANIC" not in output,
           f"beside {len(names)} attacks the claims of another domain hold, and the machine ends",
           f"{output[-2000:]}{errors}")


def alone(attack, sentence):
    status, output, errors = isola_run(*DOM0.get(attack, ()), SELFTEST, f"attack={attack}")
    started = f"# attack {attack}:" in output and not re.search(r"^not ok", output,
                                                                re.M) and "PANIC" not in output
    refused = status == POWERED_OFF and re.search(r"^ok 1\b", output, re.M)
    crashed = status == GUEST_CRASHED and not sentence.endswith("the guest must live")
    tap.ok(started and (refused or crashed),
           f"dom0: {attack} hurts at most its own domain ({sentence})",
           f"status {status}\n{output[-2000:]}{errors}")


status, output, errors = isola_run(SELFTEST, "attack=?")
listed = re.findall(r"^#   ([\w-]+): (.*)$", output.partition("no such attack")[2], re.M)
tap.ok(status == POWERED_OFF and DOM0.keys() < dict(listed).keys(), "the guest lists its attacks",
       output[-2000:] + errors)
anybody = [attack for attack in listed if attack[0] not in DOM0]
for first in range(0, len(anybody), AT_ONCE):
    together(anybody[first:first + AT_ONCE])
for attack in listed:
    if LONG or attack[0] in DOM0:
        alone(*attack)
tap.done()
