"""Takes ``docs/lab/pictures``: the incident page of one run of each platform; run it when page or platforms change.

Maintainers call it. It needs Chromium (``BRAIN_CHROMIUM_BIN`` or on the PATH), Prometheus and promtool (``make
servers``), and the font Inter. Load follows the time of day, so numbers differ between two calls: read the pages beside
the new pictures, and look at the pictures before you commit them.

    python docs/lab/take_pictures.py [PLATFORM …]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

from brain_lab.servers.prometheus import Prometheus
from brain_lab.servers.server import free_port

PICTURES: Final = Path(__file__).with_name("pictures")
RUNS: Final = {
    "finance": ["--fault", "database-lock", "--target", "ledger-db", "--seed", "1"],
    "healthcare": ["--fault", "latency-spike", "--target", "hl7-validator", "--seed", "1"],
    "automotive": ["--fault", "network-loss", "--target", "twin-store", "--seed", "2"],
}
LONG: Final = ["--length", "100", "--onset", "94"]
"""Half an hour and its baseline of an hour, and six minutes of trouble."""

SIZE: Final = "1280,1180"
FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
BRAIN: Final = str(Path(sys.executable).with_name("brain"))


def main(names: list[str]) -> int:
    """Play each run, ask a service, photograph its page."""
    browser = os.environ.get("BRAIN_CHROMIUM_BIN") or shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("no Chromium: apt-get install chromium, or set BRAIN_CHROMIUM_BIN", file=sys.stderr)
        return 1
    PICTURES.mkdir(exist_ok=True)
    for platform in names or RUNS:
        with tempfile.TemporaryDirectory(prefix="brain-pictures-") as folder:
            _picture(platform, Path(folder), browser)
    return 0


def _picture(platform: str, folder: Path, browser: str) -> None:
    out = folder / "out"
    subprocess.run([BRAIN, "lab", "run", platform, *RUNS[platform], *LONG, "--out", str(out)], check=True)
    truth = json.loads((out / "truth.json").read_text())
    with Prometheus(data_dir=out / "prometheus", config=out / "prometheus" / "prometheus.yml") as server:
        config = folder / "rca.yaml"
        port = free_port()
        config.write_text(
            json.dumps(
                {
                    "cluster": truth["cluster"],
                    "store": {"sqlite": str(folder / "incidents.sqlite")},
                    "evidence": {"prometheus": {"url": server.url}},
                    "http": {"port": port},
                    "grpc": None,
                }
            )
        )
        with subprocess.Popen([BRAIN, "rca", "serve", "--config", str(config)], stderr=subprocess.DEVNULL) as service:
            try:
                page = _judged(f"http://127.0.0.1:{port}", (out / "alerts" / "group.json").read_bytes())
                print(f"{platform}: {truth['truth'][0]['entity']} since {truth['truth'][0]['onset']}")
                _take(browser, page, PICTURES / f"{platform}.png")
            finally:
                service.terminate()


def _judged(url: str, group: bytes) -> str:
    """Tell the service, and wait for its answer; returns the URL of the page."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            identity = httpx.post(f"{url}/api/v1/alertmanager", content=group).raise_for_status().json()["incident"]
            break
        except httpx.TransportError:
            time.sleep(0.2)
    while time.monotonic() < until:
        incident: dict[str, Any] = httpx.get(f"{url}/incidents/{identity}.json").json()
        if incident["analysis_state"] == "done":
            for cause in incident["analysis"]["causes"]:
                print(f"  {cause['probability']:.2f} {cause['fault_kind']:12} {cause['entity']}")
            return f"{url}/incidents/{identity}"
        time.sleep(0.2)
    raise RuntimeError("no answer within a minute")


def _take(browser: str, url: str, target: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        look = [f"--window-size={SIZE}", "--blink-settings=preferredColorScheme=1"]
        command = [browser, *FLAGS, *look, f"--user-data-dir={profile}", f"--screenshot={target}", url]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
