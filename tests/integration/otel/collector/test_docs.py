"""What the documentation tells a reader to put into files works, on other ports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brain_lab.servers.server import HOST, free_port
from brain_lab.servers.telemetrygen import Telemetrygen
from tests.integration.otel.conftest import ProcessorFactory
from tests.integration.otel.processor import SHIPPED
from tests.servers.fixtures import CollectorFactory
from tests.servers.otlp_file import eventually

PAGE = Path(__file__).parents[4] / "docs" / "otel" / "collector.md"


@pytest.fixture
def files() -> dict[str, str]:
    """The files of the page by their names, which are their first lines."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", text, re.M | re.S))


def test_a_collector_gets_the_processor_by_a_second_file(
    files: dict[str, str],
    collector: CollectorFactory,
    processor: ProcessorFactory,
    telemetrygen: Telemetrygen,
    tmp_path: Path,
) -> None:
    intake, back, port = free_port(), free_port(), free_port()
    second = tmp_path / "brain.yaml"
    second.write_text(files["brain.yaml"].replace(":14317", f":{back}").replace(":24317", f":{port}"))
    first = files["collector.yaml"].replace(":4317", f":{intake}")
    processor(listens=port, sends_to=f"{HOST}:{back}")
    server = collector(first, flags=[f"--config={second}"])
    telemetrygen.send("traces", f"{HOST}:{intake}", rate=10, count=1)
    eventually(lambda: "deployment.environment.name: Str(production)" in server.process.output())


def test_every_variable_of_the_files_is_told() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for path in SHIPPED.glob("*.yaml"):
        for variable, default in re.findall(r"\$\{env:(\w+):-([^}]+)\}", path.read_text(encoding="utf-8")):
            [row] = [line for line in page.splitlines() if line.startswith("| ") and f"`{variable}`" in line]
            assert f"`{default}`" in row
