"""The pytest fixture, and the package where pytest or pytest-httpserver is not there."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def run_tests(folder: Path, code: str) -> str:
    """Runs a test module in a session of its own, where warnings are errors, and gives the output."""
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (folder / "test_it.py").write_text(dedent(code))
    return run("-m", "pytest", "-p", "no:cacheprovider", "test_it.py", folder=folder).stdout


def test_the_fixture_is_there_for_everyone(tmp_path: Path) -> None:
    """Each test has a new server, which is stopped at its end."""
    output = run_tests(
        tmp_path,
        """
        import threading
        import pytest
        import requests
        from everstream.testing import event

        used = []

        @pytest.mark.parametrize("data", ["a", "b"])
        def test_it(sse_server, data):
            sse_server.script([[event(data)]])
            assert requests.get(sse_server.url, timeout=10).text == f"data: {data}\\n\\n"
            assert len(sse_server.requests) == 1
            used.append(sse_server)

        def test_they_are_stopped():
            assert used[0] is not used[1]
            assert not [t for t in threading.enumerate() if t.name.startswith("sse-")]
        """,
    )
    assert "3 passed" in output, output


def test_an_error_of_a_script_is_an_error_of_its_test(tmp_path: Path) -> None:
    """It comes out at the end of the test, even if the test itself noticed nothing."""
    output = run_tests(
        tmp_path,
        """
        import requests
        from everstream.testing import connection, pause

        def test_it(sse_server):
            sse_server.script([connection(pause(timeout=0), framing="close")])
            requests.get(sse_server.url, timeout=10)
        """,
    )
    assert "1 passed, 1 error" in output, output
    assert "pause() was not released within 0 s" in output


def test_it_works_without_pytest() -> None:
    """In a script, a demo, or another test framework."""
    code = """
        import sys
        from urllib.request import urlopen
        from everstream.testing import SSEServer, event
        with SSEServer() as server:
            server.script([[event("a")]])
            print(urlopen(server.url, timeout=10).read())
        assert "pytest" not in sys.modules
    """
    done = run("-W", "error", "-c", dedent(code))
    assert (done.stdout, done.stderr) == ("b'data: a\\n\\n'\n", "")


def test_a_missing_extra_is_explained() -> None:
    """What needs no server still works, and so does every pytest session: the plugin is imported."""
    code = """
        import sys
        sys.modules["pytest_httpserver"] = None
        import everstream.testing.pytest_plugin
        from everstream.testing import event, log_of
        event("a"), log_of("a")
        from everstream.testing import SSEServer
    """
    done = run("-c", dedent(code))
    assert 'ImportError: everstream.testing needs pytest-httpserver: pip install "everstream[testing]"' in (
        done.stderr
    )


@pytest.mark.parametrize("name", ["pytest", "everstream.core", "everstream.source"])
def test_it_stands_on_its_own(name: str) -> None:
    """It imports nothing of the rest of everstream, so that it can judge it."""
    code = f"""
        import sys
        import everstream.testing as testing
        everything = [getattr(testing, name) for name in testing.__all__]
        assert {name!r} not in sys.modules
    """
    assert run("-c", dedent(code)).stderr == ""
