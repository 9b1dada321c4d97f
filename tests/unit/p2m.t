#!/bin/sh
exec "$(dirname "$0")/run" p2m
