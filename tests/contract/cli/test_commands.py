"""The command as a whole: light to start, one line when something is wrong, clean to end."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import yaml

from brain_cli import main as program
from brain_common.errors import BrainError, ConfigError, TemporaryError
from tests.contract.cli.conftest import PROGRAM, Brain, one_line, process
from tests.unit.lab import folders

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("numpy", "duckdb", "grpc", "starlette", "uvicorn", "pyarrow", "deltalake", "httpx", "psycopg")
PARTS = ("brain_rca", "brain_engine", "brain_lake", "brain_lab", "brain_api")
INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from brain_cli.entry import main
main()
"""
TLS = {"cert_file": "nope", "key_file": "nope"}
LOOK = """
import sys
from brain_cli.main import main
sys.argv = ["brain", *sys.argv[1:]]
try:
    main()
finally:
    print("\\nloaded:", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def config(folder: Path, **parts: Any) -> Path:
    """A small configuration file that is good but for ``parts``."""
    good = {
        "http": {"port": 0},
        "grpc": None,
        "store": {"sqlite": str(folder / "var" / "incidents.sqlite")},
        "evidence": {"lake": {"path": str(folder / "lake")}},
    }
    path = folder / "rca.yaml"
    path.write_text(yaml.safe_dump({**good, **parts}))
    return path


# Starting


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["rca", "analyze", "--help"]])
def test_asking_what_there_is_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.rpartition("loaded:")[2].split())
    assert "typer" in loaded
    assert loaded.isdisjoint({*HEAVY, *PARTS})


def test_the_version_is_that_of_the_distribution(brain: Brain) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    result = brain("--version")
    assert (result.code, result.err) == (0, "")
    assert result.out == f"brain {project['version']}\n" == f"brain {version('ai-devops-brain')}\n"


@pytest.mark.parametrize("arguments", [[], ["rca"], ["lab"], ["audit"], ["bench"]])
def test_without_a_command_it_says_which_there_are(brain: Brain, arguments: list[str]) -> None:
    result = brain(*arguments)
    assert "Usage: " in result.out + result.err
    assert "Commands" in result.out + result.err


@pytest.mark.parametrize("arguments", [["explode"], ["rca", "serve"], ["rca", "serve", "--conf", "x"], ["--verbose"]])
def test_a_wrong_option_is_a_usage_error(brain: Brain, arguments: list[str]) -> None:
    result = brain(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage: " in result.err
    assert "Traceback" not in result.err


# What goes wrong in a command


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Every command raises ``error``."""
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(program, "app", lambda: app(args=[], standalone_mode=False))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigError("rca.yaml: prt: unknown key"), "rca.yaml: prt: unknown key"),
        (TemporaryError("two\nlines\tof text"), "two lines of text"),
        (BrainError("http://user:s3cret@host: away"), "http://***@host: away"),
        (BrainError("password=s3cret"), "password=***"),
    ],
)
def test_an_error_of_ours_is_one_line_without_secrets(
    brain: Brain, monkeypatch: pytest.MonkeyPatch, error: BrainError, text: str
) -> None:
    failing(monkeypatch, error)
    assert one_line(brain()) == text


def test_a_part_that_is_not_installed_is_named(brain: Brain, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, ModuleNotFoundError("No module named 'duckdb'", name="duckdb"))
    text = one_line(brain())
    assert "needs the package duckdb, which is not installed" in text
    assert "ai-devops-brain[all]" in text


@pytest.mark.parametrize(
    ("command", "extra"),
    [("rca", "rca"), ("audit", "rca"), ("demo", "rca"), ("lab", "lab"), ("exporter", "exporters"), ("bench", "all")],
)
def test_the_part_to_install_is_that_of_the_command(
    brain: Brain, monkeypatch: pytest.MonkeyPatch, command: str, extra: str
) -> None:
    failing(monkeypatch, ModuleNotFoundError("No module named 'duckdb'", name="duckdb"))
    assert f"install the part you use: ai-devops-brain[{extra}]" in one_line(brain(command, "--x", "rca"))


