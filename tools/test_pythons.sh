#!/usr/bin/env bash
# test_pythons.sh MARKERS VERSION...: run the tests selected by MARKERS on each of the Python versions,
# each in its own environment (.venv-3.12 ...). A version that is not found is reported;
# fails when a test fails or when no version is found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
markers=$1
shift
tested=()
failed=()
for version in "$@"; do
    if ! python=$(bash tools/find_python.sh "$version"); then
        echo "Python $version: not found, neither with pyenv nor on PATH; not tested."
        continue
    fi
    echo "Python $version: $("$python" -V)"
    bash tools/venv.sh ".venv-$version" "$python"
    tested+=("$version")
    "./.venv-$version/bin/python" -m pytest -q -p no:cacheprovider -n "${JOBS:-2}" --dist loadfile -m "$markers" ||
        failed+=("$version")
done
if [ ${#tested[@]} -eq 0 ]; then
    echo "None of the Pythons was found: $*. Install one, or name another: make test-pythons PYTHONS=3.11" >&2
    exit 1
fi
if [ ${#failed[@]} -gt 0 ]; then
    echo "Tests failed on Python ${failed[*]}." >&2
    exit 1
fi
