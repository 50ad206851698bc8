"""From a cause to proposals: what is proposed, what it says, and that no name can change what it does."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from brain_common.entity import Entity, EntityKind
from brain_rca.fix.catalogue import load_catalogue
from brain_rca.fix.entry import FaultKind
from brain_rca.fix.quantity import Fact
from brain_rca.model import Cause, Change, ChangeKind, Proposal

CATALOGUE = load_catalogue()
propose = CATALOGUE.propose
COMBINATIONS = [(kind, fault) for kind in EntityKind for fault in FaultKind]
HOSTILE = [
    "",
    "cart\n  hostNetwork: true",
    'cart"\nspec: {}\n#',
    "cart; rm -rf /",
    "$(reboot)",
    "`reboot`",
    "-n kube-system",
    "../../etc/passwd",
    "${proposed}",
    "<script>alert(1)</script>",
    "{{ .Values.x }}",
    "UPPER",
    "a" * 201,
    "a\u2028b",
    "cart\x00",
    "cart\n",
]
SINCE, BEFORE = "<value since 22:11:50 UTC>", "<value before 22:11:50 UTC>"
TYPED_BY_YAML = ["on", "null", "true", "1e3", "0x1f", "123", "2024-01-01", "1.5", "0o7"]


def cause_of(
    fault: str,
    kind: EntityKind = EntityKind.WORKLOAD,
    name: str = "cart",
    namespace: str = "shop",
    caller: str = "web",
) -> Cause:
    entity = str(Entity("c1", namespace, kind, name))
    caller_entity = str(Entity("c1", namespace, EntityKind.SERVICE, caller))
    return Cause(rank=1, entity=entity, fault_kind=fault, probability=0.8, path=(entity, caller_entity))


def change(
    kind: ChangeKind = ChangeKind.CONFIG, message: str = "pool 20 -> 5", actor: str = "alex", before: float = 90.0
) -> Change:
    return Change(
        at=1_700_000_000.0 - before,
        kind=kind,
        seconds_before=before,
        reason="ConfigMapUpdated",
        message=message,
        actor=actor,
    )


def after_change(cause: Cause, *changes: Change) -> Cause:
    return msgspec.structs.replace(cause, changes=changes)


ALL_CHANGES = tuple(change(kind) for kind in ChangeKind)


def side(proposal: Proposal, sign: str) -> str:
    """The file before (``-``) or after (``+``) the change."""
    lines = proposal.diff.splitlines()[3:]
    return "\n".join(line[1:] for line in lines if line[0] in (" ", sign))


def manifest(proposal: Proposal) -> Any:
    return yaml.safe_load(side(proposal, "+"))


def shape(value: Any) -> Any:
    """Keys and types without the values; what a name from data must never change."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize(
    ("fault", "kind", "titles"),
    [
        ("memory", EntityKind.WORKLOAD, ["Raise the memory limit of cart"]),
        ("errors", EntityKind.SERVICE, []),
        ("latency", EntityKind.SERVICE, ["Let cart scale further"]),
        ("cpu", EntityKind.WORKLOAD, ["Raise the CPU limit of cart", "Let cart scale further"]),
        ("load", EntityKind.SERVICE, ["Let cart scale further"]),
        ("network", EntityKind.SERVICE, ["Allow traffic from web to cart"]),
        ("disk", EntityKind.CLOUD_RESOURCE, ["Give the database cart more storage"]),
        ("availability", EntityKind.NODE, ["Keep new pods off the node cart"]),
        ("latency", EntityKind.DATABASE, ["Halve the connection pool of web, which calls cart"]),
    ],
)
def test_a_fault_gets_its_proposals_best_first(fault: str, kind: EntityKind, titles: list[str]) -> None:
    assert [proposal.title for proposal in propose(cause_of(fault, kind))] == titles


