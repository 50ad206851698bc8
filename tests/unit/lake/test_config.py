"""Settings of the lake: wrong ones are refused by their key, secrets are not shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_lake.config import LakeSettings, UpkeepSettings, load_lake_file
from brain_lake.location import LakeLocation
from brain_lake.schemas import EVENTS
from brain_lake.writer import open_writer

KEYS = {"access_key_id": "AKIA", "secret_access_key": "very-secret"}


def settings(data: dict[str, Any]) -> LakeSettings:
    return check_settings(data, LakeSettings, "lake.yaml")


def options(**s3: Any) -> dict[str, str]:
    return dict(LakeLocation.of(settings({"s3": {"bucket": "lake", **s3}})).options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give either path (a folder) or s3 (a bucket)"),
        ({"path": "x", "s3": {"bucket": "lake"}}, "give either path (a folder) or s3 (a bucket)"),
        ({"path": "a%20b"}, "path must not contain %"),
        ({"s3": {}}, "s3.bucket: Field required"),
        ({"s3": {"bucket": "UPPER"}}, "s3.bucket: "),
        ({"s3": {"bucket": "a/../b"}}, "s3.bucket: "),
        ({"s3": {"bucket": "lake", "prefix": "a/../b"}}, "a prefix has no . and no .. in it"),
        ({"s3": {"bucket": "lake", "access_key_id": "AKIA"}}, "together, or neither"),
        ({"s3": {"bucket": "lake", "session_token": "t"}}, "session_token goes with access_key_id"),
        ({"s3": {"bucket": "lake", "endpoint_url": "ftp://x"}}, "s3.endpoint_url: "),
        ({"s3": {"bucket": "lake", "kms_key_id": ""}}, "s3.kms_key_id: "),
    ],
)
def test_a_wrong_place_is_told_by_its_key(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=r"^lake\.yaml: ") as caught:
        settings(given)
    assert message in str(caught.value)


def test_a_folder_is_made_absolute_and_nothing_is_written_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    location = LakeLocation.of(settings({"path": "lake"}))
    assert (location.root, location.folder) == (f"file://{tmp_path}/lake", tmp_path / "lake")
    open_writer(settings({"path": "lake"}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["brain/lake", "/brain//lake/"])
def test_a_prefix_is_a_folder_of_the_bucket(prefix: str) -> None:
    location = LakeLocation.of(settings({"s3": {"bucket": "lake", "prefix": prefix}}))
    assert location.uri(EVENTS) == "s3://lake/brain/lake/events"
    assert location.folder is None


def test_commits_in_a_bucket_are_conditional_writes() -> None:
    assert options()["aws_conditional_put"] == "etag"


def test_credentials_are_left_to_the_environment_when_none_are_given() -> None:
    assert [name for name in options() if "key" in name or "token" in name] == []


def test_credentials_are_used_and_never_shown() -> None:
    given = settings({"s3": {"bucket": "lake", **KEYS}})
    location = LakeLocation.of(given)
    assert location.options["aws_secret_access_key"] == "very-secret"
    assert "very-secret" not in f"{given!r} {location!r}"


@pytest.mark.parametrize(("url", "allowed"), [("http://localhost:7070", "true"), ("https://s3.example.org/", "false")])
def test_without_tls_only_where_the_url_says_so(url: str, allowed: str) -> None:
    found = options(endpoint_url=url)
    assert (found["aws_endpoint"], found["aws_allow_http"]) == (url.rstrip("/"), allowed)
    assert "aws_allow_http" not in options()


def test_a_kms_key_encrypts_every_object() -> None:
    found = options(kms_key_id="alias/lake")
    assert (found["aws_server_side_encryption"], found["aws_sse_kms_key_id"]) == ("aws:kms", "alias/lake")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"retention_days_of": {"traffic": 3}}, "no such table: traffic; there are metrics, edges"),
        ({"retention_days_of": {"events": 0}}, "days must be 1 to 3650"),
        ({"keep_files_hours": 0.5}, "keep_files_hours: "),
        ({"retention_days": 0}, "retention_days: "),
    ],
)
def test_a_wrong_upkeep_is_told_by_its_key(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_settings(given, UpkeepSettings, "lake.yaml")
    assert message in str(caught.value)


def test_a_table_may_be_kept_for_longer() -> None:
    upkeep = UpkeepSettings(retention_days_of={"cost": 400})
    assert (upkeep.days_of("cost"), upkeep.days_of("events")) == (400, 30)


@pytest.mark.parametrize(
    "text",
    [
        "lake: {path: here}\nlake_upkeep: {retention_days: 7}\n",
        "lake: {path: here}\nlake_upkeep: {retention_days: 7}\nsource: {any: thing}\n",
        "evidence: {lake: {path: here}}\nlake_upkeep: {retention_days: 7}\nstore: {}\n",
    ],
)
def test_the_lake_is_found_in_any_configuration_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(text)
    file = load_lake_file(path)
    assert (file.lake.path, file.lake_upkeep.retention_days) == (Path("here"), 7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store: {}\n", "has no section lake, nor evidence.lake"),
        ("evidence: {prometheus: {}}\n", "has no section lake, nor evidence.lake"),
        ("- lake\n", "expected keys and values at the top, found list"),
        ("lake: {paht: x}\n", "lake.paht: unknown key"),
    ],
)
def test_a_file_without_a_lake_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_lake_file(path)
    assert message in str(caught.value)
