# SPDX-License-Identifier: MIT
"""A bootable image: GRUB, a menu, and the files the menu names. One image starts on BIOS and on
UEFI, from CD, USB stick or disk.

grub-mkrescue makes the same kind of image but carries every GRUB module, which makes it ten times
the size and slow to load under emulation; here the core image holds the few modules that the menu
needs.
"""
import os
import shutil
import subprocess
import tempfile
import zlib

GRUB_DIR = os.environ.get("GRUB_DIR", "/usr/lib/grub")
MODULES = ("normal configfile iso9660 multiboot2 search_fs_file part_msdos part_gpt echo test "
           "reboot halt").split()
CORE_CONFIG = "search.file /boot/grub/grub.cfg root\nset prefix=($root)/boot/grub\n"
# Core images are kept here, if there is a build: to compress one takes longer than GRUB then runs.
KEPT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..",
                    os.environ.get("O", "build"))
EFI_IMAGE_KIB = 1440            # a floppy's size: what mformat makes without being told a geometry


class ImageError(Exception):
    """The image cannot be made; the text is one sentence."""


def _run(argv):
    if not shutil.which(argv[0]):
        raise ImageError(f"the command {argv[0]} is missing: run make deps")
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise ImageError(f"{argv[0]} failed: "
                         f"{done.stdout.strip().splitlines()[-1:] or done.returncode}")


def quote(text):
    """A command line as GRUB's script language takes it. GRUB itself puts a backslash before
    quotes."""
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in text.split())


def menu(hv_cmdline, modules, title="Isola"):
    """grub.cfg for /boot/isola.elf with @hv_cmdline and @modules, a list of (path in image, command
    line)."""
    lines = ["set timeout=0", f"menuentry '{title}' {{",
             f"\tmultiboot2 /boot/isola.elf {quote(hv_cmdline)}"]
    lines += [f"\tmodule2 {path} {quote(cmdline)}" for path, cmdline in modules]
    return "\n".join(lines + ["}", ""])


def _made_of(words, *paths):
    """A number that changes with @words, and with what is installed at @paths."""
    return zlib.crc32(repr((words, [(path, os.stat(path).st_mtime_ns) for path in paths])).encode())


def _core(directory, platform, output, extra):
    modules = os.path.join(GRUB_DIR, platform.replace("-eltorito", ""))
    if not os.path.isdir(modules):
        raise ImageError(f"{modules} is missing: run make deps")
    words = ["-O", platform, "-d", modules, "-p", "/boot/grub", *extra, *MODULES]
    maker = shutil.which("grub-mkimage") or GRUB_DIR
    kept = os.path.join(KEPT, f"grub-{platform}-"
                              f"{_made_of((words, CORE_CONFIG), maker, modules):08x}.img")
    if os.path.exists(kept):
        shutil.copyfile(kept, output)
        return
    config = os.path.join(directory, "core.cfg")
    with open(config, "w") as file:
        file.write(CORE_CONFIG)
    _run(["grub-mkimage", "-c", config, "-o", output, *words])
    if os.path.exists(os.path.join(KEPT, ".config")) and os.access(KEPT, os.W_OK):
        shutil.copyfile(output, f"{kept}.{os.getpid()}")
        os.replace(f"{kept}.{os.getpid()}", kept)


def build(output, files, grub_cfg, bios=True, uefi=True):
    """Write the image @output.

    @files     {path in image: bytes, or the path of a file on the host}
    @grub_cfg  the menu's text
    @bios, @uefi  which firmware can start it
    """
    with tempfile.TemporaryDirectory(prefix="isola-image-") as directory:
        tree = os.path.join(directory, "tree")
        os.makedirs(os.path.join(tree, "boot/grub"))
        with open(os.path.join(tree, "boot/grub/grub.cfg"), "w") as file:
            file.write(grub_cfg)
        grafts = []
        for number, (path, content) in enumerate(sorted(files.items())):
            if isinstance(content, bytes):
                host = os.path.join(directory, f"file{number}")
                with open(host, "wb") as file:
                    file.write(content)
                content = host
            elif not os.path.isfile(content):
                raise ImageError(f"{content} is not a file")
            escape = (lambda s: s.replace("\\", "\\\\").replace("=", "\\="))
            grafts.append(f"{escape(path)}={escape(os.path.abspath(content))}")
        argv = ["xorriso", "-as", "mkisofs", "-quiet", "-f", "-iso-level", "3", "-volid", "ISOLA",
                "-o", output]
        if bios:
            _core(directory, "i386-pc-eltorito", os.path.join(tree, "boot/grub/bios.img"),
                  ["biosdisk", "vbe"])
            argv += ["-b", "boot/grub/bios.img", "-no-emul-boot", "-boot-load-size", "4",
                     "-boot-info-table",
                     "--grub2-boot-info", "--grub2-mbr",
                     os.path.join(GRUB_DIR, "i386-pc/boot_hybrid.img")]
        if uefi:
            program, fat = os.path.join(directory,
                                        "BOOTX64.EFI"), os.path.join(tree, "boot/grub/efi.img")
            _core(directory, "x86_64-efi", program, ["efi_gop"])
            with open(fat, "wb") as file:
                file.truncate(EFI_IMAGE_KIB << 10)
            _run(["mformat", "-i", fat, "-f", str(EFI_IMAGE_KIB), "::"])
            _run(["mmd", "-i", fat, "::EFI", "::EFI/BOOT"])
            _run(["mcopy", "-i", fat, program, "::EFI/BOOT/BOOTX64.EFI"])
            argv += ["--efi-boot", "boot/grub/efi.img", "-efi-boot-part", "--efi-boot-image",
                     "--protective-msdos-label"]
        _run(argv + ["-graft-points", tree] + grafts)


def strip(path):
    """The ELF @path without debug information, as bytes: GRUB would load that too, to no use."""
    with tempfile.NamedTemporaryFile(prefix="isola-strip-") as file:
        _run(["objcopy", "--strip-debug", path, file.name])
        with open(file.name, "rb") as stripped:
            return stripped.read()
