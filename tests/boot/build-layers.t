#!/bin/sh
# SPDX-License-Identifier: MIT
# Includes and calls go down the floors of tools/layers.
exec "$(dirname "$0")/../../tools/check-layers"
