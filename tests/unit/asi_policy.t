#!/bin/sh
exec "$(dirname "$0")/run" asi_policy
