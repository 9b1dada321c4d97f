# SPDX-License-Identifier: MIT
"""Planting bugs: a copy of the sources, changed at a few places, built, and put back.

An edit is (file, text, what it becomes); its text stands in the file once, or the edit is out of
date. """
import os
import re
import shutil
import subprocess
import tempfile

from isolatest import TOP

SOURCES = ("arch", "boot", "common", "configs", "include", "tools", "unpack", "Kconfig", "Makefile")
HYPERVISOR = "out/isola.elf"            # in the copy


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def copy_sources(tree):
    for name in SOURCES:
        source, copy = os.path.join(TOP, name), os.path.join(tree, name)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, copy)


def build(tree, *words):
    """The compiler's words if it does not build."""
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "O")}
    done = subprocess.run(["make", "-s", "-C", tree, "O=out", "WARN=-w", *words, HYPERVISOR],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    return done.stdout.decode("utf-8", "replace")[-2000:] if done.returncode else None


def change(tree, edits):
    """The files as they were; None, and nothing has changed: a text is not there, or twice."""
    old = {path: read(os.path.join(tree, path)) for path, _, _ in edits}
    new = dict(old)
    for path, text, becomes in edits:
        if new[path].count(text) != 1:
            return None
        new[path] = new[path].replace(text, becomes)
    put_back(tree, new)
    return old


def put_back(tree, files):
    for path, text in files.items():
        with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
            file.write(text)


def planted(rows):
    """For each of @rows, (what, file, text, what it becomes, ...): the row, and the path of the
    hypervisor with that bug alone, which is there until the next is asked for; or the row, None and
    why there is none."""
    with tempfile.TemporaryDirectory(prefix="isola-planted-") as tree:
        copy_sources(tree)
        for row in rows:
            old = change(tree, [row[1:4]])
            why = "a text to be changed is not there, or not once" if old is None else build(tree)
            yield row, None if why else os.path.join(tree, HYPERVISOR), why
            put_back(tree, old or {})


def failed_claims(text):
    """The names of the claims that a selftest guest found "not ok". One that ran out of time is not
    among them: the host may be slow."""
    return re.findall(r"^not ok .*? - ([^:\n]*).*(?!\n#   ran out of time)$", text, re.M)
