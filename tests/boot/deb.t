#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Debian package: what is in it, the menu entry it writes, the man pages, and the isola-run
that comes with it. The installed system is installed.t's."""
import os
import re
import subprocess
import sys
import tempfile
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
from isolatest import OUT, SELFTEST, TOP, isola_run, read, tap

# As 20_linux_xen writes them; the genuine Xen is the newer hypervisor here.
XEN_MENU = """menuentry 'Debian GNU/Linux, with Xen hypervisor' --class debian --class gnu-linux \
--class xen $menuentry_id_option 'xen-gnulinux-simple-42' {
	insmod ext2
	echo	'Loading Xen 4.17-amd64 ...'
        if [ "$grub_platform" = "pc" ]; then
            xen_rm_opts=
        fi
	multiboot2	/boot/xen-4.17-amd64.gz placeholder  ${xen_rm_opts}
	module2	/boot/vmlinuz-6.1 placeholder root=UUID=42 ro quiet
}
submenu 'Advanced options for Debian GNU/Linux (with Xen hypervisor)' {
"""
ISOLA_MENU = """	submenu 'Xen hypervisor, version 0.1-isola' {
		menuentry 'Debian GNU/Linux, with Xen 0.1-isola and Linux 6.1' --class debian \
--class gnu-linux --class xen $menuentry_id_option 'xen-gnulinux-6.1-advanced-42' {
			insmod ext2
			echo	'Loading Xen 0.1-isola ...'
			if [ "$grub_platform" = "pc" ]; then
			    xen_rm_opts=
			fi
			multiboot2	/boot/xen-0.1-isola.gz placeholder com1=1 ${xen_rm_opts}
			module2	/boot/vmlinuz-6.1 placeholder root=UUID=42 ro quiet
		}
		menuentry 'Debian GNU/Linux, with Xen 0.1-isola and Linux 6.1 (recovery mode)' {
			multiboot2	/boot/xen-0.1-isola.gz placeholder ${xen_rm_opts}
		}
"""


def text_of(name):
    return read(os.path.join(TOP, name)).decode()


VERSION = re.search(r'ISOLA_VERSION "(.*)"', text_of("include/isola/version.h"))[1]
FILES = {f"boot/xen-{VERSION}-isola.gz": 0o644, "etc/grub.d/21_linux_isola": 0o755,
         "etc/default/grub.d/isola.cfg": 0o644, "usr/lib/isola/build/isola.elf": 0o644,
         "usr/share/man/man7/isola.7.gz": 0o644, "usr/share/man/man1/isola-run.1.gz": 0o644,
         "usr/share/doc/isola/limits.md": 0o644, "usr/share/doc/isola/copyright": 0o644}


def build(directory):
    """The package, of the hypervisor that is built already, in @directory: its path."""
    made = subprocess.run(["debian/rules", "binary"], cwd=TOP, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "OUT": directory, "MAKEFLAGS": "",
                               "BUILD": os.environ.get("O", "build")})
    subprocess.run(["dh_clean"], cwd=TOP, check=True)
    path = os.path.join(directory, f"isola_{VERSION}_amd64.deb")
    tap.ok(made.returncode == 0 and os.path.exists(path), f"make deb: isola_{VERSION}_amd64.deb",
           made.stdout[-2000:])
    return path


def contents(root):
    for name, mode in FILES.items():
        path = os.path.join(root, name)
        found = os.stat(path).st_mode & 0o7777 if os.path.exists(path) else None
        tap.ok(found == mode, f"{name}, mode {mode:o}", str(found))
    image = os.path.join(root, f"boot/xen-{VERSION}-isola.gz")
    tap.ok(subprocess.run(["grub-file", "--is-x86-multiboot2", image]).returncode == 0,
           "GRUB takes the hypervisor for multiboot2's, compressed as it is")
    tap.ok(os.path.getsize(image) < 1 << 20, "which is less than 1 MiB",
           str(os.path.getsize(image)))
    links = [os.path.join(where, name) for where, _, names in os.walk(root) for name in names
             if os.path.islink(os.path.join(where, name))]
    tap.ok(links and all(os.path.exists(path) for path in links), "each link leads somewhere",
           str(links))


def menu_of(root, text):
    """What 21_linux_isola writes when 20_linux_xen writes @text."""
    maker = os.path.join(root, "maker")
    with open(maker, "w") as file:
        file.write(f"cat <<'EOF'\n{text}\nEOF\n")
    return subprocess.run(["sh", os.path.join(root, "etc/grub.d/21_linux_isola")],
                          env={**os.environ, "ISOLA_MENU_MAKER": maker,
                               "GRUB_DISTRIBUTOR": "Debian"},
                          stdout=subprocess.PIPE, text=True, check=True).stdout


def menu(root):
    entry = menu_of(root, XEN_MENU + ISOLA_MENU)
    first = entry.splitlines()[0] if entry else ""
    tap.ok(first == "menuentry 'Debian GNU/Linux, with Isola' --class debian --class gnu-linux "
           "--class xen $menuentry_id_option 'isola-simple' {", "the entry has Isola's title",
           entry)
    tap.ok("/boot/xen-0.1-isola.gz placeholder com1=1" in entry and "xen-4.17" not in entry and
           entry.count("menuentry '") == 1 and "recovery" not in entry,
           "it is Isola's own, not recovery's and not Xen's", entry)
    checked = subprocess.run(["grub-script-check"], input=entry, stderr=subprocess.PIPE, text=True)
    tap.ok(checked.returncode == 0 and entry, "GRUB understands it", checked.stderr)
    tap.ok(menu_of(root, XEN_MENU) == "", "no entry if 20_linux_xen has none for Isola")
    tap.ok(subprocess.run(["sh", os.path.join(root, "etc/grub.d/21_linux_isola")],
                          env={**os.environ, "ISOLA_MENU_MAKER": "/nowhere"}).returncode == 0,
           "nor without GRUB's script")


def manual():
    page = text_of("docs/man/isola.7")
    options = re.findall(r"^## `(\w.*)`$", text_of("docs/command-line.md"), re.M)
    missing = [name for name in options if not re.search(rf"Cm {re.escape(name)}\b", page)]
    tap.ok(options and not missing, "isola(7) has each option of docs/command-line.md",
           str(missing))
    page = text_of("docs/man/isola-run.1")
    options = re.findall(r"^  (?:-h, )?--([a-z-]+)", isola_run("--help", timeout=20)[1], re.M)
    missing = [name for name in options if f"Fl -{name}" not in page and f", -{name}" not in page]
    tap.ok(options and not missing, "isola-run(1) has each option of isola-run --help",
           str(missing))


def main():
    with tempfile.TemporaryDirectory(prefix="isola-deb-") as directory:
        package = build(directory)
        root = os.path.join(directory, "root")
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        contents(root)
        menu(root)
        manual()
        ran = subprocess.run([os.path.join(root, "usr/bin/isola-run"), "--mem", "128", "--timeout",
                              "60", SELFTEST, "claims=start/*"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True,
                             env={k: v for k, v in os.environ.items() if k != "O"})
        tap.ok(ran.returncode == 0 and "ok 1 " in ran.stdout, "the package's isola-run boots",
               ran.stdout[-1500:])
        kept = os.listdir(os.path.join(root, "usr/lib/isola/build"))
        tap.ok(kept == ["isola.elf"], "and leaves nothing where it is installed", str(kept))
    tap.done()


main()
