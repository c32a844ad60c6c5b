#!/bin/sh
# Installs packages into an environment.
#
# usage: scripts/install.sh PYTHON [arguments of pip install]...
#
# With uv, where it is on the path: it takes a tenth of the time. Without it, or where it finds less than pip,
# whose settings it does not read, with pip.

python=$1
shift

# pip compiles what it installs. uv leaves that to the first who imports it, which must be allowed to write then.
compile=${PYTHONDONTWRITEBYTECODE:+--compile-bytecode}

if command -v uv >/dev/null 2>&1 && uv pip install --quiet $compile --python "$python" "$@"; then
    exit 0
fi

"$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip >/dev/null || exit 1
exec "$python" -m pip --disable-pip-version-check --quiet --quiet install "$@"
