"""A process as the parent keeps them, for tests: it writes what happens to a file.

python programs.py FILE NAME [wrong|dies|deaf|dies-later]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def note(file: Path, text: str) -> None:
    with file.open("a") as out:
        out.write(f"{text}\n")


def main(file: Path, name: str, how: str) -> None:
    note(file, f"{name} start {os.getpid()}")
    if how == "wrong":
        print("wrong otlp.grpc.port: taken", flush=True)
        sys.exit(1)
    if how == "dies":
        sys.exit(3)

    def told(*_: object) -> None:
        note(file, f"{name} told")
        if how != "deaf":
            os._exit(0)

    signal.signal(signal.SIGTERM, told)
    print("ready", flush=True)
    while sys.stdin.buffer.read(1):
        pass
    note(file, f"{name} orphaned")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
