"""What an incident is about, by its group."""

from __future__ import annotations

from brain_rca.publish.subject import MAX_VALUE, subject_of
from tests.unit.publish.samples import alert, incident


def test_the_label_that_all_alerts_share() -> None:
    subject = subject_of(incident(alert("a"), alert("b")))
    assert (subject.cluster, subject.namespace, subject.service) == ("prod", "shop", "checkout")


def test_nothing_where_alerts_differ() -> None:
    other = alert("b", labels={"cluster": "prod", "namespace": "shop", "service": "cart"})
    subject = subject_of(incident(alert("a"), other))
    assert (subject.cluster, subject.namespace, subject.service) == ("prod", "shop", "")


def test_group_labels_win() -> None:
    one = incident(group_labels={"service": "cart", "namespace": "other"})
    subject = subject_of(one)
    assert (subject.namespace, subject.service) == ("other", "cart")


def test_the_configured_cluster_stands_in() -> None:
    assert subject_of(incident(alert(labels={"service": "a"})), "west").cluster == "west"
    assert subject_of(incident(), "west").cluster == "prod"


def test_long_values_are_cut() -> None:
    long = alert(labels={"service": "x" * 10_000, "namespace": "\x1b" + "y" * 9000})
    subject = subject_of(incident(long, group_labels={}))
    assert len(subject.service) == len(subject.namespace) == MAX_VALUE
