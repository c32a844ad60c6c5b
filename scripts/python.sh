#!/bin/sh
# Prints a Python that can make the virtual environment, or says what is missing.
#
# usage: scripts/python.sh [PYTHON]
#
# With an argument only that interpreter is tried. Otherwise `python3`, then python3.13 down to 3.10 on the path, then
# the versions of pyenv; the first that is new enough and has venv wins.

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

if [ -n "$1" ]; then
    candidates=$1
else
    candidates="python3 python python3.14 python3.13 python3.12 python3.11 python3.10"
    for path in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[0-9]*/bin/python3; do
        [ -x "$path" ] && candidates="$candidates $path"
    done
fi

without_venv=
too_old=
for candidate in $candidates; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if ! is_new_enough "$candidate"; then
        too_old="${too_old:-$candidate}"
    elif ! has_venv "$candidate"; then
        without_venv="${without_venv:-$candidate}"
    else
        command -v "$candidate"
        exit 0
    fi
done

if [ -n "$without_venv" ]; then
    echo "everstream: $without_venv has no venv or no ensurepip, so it cannot make a virtual environment." >&2
    echo "On Debian and Ubuntu: apt-get install python3-venv" >&2
elif [ -n "$too_old" ]; then
    found=$("$too_old" --version 2>/dev/null) && found="is $found" || found="does not run"
    echo "everstream: Python 3.10 or newer is needed; $too_old $found." >&2
    echo "Install a newer Python, or name one: make PYTHON=/path/to/python3.12 ..." >&2
else
    echo "everstream: ${1:-python3} was not found. Python 3.10 or newer is needed, with venv." >&2
    echo "On Debian and Ubuntu: apt-get install python3 python3-venv" >&2
fi
exit 1