@pytest.mark.parametrize(
    ("kind", "fault", "changes", "titles"),
    [
        (
            EntityKind.DATABASE,
            "latency",
            [ChangeKind.CONFIG],
            [
                "Put back the ConfigMap of cart as it was before 22:11:50 UTC",
                "Halve the connection pool of web, which calls cart",
            ],
        ),
        (
            EntityKind.SERVICE,
            "errors",
            [ChangeKind.ROLLOUT],
            ["Undo the rollout of cart at 22:11:50 UTC"],
        ),
        (
            EntityKind.SERVICE,
            "errors",
            [ChangeKind.SYNC],
            ["Sync cart to the revision before that of 22:11:50 UTC"],
        ),
        (
            EntityKind.WORKLOAD,
            "unknown",
            [ChangeKind.ROLLOUT, ChangeKind.CONFIG],
            [
                "Undo the rollout of cart at 22:11:50 UTC",
                "Put back the ConfigMap of cart as it was before 22:11:50 UTC",
            ],
        ),
        (
            EntityKind.CLOUD_RESOURCE,
            "cpu",
            [ChangeKind.INFRASTRUCTURE],
            [
                "Take back the Terraform change to cart at 22:11:50 UTC",
                "Take the next larger class for the database cart",
            ],
        ),
        (EntityKind.NODE, "cpu", [ChangeKind.CONFIG], ["Keep new pods off the node cart"]),
    ],
)
def test_what_changed_before_is_undone_first(
    kind: EntityKind, fault: str, changes: list[ChangeKind], titles: list[str]
) -> None:
    cause = after_change(cause_of(fault, kind), *(change(one) for one in changes))
    assert [proposal.title for proposal in propose(cause)] == titles


def test_the_rationale_says_what_changed_when_and_by_whom() -> None:
    proposal, *_ = propose(after_change(cause_of("errors"), change()))
    assert proposal.rationale.startswith(
        "ConfigMapUpdated: pool 20 -> 5 (by alex) at 2023-11-14 22:11:50 UTC, 90 s before the cause began. If"
    )
    assert proposal.diff.splitlines()[-2:] == [
        '-  "<changed key>": "<value since 22:11:50 UTC>"',
        '+  "<changed key>": "<value before 22:11:50 UTC>"',
    ]


@pytest.mark.parametrize(("kind", "fault"), COMBINATIONS)
def test_nothing_is_undone_where_no_change_was_seen(kind: EntityKind, fault: FaultKind) -> None:
    for proposal in CATALOGUE.propose(cause_of(fault, kind), max_proposals=9):
        assert not proposal.title.startswith(("Undo", "Sync", "Put back", "Take back"))


@pytest.mark.parametrize(
    ("message", "name", "key"),
    [
        ("ConfigMap cart-config: pool.size 20 -> 5, ttl 1 -> 2", "cart-config", "pool.size"),
        ("ConfigMap shop/cart.v2, which cart uses, was changed", "cart.v2", "<changed key>"),
        ("ConfigMap cart-config: DB_PASSWORD a -> b", "cart-config", "DB_PASSWORD"),
        ("ConfigMap cart-config", "cart-config", "<changed key>"),
        ("ConfigMap $(reboot): pool 20 -> 5", "<ConfigMap of cart>", "<changed key>"),
        ("ConfigMap a;b: pool 20 -> 5", "<ConfigMap of cart>", "<changed key>"),
        ('ConfigMap cart: a"b 20 -> 5', "cart", "<changed key>"),
        ("Secret shop/cart, which cart uses, was changed", "<ConfigMap of cart>", "<changed key>"),
    ],
)
def test_the_config_map_and_key_that_the_event_tells_are_in_the_proposal(message: str, name: str, key: str) -> None:
    proposal, *_ = propose(after_change(cause_of("errors"), change(message=message)))
    put = manifest(proposal)
    assert (put["metadata"]["name"], list(put["data"])) == (name, [key])
    assert f"get configmap {shlex.quote(name)} -o yaml" in proposal.rollback


