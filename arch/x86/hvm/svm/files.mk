objs-y += arch/x86/hvm/svm/svm.o
objs-y += arch/x86/hvm/svm/svm_exit.o
objs-y += arch/x86/hvm/svm/svm_context.o
