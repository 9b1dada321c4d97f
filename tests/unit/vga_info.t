#!/bin/sh
exec "$(dirname "$0")/run" vga_info
