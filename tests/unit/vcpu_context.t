#!/bin/sh
exec "$(dirname "$0")/run" vcpu_context
