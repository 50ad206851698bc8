"""The documentation against the product: nothing is missing, nothing is named that is not there, examples work."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from brain_cli.main import app
from brain_common.settings import Settings, check_settings
from brain_engine.findings import find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.judge import judge
from brain_engine.plugins import load_detector, load_ranker
from brain_lake.config import LakeFile, UpkeepSettings
from brain_lake.location import LakeLocation
from brain_lake.schemas import COST, EVENTS
from brain_lake.writer import LakeWriter
from brain_otel.config import OtelSettings
from brain_rca.analysis.changes import KINDS
from brain_rca.config import RcaSettings
from brain_rca.evidence.catalogue import Catalogue, load_catalogue
from brain_rca.fix.catalogue import load_catalogue as load_proposals
from brain_rca.intake.payload import parse_group
from brain_rca.metrics import Metrics
from brain_rca.model import Cause, Change, ChangeKind
from brain_rca.publish.names import BRAIN_ALERTNAME
from brain_rca.service import check
from tests.contract.engine import scenes
from tests.repo.plugin_page import FENCE, blocks, installed
from tests.servers.provide import require
from tests.unit.lake.rows import START, event_rows, sample_rows

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = ROOT / "examples"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands between a heading and the next one of its level."""
    level = heading.split(" ")[0]
    after = text.split(f"\n{heading}\n")[1]
    return after.split(f"\n{level} ")[0]


# --- commands


def commands(command: Any, name: str = "brain") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by what one types; typer brings a click of its own."""
    parts = getattr(command, "commands", None)
    if parts is not None:
        for part in parts.values():
            yield from commands(part, f"{name} {part.name}")
    else:
        yield name, command


ALL_COMMANDS = dict(commands(typer.main.get_command(app)))
GROUPS = {name.rpartition(" ")[0] for name in ALL_COMMANDS} | {"brain bench"}


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_is_documented_with_its_options(name: str) -> None:
    page = text_of("docs/commands.md")
    if name.startswith("brain bench "):
        part = section(page, "## brain bench")
        assert f"`{name.split(' ')[2]}`" in part
    else:
        part = section(page, f"## {name}")
    options = [option for one in ALL_COMMANDS[name].params for option in one.opts if option != "--help"]
    assert [option for option in options if f"`{option}`" not in part and f"{option}`" not in part] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in re.findall(r"(?:^[$ ]*|`|bin/)brain((?: [a-z]+)+)", text, re.M):
        name = f"brain{words}"
        assert any(known in (name, *_beginnings(name)) for known in (*ALL_COMMANDS, *GROUPS)), name


def _beginnings(name: str) -> Iterator[str]:
    words = name.split(" ")
    for count in range(2, len(words)):
        yield " ".join(words[:count])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_option_of_a_console_example_exists(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "console"):
        for line in block.splitlines():
            if not (found := re.search(r"\bbrain ((?:[a-z]+ ?)+)(--.*)", line)):
                continue
            words = f"brain {found[1].strip()}"
            command = ALL_COMMANDS[next(name for name in (words, *_beginnings(words)) if name in ALL_COMMANDS)]
            known = {option for one in command.params for option in one.opts}
            assert set(re.findall(r"--[a-z-]+", found[2])) <= known, line


def test_the_commands_of_the_readme_can_be_pasted_one_after_the_other() -> None:
    """In an environment that was activated before, with the parts installed and the files there that they need."""
    lines = [line for block in blocks(README, "console") for line in block.splitlines() if line.startswith("$ ")]
    typed = [line.removeprefix("$ ").partition("  #")[0] for line in lines]
    activated = next(place for place, line in enumerate(typed) if line.endswith(". venv/bin/activate"))
    assert not any(line.startswith(("brain", "pip")) for line in typed[:activated])
    assert not any("venv/bin/" in line for line in typed[activated + 1 :])
    there, installed = {"collector.yaml", "brain.yaml"}, set[str]()  # the user's own, and one that is shown
    for line in typed:
        if copied := re.fullmatch(r"cp (\S+) (\S+) *", line):
            assert (ROOT / copied[1]).is_file()
            there.add(copied[2])
        installed |= {extra for found in re.findall(r"'\.\[([a-z,]+)\]'", line) for extra in found.split(",")}
        if found := re.match(r"brain (rca|lab|exporter|otel) ", line):
            assert {"exporter": "exporters"}.get(found[1], found[1]) in installed, line
        for file in re.findall(r"--(?:config|alerts) (\S+)", line):
            made = file.partition("/")[0] in there or (ROOT / file).is_file()
            assert made, line
        there |= set(re.findall(r"--(?:out|into-prometheus) (\S+)", line))


def test_every_make_target_is_documented_and_every_one_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.M))
    assert targets <= set(re.findall(r"`make ([a-z]+)`", text_of("CONTRIBUTING.md")))
    named = {name for page in PAGES for name in re.findall(r"(?:`|^\$ )make ([a-z]+)", page.read_text(), re.M)}
    assert named <= targets


def test_the_readme_opens_with_the_picture_and_the_two_commands() -> None:
    opening = README.split("\n## ")[0]
    assert "docs/pictures/incident.png" in opening
    assert re.findall(r"^\$ (make \w+)", opening, re.M) == ["make demo", "make test"]


# --- settings


def test_the_configuration_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(DOCS / "generate_configuration.py"))["main"]
    assert main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("page", "model"), [("configuration.md", RcaSettings), ("otel/configuration.md", OtelSettings)]
)
def test_every_setting_is_on_the_configuration_page(page: str, model: type[Settings]) -> None:
    """By pydantic's own list of them, so that the generator cannot forget one."""
    schema = model.model_json_schema()
    names = {name for part in [schema, *schema["$defs"].values()] for name in part.get("properties", {})}
    listed = {key.rpartition(".")[2] for key in re.findall(r"^\| `([^`]+)` \|", text_of(f"docs/{page}"), re.M)}
    assert len(names) > 40
    assert names - listed == set()


