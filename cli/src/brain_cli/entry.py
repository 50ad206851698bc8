"""Where the process starts: next to nothing is imported first, so that Ctrl-C is quiet from the first moment."""

from __future__ import annotations

import sys


def main() -> None:
    """See ``brain_cli.main.main``; interrupted while commands are still being loaded, it exits by 130 as later."""
    try:
        from brain_cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
