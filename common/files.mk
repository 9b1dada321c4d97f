# Machine-independent parts, the lowest floor first.
objs-y += common/spinlock.o
objs-y += common/softirq.o
objs-y += common/serial_8250.o
objs-y += common/console.o
objs-y += common/printk.o
objs-y += common/backtrace.o
objs-y += common/panic.o
objs-y += common/timer.o
