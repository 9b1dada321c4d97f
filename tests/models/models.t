#!/bin/sh
# SPDX-License-Identifier: MIT
# The models of tests/models, with Spin. TEST_ALL: the larger ones too.
exec "$(dirname "$(realpath "$0")")/run" ${TEST_ALL:+--deep}
