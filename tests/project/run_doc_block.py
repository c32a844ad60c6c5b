"""Runs code blocks of the docs as scripts: a program that `doc_runner.py` starts and talks to.

Each block has a process of its own, so that blocks cannot lean on each other; it is forked from this one,
which has imported everything before, so that it begins at once. On this machine only, and with the least of
every jitter, so that reconnecting costs no time.
"""

import json
import os
import random
import runpy
import sys
import time

from tests.loopback import loopback_only

Job = dict[str, str]


def main() -> None:
    """Forks for each job that is told on the standard input, and says how it ended."""
    # Without a buffer, of which each child would have a copy.
    with open(0, "rb", buffering=0, closefd=False) as told:
        while line := told.readline():
            job = json.loads(line)
            child = os.fork()
            if child == 0:
                break
            os.write(1, b"%d\n" % ended(child, float(job["deadline"])))
        else:
            return
    # The child ends as a script does: at the end of this program.
    run(job)


def ended(child: int, seconds: float) -> int:
    """Returns the exit code of a child, which is killed if it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, 9)
        time.sleep(0.002)


def run(job: Job) -> None:
    """Runs a script in its folder, with its output in files."""
    os.chdir(job["folder"])
    os.environ.update(json.loads(job["environment"]))
    for descriptor, path in ((0, os.devnull), (1, job["stdout"]), (2, job["stderr"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.path.insert(0, job["folder"])
    sys.argv = [job["script"]]
    with loopback_only():
        runpy.run_path(job["script"], run_name="__main__")


if __name__ == "__main__":
    # Before everstream is imported: a default argument keeps what it found.
    random.random = lambda: 0.001
    random.uniform = lambda low, _high: low
    import everstream

    everstream.EventSource  # noqa: B018  (imports everything)
    main()