def test_interrupted_while_it_loads_it_ends_quietly() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_installed_command_is_the_quiet_one() -> None:
    [command] = entry_points(group="console_scripts", name="brain")
    assert command.value == "brain_cli.entry:main"


def test_a_part_of_ours_that_is_missing_is_a_bug_and_shown_as_one(
    brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, ModuleNotFoundError("No module named 'brain_rca.gone'", name="brain_rca.gone"))
    with pytest.raises(ModuleNotFoundError, match=r"brain_rca\.gone"):
        brain()


# brain rca serve


def test_a_good_configuration_is_said_to_be_and_nothing_is_started(brain: Brain, tmp_path: Path) -> None:
    path = config(tmp_path)
    result = brain("rca", "serve", "--config", path, "--check-config")
    assert (result.code, result.out, result.err) == (0, f"{path}: good\n", "")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"http": {"prt": 1}}, "http.prt: unknown key, did you mean port?"),
        ({"http": {"port": 0, "tls": TLS}}, "http.tls.cert_file: nope cannot be read: No such file or directory"),
        ({"grpc": {"port": 0, "tls": TLS}}, "grpc.tls.cert_file: nope cannot be read: No such file or directory"),
        ({"http": {"port": 99999}}, "http.port: Input should be less than or equal to 65535"),
        ({"store": {}}, "store: give either sqlite (a file) or postgres"),
        ({"store": {"postgres": "${env:NOT_SET}"}}, "store.postgres: environment variable NOT_SET is not set"),
        ({"evidence": {}}, "evidence: give prometheus (a server), lake (a folder or a bucket), or both"),
        ({"evidence": {"prometheus": {"url": "x"}}}, "evidence.prometheus.url: expected http://host"),
        ({"external_url": "brain"}, "external_url: "),
        ({"log_level": "LOUD"}, "log_level: "),
        ({"analysis": {"detector": "eyes"}}, "'eyes' is not among the entry points of ai_devops_brain.detectors: "),
        ({"analysis": {"ranker": "dice"}}, "'dice' is not among the entry points of ai_devops_brain.rankers: "),
        ({"analysis": {"window": {"longest_seconds": 60}}}, "longest_seconds must not be less than lookback_seconds"),
        ({"scope": {"aliases": {"cart": "basket"}}}, "expected cluster/namespace/kind/name"),
        ({"store": {"sqlite": ""}}, "store.sqlite: the path is empty"),
        ({"store": {"sqlite": "."}}, "store.sqlite: give a file, not a folder"),
        ({"http": {"port": True}}, "http.port: give a number, not true or false"),
        (
            {"evidence": {"prometheus": {"url": "http://x", "timeout_seconds": True}}},
            "evidence.prometheus.timeout_seconds: give a number, not true or false",
        ),
        ({"store": {"postgres": "host=x s3cret"}}, "store.postgres: the connection string is malformed"),
        ({"proposals": "gone.yaml"}, "gone.yaml: cannot be read: "),
        (
            {"publish": {"webhooks": [{"name": "x", "url": "http://x/", "body": "{{ 1 +"}]}},
            "publish.webhooks.0",
        ),
    ],
)
def test_a_wrong_configuration_is_one_line_with_its_key(
    brain: Brain, tmp_path: Path, parts: dict[str, Any], message: str
) -> None:
    assert message in one_line(brain("rca", "serve", "--config", config(tmp_path, **parts), "--check-config"))


