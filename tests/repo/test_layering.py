"""Who may import whom, as ``pyproject.toml`` says; ``make lint`` checks the same with more words."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = {path.name for path in ROOT.glob("*/src/brain_*")}


def test_no_import_breaks_a_layer(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_every_package_is_built_and_has_its_layer() -> None:
    linter = PROJECT["tool"]["importlinter"]
    built = {Path(path).name for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    (layers,) = (contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    assert built == PACKAGES
    assert set(linter["root_packages"]) == PACKAGES
    assert {name for layer in layers for name in layer.split(" : ")} == PACKAGES
