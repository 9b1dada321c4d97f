# Machine-independent parts, the lowest floor first.
objs-y += common/spinlock.o
objs-y += common/softirq.o
objs-y += common/serial_8250.o
objs-y += common/console.o
objs-y += common/printk.o
objs-y += common/backtrace.o
objs-y += common/panic.o
objs-y += common/timer.o
objs-y += common/runqueue.o
objs-y += common/sched.o
objs-y += common/vcpu_timer.o
objs-y += common/evtchn_2l.o
objs-y += common/evtchn.o
objs-y += common/console_input.o
objs-y += common/watchdog.o
objs-y += common/domain.o
