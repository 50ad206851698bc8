"""The memory of this process: asked, and given back."""

from __future__ import annotations

import subprocess
import sys

from brain_common.memory import ResidentSet, trim, use_few_arenas

SCRIPT = """
from brain_common.memory import ResidentSet, trim, use_few_arenas
use_few_arenas(mmap_threshold=1 << 20)
resident = ResidentSet()
before = resident.read()
for _ in range(3):  # by itself, glibc raises its threshold when large blocks come and go
    block = bytearray(b"x") * (24 << 20)
    assert resident.read() > before + (20 << 20)
    del block
small = [bytearray(1000) for _ in range(50_000)]
assert resident.read() > before + (40 << 20)
del small
trim()
assert resident.read() < before + (10 << 20)
"""


def test_memory_comes_and_goes() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)


def test_it_may_be_asked_again_and_again() -> None:
    use_few_arenas()
    trim()
    resident = ResidentSet()
    assert resident.read() > 1 << 20
    assert resident.read() > 1 << 20
    resident.close()
