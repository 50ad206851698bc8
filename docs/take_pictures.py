"""Takes ``docs/pictures``: the incident page of ``brain demo``, light and dark; run it when the page looks different.

Maintainers call it. It needs Chromium (``BRAIN_CHROMIUM_BIN`` or on the PATH) and, for letters as most readers see
them, the font Inter (``apt-get install fonts-inter``). Look at the pictures before you commit them.

    python docs/take_pictures.py
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURES = Path(__file__).with_name("pictures")
SIZE = "1280,1162"  # pixels: down to the end of the second plot
THEMES = {"incident.png": 1, "incident-dark.png": 0}  # Chromium's numbers of light and dark
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
_PAGE = re.compile(r"incident page: (http\S+)")


def main() -> int:
    """Start the demo, photograph its page, end the demo."""
    browser = os.environ.get("BRAIN_CHROMIUM_BIN") or shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("no Chromium: apt-get install chromium, or set BRAIN_CHROMIUM_BIN", file=sys.stderr)
        return 1
    brain = str(Path(sys.executable).with_name("brain"))
    with subprocess.Popen([brain, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True) as demo:
        try:
            url = _page_of(demo)
            for name, theme in THEMES.items():
                _take(browser, url, theme, PICTURES / name)
        finally:
            demo.send_signal(signal.SIGINT)
    return 0


def _page_of(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    for line in demo.stdout:
        if found := _PAGE.search(line):
            return found[1]
    raise RuntimeError("the demo ended without a page")


def _take(browser: str, url: str, theme: int, target: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        look = [f"--window-size={SIZE}", f"--blink-settings=preferredColorScheme={theme}"]
        command = [browser, *FLAGS, *look, f"--user-data-dir={profile}", f"--screenshot={target}", url]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


if __name__ == "__main__":
    sys.exit(main())
