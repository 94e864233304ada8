#!/usr/bin/env bash
# venv.sh FOLDER PYTHON: an environment with this project (editable) and the tested set of its packages.
# Does nothing when the environment is newer than pyproject.toml and constraints.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$1
python=$2
stamp=$folder/.stamp
extras=dev,excel,report,sensitivity,cluster

is_supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

if [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt constraints.txt ] && [ "$stamp" -nt tools/venv.sh ]; then
    exit 0
fi
# An environment whose Python is gone, or is not one of ours, is made anew.
if ! "$folder/bin/python" -c "$is_supported" 2>/dev/null; then
    if ! version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null); then
        echo "'$python' does not run. Name a Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 ..." >&2
        exit 1
    fi
    if ! "$python" -c "$is_supported"; then
        echo "'$python' is Python $version, but this project needs 3.11, 3.12 or 3.13." >&2
        echo "Name one of them: make PYTHON=python3.12 ..." >&2
        exit 1
    fi
    echo "Creating $folder with Python $version; this takes a minute or two."
    rm -rf "$folder"
    "$python" -m venv "$folder"
fi
pip=("$folder/bin/python" -m pip --disable-pip-version-check -qq)
"${pip[@]}" install -c constraints.txt setuptools
"${pip[@]}" install -c constraints.txt --no-build-isolation -e ".[$extras]"
touch "$stamp"