@pytest.mark.parametrize(
    ("message", "new", "old"),
    [
        ("ConfigMap ledger-db-config: shared_buffers 2GB -> 256MB", "256MB", "2GB"),
        ("ConfigMap c: url http://a.b:80/c?d -> x", SINCE, BEFORE),
        ("ConfigMap c: mode very slow -> off", "off", "very slow"),
        ("ConfigMap c: pool 20 -> 5, ttl 1 -> 2", SINCE, BEFORE),
        ("ConfigMap c: pool 20 -> ", SINCE, BEFORE),
        ('ConfigMap c: pool "20" -> "5"', SINCE, BEFORE),
        ("ConfigMap c: pool 20 -> 5 -> 6", SINCE, BEFORE),
        ("ConfigMap c: password *** -> ***", SINCE, BEFORE),
        ("ConfigMap c: DB_PASSWORD hunter1 -> hunter2", SINCE, BEFORE),
        ("ConfigMap c: db.password two words -> hunter2", SINCE, BEFORE),
        ("ConfigMap c: url http://u:p@h -> http://h", SINCE, BEFORE),
        ("ConfigMap c: id 1 -> AKIAIOSFODNN7EXAMPLE", SINCE, BEFORE),
        ("ConfigMap c: options pwd=a -> pwd=b", SINCE, BEFORE),
        ("ConfigMap c: pool 20 -> 500000…", SINCE, BEFORE),
        ("ConfigMap c: pool ${name} -> <b>", SINCE, BEFORE),
        ("ConfigMap c: pool 20 -> " + "5" * 121, SINCE, BEFORE),
    ],
)
def test_both_values_that_the_event_tells_are_in_the_diff_if_they_are_harmless_and_whole(
    message: str, new: str, old: str
) -> None:
    proposal, *_ = propose(after_change(cause_of("errors"), change(message=message)))
    assert list(yaml.safe_load(side(proposal, "-"))["data"].values()) == [new]
    assert list(manifest(proposal)["data"].values()) == [old]


TOLD = "ConfigMap cart-config: pool 20 -> 5"


def test_what_has_to_be_filled_in_is_no_help_beside_a_change_that_can_be_undone_as_it_is() -> None:
    generic = propose(cause_of("saturation"), max_proposals=9)
    assert all("<" in proposal.diff for proposal in generic)
    [undo] = propose(after_change(cause_of("saturation"), change(message=TOLD)), max_proposals=9)
    assert undo.title.startswith("Put back the ConfigMap")
    assert "<" not in undo.diff
    beside = propose(after_change(cause_of("network"), change(message=TOLD)), max_proposals=9)
    assert [proposal.title for proposal in beside][1:] == ["Allow traffic from web to cart"]


def test_what_can_be_applied_as_it_is_comes_first() -> None:
    both = [change(ChangeKind.ROLLOUT), change(message=TOLD)]
    undone = propose(after_change(cause_of("memory"), *both), max_proposals=9)
    assert [proposal.title.split()[0] for proposal in undone] == ["Put", "Undo"]
    unsaid = [proposal.title for proposal in propose(after_change(cause_of("memory"), change()), max_proposals=9)]
    assert unsaid[0].startswith("Put back")
    assert len(unsaid) > 1


@pytest.mark.parametrize("hostile", [*HOSTILE, "${name} $$ $x", "`date`", "</dd><script>"])
@pytest.mark.parametrize("kind", [EntityKind.WORKLOAD, EntityKind.DATABASE, EntityKind.CLOUD_RESOURCE])
def test_nothing_of_a_change_but_its_time_leaves_the_rationale(hostile: str, kind: EntityKind) -> None:
    events = [change(one, hostile, hostile) for one in ChangeKind]
    for fault in FaultKind:
        benign = CATALOGUE.propose(after_change(cause_of(fault, kind), *ALL_CHANGES), max_proposals=9)
        drawn = CATALOGUE.propose(after_change(cause_of(fault, kind), *events), max_proposals=9)
        assert [msgspec.structs.replace(one, rationale="") for one in drawn] == [
            msgspec.structs.replace(one, rationale="") for one in benign
        ]
        assert hostile in drawn[0].rationale


