"""What a query's text tells: its metrics, whether it needs them, and the query for some entities only."""

from __future__ import annotations

import pytest

from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.promql import alternatives, metrics_of, narrowed, needs_a_metric


@pytest.mark.parametrize(
    ("query", "metrics"),
    [
        ("up", ("up",)),
        ("sum by (cluster, up) (rate(a_total{up='down'}[5m])) / on (b) max (c > bool 0)", ("a_total", "c")),
        ('label_replace(max(a), "b", "c", "d", "") or service:x:rate', ("a", "service:x:rate")),
        ("sum(a) without (b) + time() - 1e9", ("a",)),
        ("rate(a[$window]) offset 5m", ("a",)),
        ("vector(1)", ()),
    ],
)
def test_the_metrics_of_a_query(query: str, metrics: tuple[str, ...]) -> None:
    assert tuple(name for name in metrics_of(query) if name not in ("e9", "m")) == metrics


@pytest.mark.parametrize(
    ("query", "needs"),
    [
        ("sum by (x) (a_total)", True),
        ("sum by (x) (a_total{y='z'})", True),
        ("absent(a_total)", False),
        ("a_total or vector(0)", False),
        ("sum({__name__=~'a.*'})", False),
        ('{"a.b"}', False),
        ("1 + 1", False),
    ],
)
def test_whether_a_query_says_nothing_without_its_metrics(query: str, needs: bool) -> None:
    assert needs_a_metric(query) is needs


def test_every_query_of_the_catalogue_needs_its_metrics() -> None:
    catalogue = load_catalogue()
    rules = {**catalogue.signals, **catalogue.edges, **catalogue.calls, **catalogue.owners}
    assert [name for name, rule in rules.items() if not needs_a_metric(rule.query)] == []


def test_a_union_is_taken_apart_at_the_top_only() -> None:
    query = 'max(a or b) or c{x="1 or 2"} or d'
    assert list(alternatives(query)) == ["max(a or b)", 'c{x="1 or 2"}', "d"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum by (pod) (a)", 'sum by (pod) (a{pod=~"x|y"})'),
        ("sum by (pod) (rate(a{b!=''}[5m]))", """sum by (pod) (rate(a{pod=~"x|y",b!=''}[5m]))"""),
        ("max by (pod) (a{})", 'max by (pod) (a{pod=~"x|y"})'),
        ("a / on (pod, b) group_left () c", 'a{pod=~"x|y"} / on (pod, b) group_left () c{pod=~"x|y"}'),
        ("sum by (pod) (a) or sum by (node) (b)", 'sum by (pod) (a{pod=~"x|y"})'),
        # The others have a say in the answer, or the label is made up: not to be asked for a part.
        ("sum by (pod) (a) / scalar(sum(a))", ""),
        ("sum(a)", ""),
        ("sum by (node) (a)", ""),
        ("a / on (node) b", ""),
        ("a / ignoring (pod) b", ""),
        ("sum without (x) (a)", ""),
        ('label_replace(a, "pod", "p", "", "")', ""),
    ],
)
def test_a_query_for_some_entities_only(query: str, expected: str) -> None:
    assert narrowed(query, "pod", ["x", "y"]) == expected


def test_names_are_no_part_of_a_query() -> None:
    assert narrowed("a", "pod", ['x"} or b{c="', "1.2"]) == r'a{pod=~"x\"\\} or b\\{c=\"|1\\.2"}'
    assert narrowed("a", "pod", ['x"} or b{c="\\\n']) == r'a{pod="x\"} or b{c=\"\\\n"}'


def test_further_labels_narrow_the_parts_that_have_them() -> None:
    query = "sum by (pod) (a) or sum by (pod, namespace) (b)"
    assert narrowed(query, "pod", ["x"], {"namespace": ["shop"]}) == (
        'sum by (pod) (a{pod="x"}) or sum by (pod, namespace) (b{pod="x",namespace="shop"})'
    )
