"""What cannot be simulated is told before anything is said to be, or made."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_cli.lab_run import run
from brain_common.errors import ConfigError


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("platform", "fault", "message"),
    [
        ("finnce", "none", "platform 'finnce': none of finance"),
        ("finance", "oom-kil", "fault 'oom-kil': none of none, "),
    ],
)
def test_a_wrong_name_is_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], platform: str, fault: str, message: str, live: bool
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(platform, fault, out=tmp_path / "out", live=live)
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "out").exists()
