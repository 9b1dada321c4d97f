objs-y += arch/x86/hvm/vmx/vmx.o
objs-y += arch/x86/hvm/vmx/vmx_cpu.o
objs-y += arch/x86/hvm/vmx/vmx_state.o
objs-y += arch/x86/hvm/vmx/vmx_regs.o
objs-y += arch/x86/hvm/vmx/vmx_exit.o
