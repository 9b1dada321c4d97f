#!/bin/sh
exec "$(dirname "$0")/run" console_input
