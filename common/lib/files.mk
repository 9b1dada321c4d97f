# Pure code: no locks, no globals; the same sources are built hosted by tests/unit.
objs-y += common/lib/string.o
objs-y += common/lib/format.o
objs-y += common/lib/bitmap.o
objs-y += common/lib/ranges.o
objs-y += common/lib/cmdline.o
objs-y += common/lib/elf.o
objs-y += common/lib/elf_notes.o
