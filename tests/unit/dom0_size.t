#!/bin/sh
exec "$(dirname "$0")/run" dom0_size
