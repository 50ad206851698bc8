"""How much memory this process has, and giving back to the system what it no longer needs. Linux with glibc; on other C
libraries memory is given back when they think fit.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

_ARENA_MAX: Final = -8  # of glibc's malloc.h
_MMAP_THRESHOLD: Final = -3
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def use_few_arenas(mmap_threshold: int | None = None) -> None:
    """Let the allocator give memory back: by default each thread gets an arena of its own. What the user has set stays.

    Args:
        mmap_threshold: From this many bytes on, each allocation is mapped by itself and goes back when it is freed;
            by default glibc raises the threshold to 32 MiB when it sees large blocks come and go.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        _call("mallopt", _ARENA_MAX, 2)
    if mmap_threshold is not None and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        _call("mallopt", _MMAP_THRESHOLD, mmap_threshold)


def trim() -> None:
    """Give free memory back to the system; takes milliseconds."""
    _call("malloc_trim", 0)


class ResidentSet:
    """Asks for the resident set in a few microseconds."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> int:
        """Bytes of memory that this process has now."""
        return int(os.pread(self._file, 128, 0).split(None, 2)[1]) * _PAGE

    def close(self) -> None:
        """Ask no more."""
        os.close(self._file)


def _call(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)
