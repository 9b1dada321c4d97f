#!/bin/sh
exec "$(dirname "$0")/run" domain_list
