"""Who is let in, and who is not."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
from starlette.datastructures import Headers

from brain_common.errors import TemporaryError
from brain_common.serving.config import CallerSettings
from brain_exporters.changes.credentials import (
    GITHUB,
    TERRAFORM,
    CallerDoor,
    Door,
    SecretFiles,
    SignatureDoor,
    TokenDoor,
)
from tests.unit.exporters.changes.samples import SECRET
from tests.unit.exporters.changes.wrong import BODY, OLD, WRONG, G, H, N, Pairs, T, basic, signed

pytestmark = pytest.mark.anyio


def secrets(folder: Path) -> SecretFiles:
    new, old = folder / "new", folder / "old"
    new.write_text(f"{SECRET}\n\n")
    old.write_text(f"  {OLD}  \nshort\n")
    return SecretFiles([new, old])


def raw(pairs: Pairs) -> Headers:
    return Headers(raw=[(name.lower().encode(), value.encode("latin-1")) for name, value in pairs])


async def admitted(door: Door, pairs: Pairs) -> bool:
    return door.shown(raw(pairs)) and await door.admits(raw(pairs), BODY)


def github(folder: Path) -> Door:
    return SignatureDoor(secrets(folder), GITHUB)


def terraform(folder: Path) -> Door:
    return SignatureDoor(secrets(folder), TERRAFORM)


def gitlab(folder: Path) -> Door:
    return TokenDoor(secrets(folder), "x-gitlab-token")


def caller(folder: Path) -> Door:
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    return CallerDoor(
        secrets(folder),
        [CallerSettings.model_validate({"name": "ci", "username": "ci", "password_bcrypt": hashed})],
        None,
    )


def named(folder: Path) -> Door:
    return CallerDoor(secrets(folder), (), "x-falco-token")


@pytest.mark.parametrize(
    ("door", "pairs"),
    [
        (github, [(H, "sha256=" + signed("sha256"))]),
        (github, [(H, "sha256=" + signed("sha256", OLD))]),
        (terraform, [(T, signed("sha512"))]),
        (terraform, [(N, signed("sha512", OLD))]),
        (gitlab, [(G, SECRET)]),
        (gitlab, [(G, OLD)]),
        (caller, [("Authorization", f"Bearer {SECRET}")]),
        (caller, [("Authorization", f"bearer {OLD}")]),
        (caller, [("Authorization", basic("ci", "open sesame"))]),
        (named, [("X-Falco-Token", SECRET)]),
    ],
)
async def test_who_knows_a_secret_is_let_in(door: Callable[[Path], Door], pairs: Pairs, tmp_path: Path) -> None:
    assert await admitted(door(tmp_path), pairs)


DOORS = {"github": github, "terraform": terraform, "gitlab": gitlab, "caller": caller, "named": named}


@pytest.mark.parametrize("name", WRONG)
async def test_nobody_else_is_let_in(name: str, tmp_path: Path) -> None:
    assert len(WRONG[name]) >= 12
    door = DOORS[name](tmp_path)
    assert [pairs for pairs in WRONG[name] if await admitted(door, pairs)] == []


async def test_a_secret_is_changed_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    door = CallerDoor(SecretFiles([file]), (), None)
    assert await admitted(door, [("Authorization", f"Bearer {SECRET}")])
    replacement = tmp_path / "next"
    replacement.write_text(OLD)
    os.replace(replacement, file)  # as a kubelet does
    assert not await admitted(door, [("Authorization", f"Bearer {SECRET}")])
    assert await admitted(door, [("Authorization", f"Bearer {OLD}")])


@pytest.mark.parametrize(
    "content", [None, b"", b"\n \n", b"short\n", b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe", b"x" * 70000]
)
async def test_without_a_secret_nobody_is_let_in(
    content: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    for door in (
        TokenDoor(SecretFiles([file]), "x-gitlab-token"),
        CallerDoor(SecretFiles([file]), (), "x-gitlab-token"),
    ):
        for _ in range(2):
            with pytest.raises(TemporaryError):
                await door.admits(raw([(G, "xxxxxxxxxxxx")]), BODY)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2  # once for each of the doors
    assert all(str(file) in line for line in said)


async def test_who_stands_in_the_configuration_is_let_in_without_the_files(tmp_path: Path) -> None:
    known = CallerSettings.model_validate({"name": "ci", "bearer_token": SECRET})
    door = CallerDoor(SecretFiles([tmp_path / "gone"]), [known], None)
    assert await admitted(door, [("Authorization", f"Bearer {SECRET}")])
    assert not await admitted(door, [("Authorization", f"Bearer {OLD}")])


async def test_one_file_that_is_gone_leaves_the_other(tmp_path: Path) -> None:
    files = secrets(tmp_path)
    (tmp_path / "new").unlink()
    assert files.current() == (OLD,)
