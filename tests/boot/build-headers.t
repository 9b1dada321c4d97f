#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles by itself, with gcc as it was built; build.t builds everything with clang
# too.
exec "$(dirname "$0")/../../tools/check-headers"
