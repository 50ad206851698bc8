"""CPU time and memory of a process, as the kernel counts them; Linux only."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from brain_common.errors import PermanentError

_USER, _SYSTEM = 11, 12
"""Fields of /proc/<pid>/stat after the name in parentheses: proc_pid_stat(5), numbers 14 and 15."""

_TICK: Final = 1.0 / os.sysconf("SC_CLK_TCK")
_PEAK: Final = "VmHWM"
_NOW: Final = "VmRSS"


def cpu_seconds(pid: int, proc: Path = Path("/proc")) -> float:
    """CPU time of all threads so far; in steps of 10 ms on most kernels.

    Raises:
        PermanentError: There is no such process, or no /proc.
    """
    fields = _read(proc / str(pid) / "stat").rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK


def peak_rss_bytes(pid: int, proc: Path = Path("/proc")) -> int:
    """The most memory it ever had resident.

    Raises:
        PermanentError: There is no such process, or no /proc.
    """
    return _memory(pid, _PEAK, proc)


def rss_bytes(pid: int, proc: Path = Path("/proc")) -> int:
    """The memory it has resident now.

    Raises:
        PermanentError: There is no such process, or no /proc.
    """
    return _memory(pid, _NOW, proc)


def family(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """A process and all its descendants that run now."""
    tasks = list((proc / str(pid) / "task").glob("*/children"))
    children = [int(child) for task in tasks for child in _read(task).split()]
    return [pid, *(each for child in children for each in family(child, proc))]


def _memory(pid: int, field: str, proc: Path) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", _read(proc / str(pid) / "status"), re.MULTILINE)
    if found is None:
        raise PermanentError(f"process {pid} has ended")
    return int(found[1]) * 1024


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror}; benches need Linux") from error
