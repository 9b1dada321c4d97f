# Loader protocols, each ending in one struct boot_info.
objs-y += boot/multiboot2.o
objs-y += boot/menu_words.o
objs-y += boot/memmap.o
objs-y += boot/modules.o