@pytest.mark.parametrize("content", [None, "a: [", "text", "", "a: 2025-99-99"])
def test_a_file_that_is_no_configuration_is_one_line(brain: Brain, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "rca.yaml"
    if content is not None:
        path.write_text(content)
    assert one_line(brain("rca", "serve", "--config", path, "--check-config")).startswith(f"{path}: ")


def test_a_key_given_twice_is_refused_with_its_line(brain: Brain, tmp_path: Path) -> None:
    path = tmp_path / "rca.yaml"
    path.write_text("http: {port: 1}\ngrpc: null\nhttp: {port: 2}\n")
    assert "line 3: http: given twice" in one_line(brain("rca", "serve", "--config", path, "--check-config"))


def test_a_credential_that_is_not_mounted_yet_is_told_but_good(brain: Brain, tmp_path: Path) -> None:
    evidence = {"prometheus": {"url": "http://x", "bearer": {"token_file": "/nowhere/token"}}}
    grafana = {"http": {"url": "http://g", "basic_auth": {"username": "u", "password_file": "/nowhere/word"}}}
    path = config(tmp_path, evidence=evidence, publish={"grafana": grafana})
    result = brain("rca", "serve", "--config", path, "--check-config")
    assert (result.code, result.out) == (0, f"{path}: good\n")
    assert "token_file /nowhere/token does not exist yet\n" in result.err
    assert "password_file /nowhere/word does not exist yet\n" in result.err


def test_no_secret_of_a_configuration_is_shown(brain: Brain, tmp_path: Path) -> None:
    path = config(
        tmp_path,
        evidence={"prometheus": {"url": "http://user:s3cret@host", "bearer": {"token": "s3cret\n2"}}},
        store={"postgres": {"dsn": "s3cret"}},
        callers=[{"name": "x", "bearer_token": ["s3cret"]}],
    )
    assert "s3cret" not in one_line(brain("rca", "serve", "--config", path, "--check-config"))


def told(server: subprocess.Popen[str]) -> str:
    """The address that the service logs when it listens."""
    assert server.stderr is not None
    for line in server.stderr:
        if match := re.search(r"listening: (http://\S+),", line):
            return match[1]
    raise AssertionError("it ended before it listened")


def test_the_service_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    command = [str(PROGRAM), "rca", "serve", "--config", str(config(tmp_path))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = told(server)
        assert httpx.get(f"{url}/-/ready", timeout=10).text == "ready\n"
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=20)
    assert (server.returncode, out) == (0, "")
    assert "Traceback" not in err


# brain lab replay


@pytest.mark.parametrize(
    ("dataset", "path", "case", "message"),
    [
        ("petshops", ".", "x", "data set 'petshops' is none of petshop, rcd, rcaeval4"),
        ("petshop", "gone", "x", "gone: no such folder"),
        ("petshop", "empty", "x", "case 'x' is not among: none found in this folder"),
        ("rcd", "rcd", "x", "case 'x' is not among: carts-cpu/1"),
        ("rcd", "rcd", "../rcd/carts-cpu/1", "is not among: carts-cpu/1"),
        ("rcd", "rcd", "carts-cpu/1", "full is not empty: give --into-prometheus a folder of its own"),
    ],
)
def test_a_replay_that_cannot_be_is_one_line(
    brain: Brain, tmp_path: Path, dataset: str, path: str, case: str, message: str
) -> None:
    folders.rcd(tmp_path / "rcd")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    options = ["--dataset", dataset, "--path", tmp_path / path, "--case", case, "--into-prometheus", tmp_path / "full"]
    assert message in one_line(brain("lab", "replay", *options))


def test_a_replay_without_promtool_says_how_to_get_it(
    brain: Brain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.rcd(tmp_path / "rcd")
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(tmp_path / "gone"))
    options = ["--dataset", "rcd", "--path", tmp_path / "rcd", "--case", "carts-cpu/1"]
    assert "promtool" in one_line(brain("lab", "replay", *options, "--into-prometheus", tmp_path / "tsdb"))


def test_the_end_of_a_replay_in_milliseconds_is_a_wrong_option(brain: Brain, tmp_path: Path) -> None:
    options = ["--dataset", "rcd", "--path", tmp_path, "--case", "x", "--into-prometheus", tmp_path / "tsdb"]
    result = brain("lab", "replay", *options, "--end", "1750000200000")
    assert (result.code, result.out) == (2, "")
    assert not (tmp_path / "tsdb").exists()


# Values that no option takes


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["lab", "run", "finance", "--out", "{}", "--end", "-5"], "--end"),
        (["lab", "run", "finance", "--out", "{}", "--end", "nan"], "--end"),
        (["lab", "run", "finance", "--out", "{}", "--end", "1e300"], "--end"),
        (["lab", "evaluate", "--workers", "-4"], "--workers"),
        (["bench", "lab", "--seed", "-1"], "--seed"),
        (["demo", "--once", "--seed", "-1"], "--seed"),
        (["demo", "--once", "--port", "-1"], "--port"),
        (["demo", "--port", "99999"], "--port"),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_done(
    brain: Brain, tmp_path: Path, arguments: list[str], option: str
) -> None:
    result = brain(*(argument.format(tmp_path / "out") for argument in arguments))
    assert (result.code, result.out) == (2, "")
    assert f"Invalid value for '{option}'" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["bench", "rca-scale"], ["lab", "evaluate"]])
