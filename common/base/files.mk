objs-y += common/base/spinlock.o
objs-y += common/base/softirq.o
objs-y += common/base/serial_8250.o
objs-y += common/base/console.o
objs-y += common/base/printk.o
objs-y += common/base/backtrace.o
objs-y += common/base/panic.o
