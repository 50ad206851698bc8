"""The option that names a data set of recorded incidents; shared by ``brain bench rca`` and ``brain lab replay``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

DATASETS: Final = ("petshop", "rcd", "rcaeval4", "nezha", "nezha-past", "causalrca")
"""Those of ``brain_lab.recorded``, which is not imported for help: it takes numpy along. A test holds them together."""

Dataset = Annotated[str, typer.Option(help=f"{', '.join(DATASETS[:-1])} or {DATASETS[-1]}.")]
