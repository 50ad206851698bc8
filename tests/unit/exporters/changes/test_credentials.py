"""Who is let in, and who is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
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

pytestmark = pytest.mark.anyio

BODY = b'{"a": 1}'
OLD = "the secret before this one"
Pairs = list[tuple[str, str]]


def signed(algorithm: str, secret: str = SECRET, data: bytes = BODY) -> str:
    return hmac.new(secret.encode(), data, algorithm).hexdigest()


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


H, T, N, G = "X-Hub-Signature-256", "X-TFC-Task-Signature", "X-TFE-Notification-Signature", "X-Gitlab-Token"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


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


GOOD256, GOOD512 = signed("sha256"), signed("sha512")
WRONG: dict[Callable[[Path], Door], list[Pairs]] = {
    github: [
        [],
        [(H, "")],
        [(H, "sha256=")],
        [(H, GOOD256)],
        [(H, "sha256=" + GOOD256.upper())],
        [(H, "sha256=" + GOOD256[:-1])],
        [(H, "sha256=" + GOOD256 + "0")],
        [(H, "sha256=" + signed("sha256", "another secret"))],
        [(H, "sha256=" + signed("sha256", data=BODY + b" "))],
        [(H, "sha256=" + signed("sha256", "short"))],
        [(H, "sha256=" + signed("sha256", ""))],
        [(H, "sha1=" + signed("sha1"))],
        [("X-Hub-Signature", "sha1=" + signed("sha1"))],
        [(H, "sha512=" + GOOD512)],
        [(H, "sha256=" + GOOD256), (H, "sha256=" + GOOD256)],
        [(H, "sha256=é" + GOOD256[1:])],
        [("Authorization", f"Bearer {SECRET}")],
        [(H, SECRET)],
    ],
    terraform: [
        [],
        [(T, "")],
        [(T, "sha512=" + GOOD512)],
        [(T, GOOD512.upper())],
        [(T, GOOD512[:-1])],
        [(T, GOOD512 + "0")],
        [(T, GOOD256)],
        [(T, signed("sha512", "another secret"))],
        [(T, signed("sha512", data=b""))],
        [(T, signed("sha512", ""))],
        [(T, GOOD512), (T, GOOD512)],
        [(T, GOOD512), (N, GOOD512)],
        [(T, "é" * 128)],
        [("Authorization", f"Bearer {SECRET}")],
        [(T, SECRET)],
    ],
    gitlab: [
        [],
        [(G, "")],
        [(G, "short")],
        [(G, SECRET[:-1])],
        [(G, SECRET + "x")],
        [(G, SECRET.upper())],
        [(G, f"Bearer {SECRET}")],
        [(G, SECRET), (G, SECRET)],
        [(G, f"{SECRET},{OLD}")],
        [(G, "é" * 10)],
        [(G, f"{SECRET}\\n{OLD}")],
        [(G, hashlib.sha256(SECRET.encode()).hexdigest())],
        [("Authorization", f"Bearer {SECRET}")],
        [("X-Gitlab-Tokens", SECRET)],
    ],
    caller: [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", SECRET)],
        [("Authorization", "Bearer short")],
        [("Authorization", f"Bearer {SECRET}x")],
        [("Authorization", f"Bearer {SECRET.upper()}")],
        [("Authorization", f"Token {SECRET}")],
        [("Authorization", f"Bearer {SECRET}"), ("Authorization", f"Bearer {SECRET}")],
        [("Authorization", basic("ci", "wrong"))],
        [("Authorization", basic("", "open sesame"))],
        [("Authorization", basic("other", "open sesame"))],
        [("Authorization", "Basic !!!")],
        [("Authorization", "Basic " + base64.b64encode(b"\xff:\xff").decode())],
        [("Authorization", basic("ci", "open sesame" + "x" * 100))],
        [("Authorization", "Bearer é")],
        [("X-Auth-Token", SECRET)],
    ],
    named: [
        [],
        [("X-Falco-Token", "")],
        [("X-Falco-Token", SECRET + "x")],
        [("X-Falco-Token", "short")],
        [("X-Falco-Token", SECRET), ("X-Falco-Token", SECRET)],
        [("X-Falco-Token", f"Bearer {SECRET}")],
        [("X-Falco-Token", "é")],
        [("Authorization", f"Bearer {SECRET}")],
        [("Authorization", basic("x", SECRET))],
        [("X-Falco-Tokens", SECRET)],
        [("X-Falco-Token", SECRET.upper())],
        [("X-Falco-Token", SECRET[1:])],
    ],
}


@pytest.mark.parametrize("door", WRONG)
async def test_nobody_else_is_let_in(door: Callable[[Path], Door], tmp_path: Path) -> None:
    assert len(WRONG[door]) >= 12
    made = door(tmp_path)
    assert [pairs for pairs in WRONG[door] if await admitted(made, pairs)] == []


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
