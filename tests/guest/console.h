/* SPDX-License-Identifier: MIT */
/*
 * Where text goes: dom0's by console_io, another domain's through its console ring.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of it; waits while the ring is full. */
void console_write(const char *text, size_t n);

/* What has been typed, up to @n bytes of it: how many. */
size_t console_read(char *buf, size_t n);

/* The port behind the ring, which is no guest's to close. */
bool is_console_port(uint32_t port);