# --- what it reads and writes


def test_the_catalogue_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(DOCS / "generate_catalogue.py"))["main"]
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_every_signal_edge_and_owner_is_documented() -> None:
    page, catalogue = text_of("docs/catalogue.md"), load_catalogue()
    names = [*catalogue.signals, *catalogue.edges, *catalogue.owners]
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_the_metrics_that_the_readme_says_are_read_are_read() -> None:
    metrics_of = runpy.run_path(str(DOCS / "generate_catalogue.py"))["metrics_of"]
    catalogue = load_catalogue()
    rules = [*catalogue.signals.values(), *catalogue.edges.values(), *catalogue.owners.values()]
    read = {name for rule in rules for name in metrics_of(rule.query)}
    rows = [line for line in section(README, "## What it reads").splitlines() if line.startswith("| ")]
    named = set(re.findall(r"`([a-z_:A-Z]+)`", "".join(row.split(" | ")[-1] for row in rows)))
    assert len(named) >= 10
    assert named <= read


def own_metrics() -> set[str]:
    """Names of the series, as a scrape shows them."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    families = [*registry.collect(), *metrics.scores.describe()]
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in families}


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_every_metric_is_documented_and_every_one_named_exists(page: str) -> None:
    text = text_of(page)
    assert len(own_metrics()) >= 12
    assert {name for name in own_metrics() if f"`{name}`" not in text} == set()
    assert set(re.findall(r"\bbrain_(?:rca|anomaly)_[a-z_]+\b", text)) <= own_metrics()


def test_every_label_of_a_metric_is_documented() -> None:
    table = section(text_of("docs/operations.md"), "## Metrics")
    metrics = Metrics(CollectorRegistry())
    scores, probabilities = metrics.scores.describe()
    for family in (scores, probabilities):
        row = next(line for line in table.splitlines() if line.startswith(f"| `{family.name}`"))
        assert re.findall(r"`([a-z_]+)`", row.split(" | ")[1]) == list(family._labelnames)


def test_every_alert_is_documented_with_its_runbook() -> None:
    page = text_of("docs/operations.md")
    rules = [yaml.safe_load(path.read_text()) for path in (ROOT / "alert-rules/rules").glob("*.yaml")]
    alerts = {rule["alert"] for file in rules for group in file["groups"] for rule in group["rules"] if "alert" in rule}
    missing = [name for name in alerts if not re.search(rf"`{name}` .*\(runbooks/{name}\.md\)", page)]
    assert missing == []
    named = set(re.findall(r"`(Brain[A-Z]\w+)`", page))
    assert named == alerts | {BRAIN_ALERTNAME}


# --- examples


def certificate(folder: Path) -> None:
    """A certificate that signs itself, for every TLS file of an example."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "brain.example.org")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    folder.mkdir()
    for file in ("tls.crt", "clients-ca.crt", "internal-ca.crt"):
        (folder / file).write_bytes(pem)
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))


SECRETS = {
    "url": "https://chat.example.org/hook",
    "bcrypt": "$2b$12$" + "a" * 53,
    "dsn": "postgresql://brain:a-secret@db:5432/brain",
}