@pytest.mark.parametrize("fault", ["unknown", "", "no such fault"])
@pytest.mark.parametrize("kind", EntityKind)
def test_an_unknown_fault_gets_none(fault: str, kind: EntityKind) -> None:
    assert propose(cause_of(fault, kind)) == ()


def test_an_entity_without_a_fitting_fix_gets_none() -> None:
    assert propose(cause_of("memory", EntityKind.TOPIC)) == ()


def test_an_entity_that_is_none_gets_none() -> None:
    assert propose(Cause(rank=1, entity="cart", fault_kind="memory", probability=1.0)) == ()


def test_no_more_than_asked_for() -> None:
    assert len(propose(cause_of("memory"), max_proposals=1)) == 1
    assert propose(cause_of("memory"), max_proposals=0) == ()


@pytest.mark.parametrize(("kind", "fault"), COMBINATIONS)
def test_every_proposal_is_complete_and_says_that_nobody_tried_it(kind: EntityKind, fault: FaultKind) -> None:
    for proposal in CATALOGUE.propose(after_change(cause_of(fault, kind), *ALL_CHANGES), max_proposals=9):
        assert proposal.validation == "not validated"
        assert proposal.risk.split(":")[0] in {"low", "medium", "high"}
        assert "$" not in proposal.title + proposal.diff + proposal.rationale + proposal.rollback
        assert any(line.strip() and not line.startswith("#") for line in proposal.rollback.splitlines())


def test_every_entry_is_reachable() -> None:
    titles = {
        proposal.title
        for kind, fault in COMBINATIONS
        for changes in ((), ALL_CHANGES)
        for proposal in CATALOGUE.propose(after_change(cause_of(fault, kind), *changes), max_proposals=9)
    }
    assert len(titles) == len(CATALOGUE.fixes)


@pytest.mark.parametrize("fault", ["memory", "network", "errors", "saturation"])
def test_git_can_apply_the_diff(fault: str, tmp_path: Path) -> None:
    cause = after_change(cause_of(fault), *ALL_CHANGES)
    for number, proposal in enumerate(CATALOGUE.propose(cause, max_proposals=9)):
        tree = tmp_path / str(number)
        target = tree / proposal.diff.splitlines()[1].removeprefix("+++ b/")
        target.parent.mkdir(parents=True)
        if before := side(proposal, "-"):
            target.write_text(before + "\n")
        subprocess.run(["git", "apply", "-"], input=proposal.diff, text=True, cwd=tree, check=True, timeout=30)
        assert target.read_text() == side(proposal, "+") + "\n"


def test_a_known_limit_is_raised_and_an_unknown_one_left_to_the_reader() -> None:
    known, *_ = CATALOGUE.propose(cause_of("memory"), current={Fact.MEMORY_LIMIT: 512 * 2**20})
    assert '-              memory: "512Mi"\n+              memory: "768Mi"' in known.diff
    unknown, *_ = CATALOGUE.propose(cause_of("memory"))
    assert '-              memory: "<current>"\n+              memory: "<1.5 x current>"' in unknown.diff


def test_a_known_number_of_replicas_is_a_number() -> None:
    proposal, *_ = CATALOGUE.propose(cause_of("load"), current={Fact.MAX_REPLICAS: 3.0})
    assert manifest(proposal)["spec"] == {"maxReplicas": 5}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0, 1e300])
def test_a_limit_that_makes_no_sense_is_unknown(value: float) -> None:
    proposal, *_ = CATALOGUE.propose(cause_of("memory"), current={Fact.MEMORY_LIMIT: value})
    assert "<current>" in proposal.diff


