"""A Prometheus with its own configuration, rules and TSDB.

Recorded data goes in before the start: blocks that `promtool tsdb create-blocks-from` writes into
`tsdb_dir` are there when it comes up. The web UI's assets are not part of a build from the Go module; its
API is complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

from brain_lab.servers.document import Document, render
from brain_lab.servers.server import HOST, HttpServer

RULES_GLOB: Final = "rules/*.yml"


def default_config() -> dict[str, Any]:
    """One-second cycles, so that a test sees an alert soon, and the external label Thanos insists on."""
    return {
        "global": {
            "scrape_interval": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"cluster": "lab"},
        },
    }


@dataclass(kw_only=True)
class Prometheus(HttpServer):
    """A running Prometheus.

    Attributes:
        config: Its configuration. With `rules`, a text must list `rules/*.yml` under `rule_files` itself.
        rules: Rule files, each a document of its own; relative to the configuration as `rules/<n>.yml`.
    """

    program: ClassVar[str] = "prometheus"

    config: Document = field(default_factory=default_config)
    rules: Sequence[Document] = ()

    @property
    def tsdb_dir(self) -> Path:
        """Where its blocks are."""
        return self.data_dir / "tsdb"

    def _command(self, port: int) -> list[str]:
        self._write_rules()
        config_file = self.data_dir / "prometheus.yml"
        config_file.write_text(self._config_text(), encoding="utf-8")
        return [
            str(self.executable),
            f"--config.file={config_file}",
            f"--storage.tsdb.path={self.tsdb_dir}",
            f"--web.listen-address={HOST}:{port}",
            "--web.enable-lifecycle",
            *self.flags,
        ]

    def _config_text(self) -> str:
        if not self.rules:
            return render(self.config)
        if isinstance(self.config, Mapping):
            listed = self.config.get("rule_files", [])
            return render({**self.config, "rule_files": [*listed, RULES_GLOB]})
        text = render(self.config)
        if RULES_GLOB not in text:
            raise ValueError(f"rules are given, so the configuration text must list {RULES_GLOB} in rule_files")
        return text

    def _write_rules(self) -> None:
        folder = self.data_dir / "rules"
        folder.mkdir(exist_ok=True)
        for stale in folder.glob("*.yml"):
            stale.unlink()
        for number, rules in enumerate(self.rules):
            (folder / f"{number}.yml").write_text(render(rules), encoding="utf-8")
