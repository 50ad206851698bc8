"""The configuration file: where values come from, and how a mistake is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, SecretStr, ValidationError, field_validator

from brain_common.errors import ConfigError
from brain_common.settings import Settings, check_settings, load_settings, load_yaml


class Part(Settings):
    url: str = Field(default="", max_length=40)
    token: SecretStr | None = None
    names: tuple[str, ...] = ()


class Example(Settings):
    port: int = Field(default=1, ge=0, le=65535)
    part: Part = Part()
    parts: Mapping[str, Part] = {}
    maybe: Annotated[Part | None, Field(description="May be absent.")] = None
    many: tuple[Part, ...] = ()
    even: int = 0
    seconds: float | None = None
    weights: Mapping[str, Annotated[float, Field(gt=0)]] = {}
    switch: bool = False
    any_of: tuple[str | bool | int, ...] = ()
    file: Path | None = None
    files: tuple[Path, ...] = ()

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("give an even number")
        return value


def check(data: object, **environ: str) -> Example:
    return check_settings(data, Example, "example.yaml", environ)


def refused(data: object, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        check(data, **environ)
    return str(caught.value)


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "example.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_file_becomes_settings(tmp_path: Path) -> None:
    path = file(tmp_path, "port: 8088\npart: {url: ' http://x ', names: [a, b]}\n")
    assert load_settings(path, Example) == Example(port=8088, part=Part(url="http://x", names=("a", "b")))


@pytest.mark.parametrize("content", ["", "# only a comment\n", "---\n", "null\n", "{}"])
def test_an_empty_file_means_the_defaults(tmp_path: Path, content: str) -> None:
    assert load_settings(file(tmp_path, content), Example) == Example()


def test_settings_do_not_change_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Example().port = 2


# References


def test_the_environment_and_files_fill_in(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    data = {
        "port": "${env:PORT}",
        "part": {"url": "http://${env:HOST}:${env:PORT}/", "token": f"${{file:{tmp_path}/token}}"},
    }
    found = check(data, PORT="80", HOST="db")
    assert (found.port, found.part.url) == (80, "http://db:80/")
    assert found.part.token is not None
    assert found.part.token.get_secret_value() == "s3cret"


def test_references_are_looked_up_in_lists_and_mappings_and_not_in_keys() -> None:
    found = check({"part": {"names": ["${env:A}", "b"]}, "parts": {"${env:A}": {"url": "${env:A}"}}}, A="x")
    assert found.part.names == ("x", "b")
    assert found.parts == {"${env:A}": Part(url="x")}


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert check({"part": {"url": "${env:A}"}}, A="${env:B}").part.url == "${env:B}"


@pytest.mark.parametrize("text", ["$HOME", "${HOME}", "${env}", "${env:}", "${vault:x}", "$window"])
def test_what_is_no_reference_stays_as_it_is(text: str) -> None:
    assert check({"part": {"url": text}}).part.url == text


def test_the_real_environment_is_used_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_PORT", "42")
    assert check_settings({"port": "${env:EXAMPLE_PORT}"}, Example, "x").port == 42


def test_a_variable_that_is_not_set_is_told_with_its_key() -> None:
    text = refused({"part": {"token": "${env:TOKEN}"}})
    assert text == "example.yaml: part.token: environment variable TOKEN is not set"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00s3cret", b"folder"])
def test_a_file_that_cannot_be_used_is_told_with_its_key(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content == b"folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    text = refused({"part": {"token": f"${{file:{path}}}"}})
    assert text.startswith(f"example.yaml: part.token: file {path} ")
    assert "s3cret" not in text


# Mistakes


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"port": -1}, "port: Input should be greater than or equal to 0"),
        ({"port": "many"}, "port: Input should be a valid integer"),
        ({"prt": 1}, "prt: unknown key, did you mean port?"),
        ({"part": {"uri": "x"}}, "part.uri: unknown key, did you mean url?"),
        ({"parts": {"a": {"nams": []}}}, "parts.a.nams: unknown key, did you mean names?"),
        ({"maybe": {"toke": "x"}}, "maybe.toke: unknown key, did you mean token?"),
        ({"many": [{}, {"urll": "x"}]}, "many.1.urll: unknown key, did you mean url?"),
        ({"parts": {"a": {"names": 5}}}, "parts.a.names: "),
        ({1: 2}, "1: "),
        ({"part": None}, "part: "),
        ([], "expected keys and values at the top, found list"),
        ("text", "expected keys and values at the top, found str"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(data: object, message: str) -> None:
    text = refused(data)
    assert text.startswith("example.yaml: ")
    assert message in text
    assert "\n" not in text


def test_a_key_that_is_like_none_has_no_suggestion() -> None:
    assert refused({"zzz": 1}) == "example.yaml: zzz: unknown key"


def test_our_own_words_are_told_as_they_are() -> None:
    assert refused({"even": 1}) == "example.yaml: even: give an even number"


@pytest.mark.parametrize("key", ["port", "seconds"])
@pytest.mark.parametrize("value", [True, False])
def test_true_is_no_number(key: str, value: bool) -> None:
    assert refused({key: value}) == f"example.yaml: {key}: give a number, not true or false"


def test_true_is_no_number_among_others() -> None:
    assert refused({"weights": {"a": 1, "b": True}}) == "example.yaml: weights: give a number, not true or false"


def test_true_is_itself_where_it_may_be() -> None:
    found = check({"switch": True, "any_of": [True, 1, "a"]})
    assert found.switch is True
    assert found.any_of == (True, 1, "a")


def test_a_number_may_be_written_as_text() -> None:
    found = check({"port": "8192", "seconds": "1.5", "weights": {"a": "${env:A}"}}, A="2")
    assert (found.port, found.seconds, found.weights) == (8192, 1.5, {"a": 2.0})


@pytest.mark.parametrize("value", ["", " ", "${env:EMPTY}"])
def test_an_empty_path_is_refused(value: str) -> None:
    assert refused({"file": value}, EMPTY="") == "example.yaml: file: the path is empty"
    assert refused({"files": ["a", value]}, EMPTY="") == "example.yaml: files: the path is empty"


def test_the_folder_of_the_process_is_a_path() -> None:
    assert check({"file": ".", "files": ["./a"]}).files == (Path("a"),)


def test_all_mistakes_are_told_at_once() -> None:
    assert refused({"port": -1, "part": {"a": 1, "b": 2}}).count("; ") == 2


@pytest.mark.parametrize("data", [{"part": {"url": "s3cret" * 20}}, {"part": {"token": {"s3cret": 1}}}])
def test_a_value_is_never_repeated(data: object) -> None:
    assert "s3cret" not in refused(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "is no YAML: .*line 1, column 5"),
        ("a: 1\n\tb: 2", "is no YAML: .*line 2"),
        ("a: !!python/object/apply:os.system [ls]", "is no YAML: could not determine a constructor"),
        (b"a: \xff", "is no YAML: "),
        ("a: 2025-13-45", "is no YAML: month must be in 1..12"),
        ("a: 0x_", "is no YAML: invalid literal"),
        ("[" * 1000, "nested too deeply"),
        ("x" * ((1 << 20) + 1), "larger than 1048576 bytes; is it the right file?"),
    ],
)
def test_a_file_that_is_no_yaml_is_told_in_one_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_yaml(file(tmp_path, content))
    assert str(caught.value).startswith(f"{tmp_path}/example.yaml: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_holds_itself_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        load_settings(file(tmp_path, "part: &a {parts: *a}"), Example)


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read: "):
        load_yaml(tmp_path / name)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match="larger than"):
        load_yaml(Path(os.devnull).with_name("zero"))


def test_any_yaml_is_handed_on(tmp_path: Path) -> None:
    content: Any = load_yaml(file(tmp_path, "[1, a, {b: null}]"))
    assert content == [1, "a", {"b": None}]
