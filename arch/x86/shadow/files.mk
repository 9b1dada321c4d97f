objs-y += arch/x86/shadow/tree.o
objs-y += arch/x86/shadow/walk.o
objs-y += arch/x86/shadow/fault.o
objs-y += arch/x86/shadow/create.o
objs-y += arch/x86/shadow/for_good.o
objs-y += arch/x86/shadow/self.o
