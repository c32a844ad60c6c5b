"""Runs the test suite against an installed everstream, in a virtual environment of its own.

usage: python scripts/suite.py {newest,lowest,pythons} [pytest arguments]

    newest   the newest versions of everything, on the newest Python found
    lowest   the lowest versions of the core dependencies that are allowed, on the oldest Python found
    pythons  every supported Python found on this machine

Every environment holds the built wheel, never an editable install: what is tested is what users get.
Run it with the Python of the development environment: it reads the installed metadata.
"""

import os
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
INSTALL = ROOT / "scripts" / "install.sh"
SUPPORTED = ("3.10", "3.11", "3.12", "3.13")

OF_THE_PACKAGE = (
    "--ignore=tests/project",
    "--ignore-glob=tests/cli/test_[!m]*.py",
    "--ignore-glob=tests/llm/test_sdk_*.py",
    "--ignore=tests/llm/test_tutorial_loops.py",
    "--ignore=tests/test_captures.py",
    "--ignore=tests/core/test_parsing_limits.py",
)
"""Leaves out what `make test` has run and what another installation makes no difference to: the tests of the
checkout and its documentation; those of the command, but for `test_main.py`; the comparisons with what others
wrote, the packages of the providers, the loops of tutorials and the recordings; and what counts the bytes
that the parser copies."""


def main(task: str, pytest_arguments: list[str]) -> int:
    """Runs one task and returns the exit status."""
    wheel = build_wheel()
    pythons = find_pythons()
    if task == "newest":
        runs = {"newest": (list(pythons.values() or [sys.executable])[-1], [])}
        pytest_arguments = [*OF_THE_PACKAGE, *pytest_arguments]
    elif task == "lowest":
        runs = {"lowest": (next(iter(pythons.values()), sys.executable), lowest_core_versions())}
        pytest_arguments = [*OF_THE_PACKAGE, *pytest_arguments]
    elif task == "pythons":
        runs = {f"python{version}": (path, []) for version, path in pythons.items()}
    else:
        sys.exit(__doc__)
    statuses = {name: run_suite(name, *run, wheel, pytest_arguments) for name, run in runs.items()}
    for name, status in statuses.items():
        print(f"{name}: {'passed' if status == 0 else f'FAILED with exit status {status}'}")
    if task == "pythons":
        missing = [version for version in SUPPORTED if version not in pythons]
        print(f"not found on this machine: {', '.join(missing) or 'none, all were tested'}")
    return max(statuses.values(), default=1)


def build_wheel() -> Path:
    """Builds the wheel and returns its path."""
    dist = BUILD / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(dist), str(ROOT)]
    quickly = [*build, "--installer", "uv"]
    # Where uv finds less than pip, whose settings it does not read, pip shall try.
    if not shutil.which("uv") or subprocess.run(quickly, stdout=subprocess.DEVNULL, check=False).returncode:
        run(*build, stdout=subprocess.DEVNULL)
    (wheel,) = dist.glob("*.whl")
    return wheel


def lowest_core_versions() -> list[str]:
    """Returns `name==version` for the lower bound of every core dependency."""
    core = [Requirement(text) for text in requires("everstream") or [] if "extra ==" not in text]
    return [f"{r.name}=={s.version}" for r in core for s in r.specifier if s.operator == ">="]


def find_pythons() -> dict[str, str]:
    """Returns the supported Pythons of this machine, by version, the oldest first."""
    found = {version: find_python(version) for version in SUPPORTED}
    return {version: path for version, path in found.items() if path}


def find_python(version: str) -> str | None:
    """Returns a Python of this version, from the path or from pyenv; no shim that does not run."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    installed = sorted(pyenv.glob(f"{version}.*/bin/python3"))
    for candidate in [shutil.which(f"python{version}"), *map(str, installed)]:
        if candidate and runs_as(candidate, version):
            return candidate
    return None


def runs_as(candidate: str, version: str) -> bool:
    """Says whether this interpreter runs, is CPython of that version, and can make an environment."""
    code = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == version


def run_suite(name: str, python: str, pins: list[str], wheel: Path, pytest_arguments: list[str]) -> int:
    """Makes the environment, installs the wheel and the pins, and returns the exit status of the tests."""
    venv = BUILD / "venvs" / name
    interpreter = venv / "bin" / "python"
    print(f"\n{name}: installing {' '.join(pins) or wheel.name}", flush=True)
    run(python, "-m", "venv", "--clear", "--without-pip", venv)
    run(INSTALL, interpreter, f"everstream[dev-tests] @ {wheel.as_uri()}", *pins)
    show_versions(interpreter, venv)
    suite = [interpreter, "-m", "pytest", "-p", "no:cacheprovider", *pytest_arguments]
    return subprocess.run(suite, cwd=ROOT, check=False).returncode


SHOW_VERSIONS = """
import everstream, importlib.metadata as metadata, platform
names = ("requests", "urllib3", "tenacity", "structlog")
print("Python", platform.python_version(), *(f"{name} {metadata.version(name)}" for name in names))
print(everstream.__path__[0])
"""


def show_versions(interpreter: Path, venv: Path) -> None:
    """Prints what is installed, and stops if everstream does not come from this environment."""
    answer = run(interpreter, "-c", SHOW_VERSIONS, cwd=BUILD, stdout=subprocess.PIPE, text=True).stdout
    versions, location = answer.splitlines()
    print(versions, flush=True)
    if not Path(location).is_relative_to(venv):
        sys.exit(f"the tests would import everstream from {location}, not from the wheel")


def run(*command: object, **options: object) -> "subprocess.CompletedProcess[str]":
    """Runs a command that must succeed."""
    done = subprocess.run([str(part) for part in command], check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"failed with exit status {done.returncode}: {' '.join(map(str, command))}")
    return done


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else "", sys.argv[2:]))
