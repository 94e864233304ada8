#!/usr/bin/env bash
# find_python.sh VERSION...: print the first interpreter found of the versions (like 3.13), in the order given.
# Looks where pyenv keeps its versions, then on PATH. Prints nothing and fails when there is none.
set -euo pipefail
pyenv_root=$(pyenv root 2>/dev/null || echo "${PYENV_ROOT:-$HOME/.pyenv}")

runs_as() {  # runs_as PATH VERSION: it starts, is that version, and is not a free-threaded build
    "$1" -c "
import sys, sysconfig
sys.exit('%d.%d' % sys.version_info[:2] != '$2' or bool(sysconfig.get_config_var('Py_GIL_DISABLED')))
" 2>/dev/null
}

for version in "$@"; do
    kept=$(ls -d "$pyenv_root/versions/$version"* 2>/dev/null | sort -rV || true)
    while read -r candidate; do
        if [ -n "$candidate" ] && runs_as "$candidate" "$version"; then
            echo "$candidate"
            exit 0
        fi
    done < <(for folder in $kept; do echo "$folder/bin/python"; done; command -v "python$version" || true)
done
exit 1
