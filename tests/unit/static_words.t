#!/bin/sh
exec "$(dirname "$0")/run" static_words
