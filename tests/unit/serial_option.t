#!/bin/sh
exec "$(dirname "$0")/run" serial_option
