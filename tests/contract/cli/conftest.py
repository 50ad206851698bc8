"""The command line as a user calls it, inside the test's process or as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from brain_cli.main import main

PROGRAM = Path(sys.executable).with_name("brain")


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Brain = Callable[..., Result]


@pytest.fixture
def brain(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Brain:
    """Runs ``brain ARGUMENTS`` in this process, where a warning is an error."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["brain", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
        captured = capfdbinary.readouterr()
        return Result(code, captured.out.decode(), captured.err.decode())

    return run


def process(*arguments: object, timeout: float = 60.0) -> Result:
    """Runs ``brain ARGUMENTS`` as a process."""
    done = subprocess.run(
        [str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def one_line(result: Result) -> str:
    """What went wrong, as it must be told: one line on standard error, exit code 1, nothing else."""
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("brain: ")
    assert result.err.count("\n") == 1
    return result.err.removeprefix("brain: ").rstrip("\n")