def mounted(text: str, folder: Path) -> str:
    """The example with its mounted secrets in a folder of the test."""
    certificate(folder / "tls")
    for file in re.findall(r"\$\{file:/etc/brain/([^}]+)\}", text):
        (folder / file).write_text(next((text for word, text in SECRETS.items() if word in file), "a-secret") + "\n")
    return text.replace("/etc/brain", str(folder))


def test_the_callers_that_the_page_about_feedback_shows_are_callers(tmp_path: Path) -> None:
    (shown,) = blocks(text_of("docs/rca/feedback.md"), "yaml")
    path = tmp_path / "rca.yaml"
    path.write_text((EXAMPLES / "rca.yaml").read_text(encoding="utf-8") + mounted(shown, tmp_path))
    result = CliRunner().invoke(app, ["rca", "serve", "--config", str(path), "--check-config"])
    assert (result.exit_code, result.stdout) == (0, f"{path}: good\n")


@pytest.mark.parametrize("name", ["rca.yaml", "rca-ha.yaml"])
def test_an_example_configuration_passes_its_check(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(mounted((EXAMPLES / name).read_text(encoding="utf-8"), tmp_path))
    result = CliRunner().invoke(app, ["rca", "serve", "--config", str(path), "--check-config"])
    assert (result.exit_code, result.stdout, result.exception) == (0, f"{path}: good\n", None)


def test_the_configuration_in_the_readme_is_the_example_and_short() -> None:
    (shown,) = blocks(README, "yaml", "rca.yaml")
    assert len(shown.splitlines()) < 15
    assert yaml.safe_load(shown) == yaml.safe_load((EXAMPLES / "rca.yaml").read_text(encoding="utf-8"))


def test_every_configuration_that_is_shown_is_one(tmp_path: Path) -> None:
    shown = [block for page in PAGES for block in blocks(page.read_text(encoding="utf-8"), "yaml", "rca.yaml")]
    (short,) = blocks(text_of("docs/configuration.md"), "yaml")
    least: dict[str, Any] = yaml.safe_load(short)
    assert len(shown) >= 4
    for block in [short, *shown]:
        data = least | yaml.safe_load(block)
        data["analysis"] = {}  # the plug-ins of the example are not installed here
        data["evidence"].pop("catalogues", None)
        check(check_settings(data, RcaSettings, block))


def test_the_receiver_in_the_readme_is_the_example_and_alertmanager_takes_it() -> None:
    example = yaml.safe_load((EXAMPLES / "alertmanager-receiver.yaml").read_text(encoding="utf-8"))
    shown = next(data for data in map(yaml.safe_load, blocks(README, "yaml")) if "receivers" in data)
    assert shown["route"]["routes"][0] == example["route"]["routes"][0]
    assert shown["receivers"][0]["webhook_configs"][0].items() <= example["receivers"][0]["webhook_configs"][0].items()
    assert example["route"]["routes"][0]["continue"] is True


def test_alertmanager_takes_the_receiver() -> None:
    import subprocess

    amtool = require("amtool")
    subprocess.run([amtool, "check-config", EXAMPLES / "alertmanager-receiver.yaml"], check=True, capture_output=True)


def test_the_example_group_is_a_notification() -> None:
    group = parse_group((EXAMPLES / "group.json").read_bytes(), "example")
    (at,) = re.findall(r"--at (\d+)", text_of("docs/commands.md"))
    assert 0 < float(at) - group.alerts[0].starts_at < 3600


def test_the_example_signal_is_a_catalogue() -> None:
    (block,) = blocks(text_of("docs/catalogue.md"), "yaml", "signals.yaml")
    assert check_settings(yaml.safe_load(block), Catalogue, "signals.yaml").signals.keys() == {"mailer_queue"}


def test_the_example_proposal_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    (block,) = blocks(text_of("docs/operations.md"), "yaml", "proposals.yaml")
    own = tmp_path / "proposals.yaml"
    own.write_text(block, encoding="utf-8")
    change = Change(
        at=0.0, kind=ChangeKind.CONFIG, seconds_before=90.0, reason="ConfigMapUpdated", message="", actor=""
    )
    cause = Cause(rank=1, entity="c1/shop/service/cart", fault_kind="unknown", probability=0.8, changes=(change,))
    [proposal] = load_proposals(own).propose(cause)
    assert proposal.title == "Put back the feature flags of cart as they were before 00:00:00 UTC"


def test_every_change_that_is_known_is_documented() -> None:
    page = text_of("docs/operations.md")
    for reason, kind in KINDS.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{kind}` |"))
        assert f"`{reason}`" in row


def test_the_keys_of_a_signal_are_documented() -> None:
    rule = Catalogue.model_json_schema()["$defs"]["SignalRule"]["properties"]
    page = text_of("docs/catalogue.md")
    assert [name for name in rule if not re.search(rf"^\| `{name}[.`]", page, re.M)] == []


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The package of docs/plugins.md; yields its pyproject."""
    with installed(text_of("docs/plugins.md"), tmp_path, monkeypatch) as project:
        yield project


def test_the_example_plugins_judge_an_incident(plugin: dict[str, Any]) -> None:
    (configuration,) = blocks(text_of("docs/plugins.md"), "yaml", "rca.yaml")
    chosen = yaml.safe_load(configuration)["analysis"]
    detector, ranker = load_detector(chosen["detector"]), load_ranker(chosen["ranker"])
    assert {detector.name, ranker.name} == {name for group in plugin["entry-points"].values() for name in group}
    scene, alerting = scenes.shop(), ("front",)
    judgement = judge(scene, find(scene, detector), DependencyGraph(scene.edges), alerting, ranker)
    assert judgement.causes


def test_the_built_in_plugins_are_documented() -> None:
    page = text_of("docs/plugins.md")
    for group, points in PROJECT["entry-points"].items():
        assert f"`{group}`" in page
        assert [name for name in points if f"`{name}`" not in page] == []


# --- the pages themselves


def anchors(path: Path) -> set[str]:
    """Anchors of the headings, as code hosts make them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
    for target in targets:
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_examples_can_be_parsed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in blocks(text, "yaml"):
        yaml.safe_load(block)
    for block in blocks(text, "json"):
        json.loads(block)


@pytest.mark.parametrize("path", sorted((DOCS / "pictures").glob("*.png")), ids=lambda path: path.name)
def test_a_picture_is_wide_and_small(path: Path) -> None:
    data = path.read_bytes()
    assert len(data) < 300_000
    assert int.from_bytes(data[16:20], "big") == 1280


def test_the_changelog_has_the_version() -> None:
    assert re.search(rf"^## {re.escape(PROJECT['version'])} – ", text_of("CHANGELOG.md"), re.M)


def test_the_index_of_decisions_is_complete() -> None:
    index = text_of("docs/adr/README.md")
    pages = sorted((DOCS / "adr").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in pages] == list(range(1, len(pages) + 1))
    for path in pages:
        title = path.read_text(encoding="utf-8").splitlines()[0]
        number, _, name = title.removeprefix("# ").partition(": ")
        assert f"| [{number}]({path.name}) | {name} |" in index
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.M)
        assert headings == ["Context", "Decision", "Why not otherwise", "What it costs"]


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(name: str) -> None:
    """A path in back ticks is below the root, or below the one package of its name, or a part of the service."""
    below = [ROOT, ROOT / "rca-service/src/brain_rca", *ROOT.glob("*/src"), ROOT / "lab/src/brain_lab/recorded"]
    for path in re.findall(r"`([\w./-]+\.(?:py|yaml|proto|sh))`", text_of(name)):
        assert any((folder / path).exists() for folder in below), path


def test_the_tables_of_the_lake_are_documented_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(DOCS / "generate_lake.py"))["main"]
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_every_setting_of_the_lakes_upkeep_is_documented_with_its_default() -> None:
    page = text_of("docs/lake.md")
    for name, field in UpkeepSettings.model_fields.items():
        default = f"{field.default:g}" if isinstance(field.default, int | float) else "none"
        assert re.search(rf"^\| `{name}` \| .* \| {default} \|$", page, re.M), name


def test_every_lake_that_is_shown_is_one() -> None:
    shown = blocks(text_of("docs/lake.md"), "yaml")
    assert len(shown) == 2
    for block in shown:
        check_settings(yaml.safe_load(block), LakeFile, "docs/lake.md")


def test_the_lake_is_asked_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    first, second = blocks(text_of("docs/lake.md"), "python")
    monkeypatch.chdir(tmp_path)
    writer = LakeWriter(LakeLocation.local(tmp_path / "lake"))
    writer.append(EVENTS, event_rows([START], cluster="prod", reason="Documented"))
    writer.append(COST, sample_rows(COST, [START]))
    scope: dict[str, Any] = {}
    exec(first, scope)
    exec(second.replace("to_pandas", "to_pyarrow_table"), scope)  # pandas is not installed here
    assert "Documented" in capfd.readouterr().out
    assert len(scope["frame"]) == 1
