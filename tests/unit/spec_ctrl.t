#!/bin/sh
exec "$(dirname "$0")/run" spec_ctrl