def test_a_ranker_that_is_none_is_one_line_with_those_there_are(brain: Brain, command: list[str]) -> None:
    text = one_line(brain(*command, "--ranker", "nosuch"))
    assert text.startswith("--ranker: 'nosuch' is not among the entry points of ai_devops_brain.rankers: ")


# brain demo


def test_the_demo_finds_what_it_broke_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = process("demo", "--once", "--seed", 3)
    assert (result.code, result.err) == (0, "")
    first = next(line for line in result.out.splitlines() if line.startswith("1 "))
    assert "ledger-db" in first
    assert "missing evidence" not in result.out
    assert re.search(r"^what was broken on purpose: \S*/database/ledger-db$", result.out, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_takes_feedback_by_the_command_that_it_prints(tmp_path: Path) -> None:
    brain = Path(sys.executable).with_name("brain")
    with subprocess.Popen([brain, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            command = next(line.strip() for line in demo.stdout if " confirm " in line)
            said = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True, timeout=60)
        finally:
            demo.send_signal(signal.SIGINT)
    assert "confirmed: database shop/ledger-db" in said.stdout


def test_a_demo_whose_port_is_taken_says_which_option_to_change(brain: Brain) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = brain("demo", "--port", port)
    assert result.code == 1
    assert result.err == (
        f"brain: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "give another with --port, or --port 0 for any free one\n"
    )


@pytest.mark.parametrize("option", ["--token-file", "--ca-file"])
def test_an_assistants_server_does_not_start_without_the_files_it_is_given(
    brain: Brain, tmp_path: Path, option: str
) -> None:
    text = one_line(brain("mcp", option, tmp_path / "none"))
    assert text == f"{tmp_path / 'none'}: cannot be read: No such file or directory"


def test_an_assistants_server_sends_no_token_in_plain_text_to_another_machine(brain: Brain, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret")
    text = one_line(brain("mcp", "--address", "rca.example.org:50051", "--token-file", token))
    assert text == "--address rca.example.org:50051: credentials would travel in plain text; use TLS (--ca-file)"


def test_an_address_without_a_port_is_not_taken_for_another_port(brain: Brain) -> None:
    text = one_line(brain("incident", "--server", "localhost", "list"))
    assert text == "--server localhost: no port; give HOST:PORT, such as localhost:50051"


@pytest.mark.parametrize("port", ["0", "65536", "99999", "1234567"])
@pytest.mark.parametrize("command", [["incident", "--server", "{}", "list"], ["mcp", "--address", "{}"]])
def test_a_port_that_is_none_is_not_taken_for_another(brain: Brain, command: list[str], port: str) -> None:
    address = f"127.0.0.1:{port}"
    text = one_line(brain(*(argument.format(address) for argument in command)))
    assert text.endswith(f"{address}: port must be 1 to 65535")
