"""Who may import whom, as ``pyproject.toml`` says; ``make lint`` checks the same with more words."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = {path.name for path in ROOT.glob("*/src/brain_*")}


def test_no_import_breaks_a_layer() -> None:
    # As a process of its own: it switches off every logger there is, and other tests read the log.
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", "pyproject.toml", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_is_built_and_has_its_layer() -> None:
    linter = PROJECT["tool"]["importlinter"]
    built = {Path(path).name for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    (layers,) = (contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    assert built == PACKAGES
    assert set(linter["root_packages"]) == PACKAGES
    assert {name for layer in layers for name in layer.split(" : ")} == PACKAGES
