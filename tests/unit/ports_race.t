#!/bin/sh
exec "$(dirname "$0")/run" ports_race
