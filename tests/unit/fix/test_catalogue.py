"""The catalogue's file: own entries add to and replace the built-in ones; wrong ones are refused by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from brain_common.errors import ConfigError
from brain_rca.fix.catalogue import BUILT_IN, load_catalogue
from brain_rca.model import Cause, Change, ChangeKind

OWN: dict[str, Any] = {
    "kind": "config",
    "faults": {"load": 1},
    "entities": ["service"],
    "title": "Switch ${name} to cached answers",
    "file": "${name}.yaml",
    "after": 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "${name}"\ndata:\n  CACHED: "yes"\n',
    "rationale": "Costs $$0 and is quick.",
    "risk": "low: answers may be a minute old",
    "rollback": "kubectl delete configmap ${name}",
}
LOAD = Cause(rank=1, entity="c1/shop/service/cart", fault_kind="load", probability=0.8)


def write(folder: Path, fixes: object) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({"fixes": fixes}))
    return path


def test_an_own_entry_is_added(tmp_path: Path) -> None:
    catalogue = load_catalogue(write(tmp_path, {"cache": OWN}))
    assert catalogue.fixes.keys() == load_catalogue().fixes.keys() | {"cache"}
    first, second = catalogue.propose(LOAD)
    assert first.title == "Switch cart to cached answers"
    assert first.rationale == "Costs $0 and is quick."
    assert second.title == "Let cart scale further"


def test_an_own_entry_replaces_the_built_in_one_of_its_key(tmp_path: Path) -> None:
    catalogue = load_catalogue(write(tmp_path, {"raise-max-replicas": OWN}))
    assert catalogue.fixes.keys() == load_catalogue().fixes.keys()
    assert [proposal.title for proposal in catalogue.propose(LOAD)] == ["Switch cart to cached answers"]


def test_an_own_entry_for_a_change_is_proposed_when_one_came(tmp_path: Path) -> None:
    mine = OWN | {"faults": {}, "changes": {"config": 0}, "title": "Undo ${at}"}
    catalogue = load_catalogue(write(tmp_path, {"undo": mine}))
    assert [proposal.title for proposal in catalogue.propose(LOAD)] == ["Let cart scale further"]
    change = Change(at=0.0, kind=ChangeKind.CONFIG, seconds_before=1.0, reason="Any", message="", actor="")
    first, second = catalogue.propose(msgspec.structs.replace(LOAD, changes=(change,)))
    assert first.title == "Undo 00:00:00 UTC"
    assert second.title == "Put back the ConfigMap of cart as it was before 00:00:00 UTC"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "fixes.cache.colour: unknown key"),
        ({"kind": "shell"}, "fixes.cache.kind"),
        ({"faults": {"unknown": 1}}, "fixes.cache.faults"),
        ({"faults": {}}, "fixes.cache: .*faults, changes: give one of them"),
        ({"changes": {"config": 1}}, "fixes.cache: .*faults, changes: give one of them"),
        ({"faults": {}, "changes": {"weather": 1}}, "fixes.cache.changes.weather"),
        ({"faults": {}, "changes": {"config": "first"}}, "fixes.cache.changes.config"),
        ({"faults": {}, "changes": {"config": 1}, "replaces": "none"}, "fixes.cache.replaces: there is no other entry"),
        (
            {"faults": {}, "changes": {"config": 1}, "replaces": "cache"},
            "fixes.cache.replaces: there is no other entry",
        ),
        ({"replaces": "undo-rollout"}, "fixes.cache: .*replaces: needs changes"),
        ({"title": "${at}"}, "title: \\${at} is none of"),
        ({"entities": ["cluster"]}, "fixes.cache.entities"),
        ({"risk": "none at all"}, "fixes.cache.risk"),
        ({"title": "two\nlines"}, "fixes.cache.title"),
        ({"title": "${password}"}, "title: \\${password} is none of"),
        ({"title": "${proposed}"}, "title: \\${proposed} is none of"),
        ({"rationale": "costs $5"}, "rationale: a \\$ that begins no"),
        ({"after": "a: [1"}, "after: is no YAML"),
        ({"after": "a: 1"}, "after: has no apiVersion"),
        ({"before": OWN["after"].replace("ConfigMap", "Secret")}, "kind or name differ"),
        ({"before": OWN["after"].strip()}, "are the same"),
        ({"quantity": {"fact": "pool_size", "unit": "count", "factor": 0}}, "fixes.cache.quantity.factor"),
        ({"after": "x" * 5000}, "fixes.cache.after"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_key(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_catalogue(write(tmp_path, {"cache": OWN | change}))


@pytest.mark.parametrize("text", ["", "- a", "fixes: [a]", "fixes: {}\nmore: 1", "a: [", "fixes:"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"own\.yaml"):
        load_catalogue(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_catalogue(tmp_path / "none.yaml")


def test_built_in_names_are_always_in_quotes() -> None:
    """A service may be called "on", which YAML would read as true."""
    lines = [line for line in BUILT_IN.read_text().splitlines() if "name: " in line or "namespace: " in line]
    assert lines
    assert all('"' in line for line in lines if "$" in line)
