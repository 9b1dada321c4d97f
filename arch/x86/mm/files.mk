objs-y += arch/x86/mm/tlb.o
objs-y += arch/x86/mm/uaccess.o
objs-y += arch/x86/mm/page_ref.o
objs-y += arch/x86/mm/page_type.o
objs-y += arch/x86/mm/pt_check.o
objs-y += arch/x86/mm/pt_validate.o
objs-y += arch/x86/mm/pt_modify.o
objs-y += arch/x86/mm/seg_desc.o