@pytest.mark.parametrize(
    ("pod", "workload"),
    [("cart-7d4f9c6b8-x2b4k", "cart"), ("db-0", "db"), ("cart", "cart"), ("a-b-7d4f9c6b8-x2b4k", "a-b")],
)
def test_a_pod_stands_for_its_workload(pod: str, workload: str) -> None:
    proposal, *_ = propose(cause_of("memory", EntityKind.POD, pod))
    assert manifest(proposal)["metadata"]["name"] == workload
    assert ("its workload is" in proposal.rationale) == (pod != workload)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", [EntityKind.WORKLOAD, EntityKind.DATABASE, EntityKind.CLOUD_RESOURCE, EntityKind.NODE])
def test_a_hostile_name_is_left_out_and_that_is_said(hostile: str, kind: EntityKind) -> None:
    for fault in FaultKind:
        benign = CATALOGUE.propose(after_change(cause_of(fault, kind), *ALL_CHANGES), max_proposals=9)
        cause = after_change(cause_of(fault, kind, hostile, hostile, hostile), *ALL_CHANGES)
        for before, after in zip(benign, CATALOGUE.propose(cause, max_proposals=9), strict=True):
            if hostile:
                assert hostile not in after.diff + after.rationale + after.rollback
                assert hostile not in after.title or hostile == "UPPER"  # which is harmless to read
            assert "put it for <" in after.rationale
            assert after.diff.count("\n") == before.diff.count("\n")
            if before.kind != "terraform":
                assert shape(manifest(after)) == shape(manifest(before))


@pytest.mark.parametrize(
    ("name", "shown"), [("ledger/db", "ledger/db"), ("ip_10_0_0_7", "ip_10_0_0_7"), ("a b", "this")]
)
def test_a_title_shows_no_placeholder(name: str, shown: str) -> None:
    for kind in (EntityKind.DATABASE, EntityKind.NODE, EntityKind.CLOUD_RESOURCE):
        for fault in FaultKind:
            for proposal in propose(cause_of(fault, kind, name)):
                assert shown in proposal.title
                assert "<name>" not in proposal.title


@pytest.mark.parametrize("name", TYPED_BY_YAML)
def test_a_name_that_yaml_would_read_as_something_else_stays_a_name(name: str) -> None:
    for fault in FaultKind:
        for proposal in CATALOGUE.propose(cause_of(fault, name=name, namespace="123", caller=name), max_proposals=9):
            metadata = manifest(proposal)["metadata"]
            assert isinstance(metadata["name"], str)
            assert isinstance(metadata["namespace"], str)


@given(name=st.text(), namespace=st.text(), caller=st.text(), fault=st.sampled_from(FaultKind))
def test_any_name_gives_the_same_structure(name: str, namespace: str, caller: str, fault: FaultKind) -> None:
    benign = CATALOGUE.propose(cause_of(fault), max_proposals=9)
    drawn = CATALOGUE.propose(cause_of(fault, EntityKind.WORKLOAD, name, namespace, caller), max_proposals=9)
    for before, after in zip(benign, drawn, strict=True):
        assert shape(manifest(after)) == shape(manifest(before))
        assert after.diff.count("\n") == before.diff.count("\n")


@given(name=st.text(), namespace=st.text(), caller=st.text(), kind=st.sampled_from(EntityKind))
def test_rollback_commands_keep_their_words(name: str, namespace: str, caller: str, kind: EntityKind) -> None:
    for fault in FaultKind:
        benign = CATALOGUE.propose(cause_of(fault, kind), max_proposals=9)
        drawn = CATALOGUE.propose(cause_of(fault, kind, name, namespace, caller), max_proposals=9)
        for before, after in zip(benign, drawn, strict=True):
            words = [[len(_words(line)) for line in text.splitlines()] for text in (before.rollback, after.rollback)]
            assert words[0] == words[1]


def _words(line: str) -> list[str]:
    """As a shell would split it, with operators as words of their own."""
    return list(shlex.shlex(line, posix=True, punctuation_chars=True))
