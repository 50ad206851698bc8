"""A folder that cannot be made is the lake being away, which heals; nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from brain_common.errors import BrainError
from brain_lake.location import LakeLocation
from brain_lake.schemas import SECURITY
from brain_lake.writer import Batch, LakeWriter


def rows() -> pa.Table:
    required = [field for field in SECURITY.columns if not field.nullable]
    values = {field.name: ["x"] for field in required} | {"timestamp": [datetime(2026, 1, 2, tzinfo=UTC)]}
    return pa.table([pa.array(values[f.name], f.type) for f in required], names=[f.name for f in required])


def test_a_folder_below_a_file_is_told_and_heals(tmp_path: Path) -> None:
    blocked = tmp_path / "lake"
    blocked.write_text("in the way")
    writer = LakeWriter(LakeLocation.local(blocked / "folder"))
    with pytest.raises(BrainError, match="lake table security: "):
        writer.append(SECURITY, rows(), Batch("w", 1))
    blocked.unlink()
    writer.append(SECURITY, rows(), Batch("w", 1))
    assert writer.last_batch(SECURITY, "w") == 1
