"""Files of declared dependencies: strictly read, and wrong ones named by line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_common.entity import Entity
from brain_common.errors import ConfigError
from brain_engine.series import EdgeKind
from brain_rca.evidence.declared import load_declared
from brain_rca.evidence.raw import RawEdge

GOOD = """\
edges:
  - dependent: lab/shop/service/cart
    dependency: lab//database/ledger
  - {dependent: lab/shop/service/cart, dependency: lab//node/n7, kind: runs-on, weight: 0.5}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "edges.yaml"
    path.write_text(text)
    return path


def test_edges_of_all_files(tmp_path: Path) -> None:
    cart = Entity.parse("lab/shop/service/cart")
    assert load_declared([written(tmp_path, GOOD)]) == [
        RawEdge(cart, Entity.parse("lab//database/ledger"), EdgeKind.CALLS, "declared"),
        RawEdge(cart, Entity.parse("lab//node/n7"), EdgeKind.RUNS_ON, "declared", weight=0.5),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("dependency: lab//data", "dependancy: lab//data"), r"line 3.*dependency"),
        (GOOD.replace("lab//node/n7", "lab//machine/n7"), r"line 4.*kind 'machine' is none of"),
        (GOOD.replace("0.5", "2"), r"line 4.*weight"),
        (GOOD.replace("runs-on", "eats"), r"line 4.*kind"),
        (GOOD.replace("lab//node/n7", "lab/shop/service/cart"), r"line 4.*cart is declared to need itself"),
        ("edges: {}", r"line 1.*edges"),
        ("edges: [", r"is no YAML"),
        ("- 1", r"expected keys and values"),
    ],
    ids=[
        "misspelt",
        "an unknown kind of thing",
        "too heavy",
        "an unknown kind of edge",
        "of a thing to itself",
        "no list",
        "no YAML",
        "a list",
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"edges.yaml.*{said}"):
        load_declared([written(tmp_path, text)])


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "rca" / "graph.md").read_text()
    example = page.partition("<!-- declared -->\n```yaml\n")[2].partition("```")[0]
    assert [edge.weight for edge in load_declared([written(tmp_path, example)])] == [1.0, 0.5]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        load_declared([tmp_path / "none.yaml"])
