"""Runs one code block of the docs as a script: `python -m tests.project.run_doc_block FILE`.

In a process of its own, so that blocks cannot lean on each other. On this machine only, and with the least
of every jitter, so that reconnecting costs no time.
"""

import random
import runpy
import sys

from tests.loopback import loopback_only

if __name__ == "__main__":
    # Before everstream is imported: a default argument keeps what it found.
    random.random = lambda: 0.001
    random.uniform = lambda low, _high: low
    with loopback_only():
        runpy.run_path(sys.argv[1], run_name="__main__")
