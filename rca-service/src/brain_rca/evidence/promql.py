"""What can be told of a PromQL query by its text: which metrics it reads, and the same query for some entities only.

No parser of PromQL: what is not surely understood is answered with "unknown", and the query is then asked as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

# What is no metric: lists of labels, selectors, ranges, texts.
_LISTS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_TEXTS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_SELECTORS = re.compile(r"\{[^}]*\}")
_RANGES = re.compile(r"\[[^\]]*\]")
_WORD = re.compile(r"(?<![\w:$.])[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\(|[a-zA-Z0-9_:])")
_OPERATORS = ("and", "or", "unless", "bool", "atan2", "offset", "start", "end", "inf", "nan")
_AGGREGATORS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile")
_KEYWORDS = frozenset((*_OPERATORS, *_AGGREGATORS, "count_values", "limitk", "limit_ratio"))
_AGGREGATION = re.compile(
    rf"\b(?:{'|'.join(_AGGREGATORS)}|count_values|limitk|limit_ratio)\b(?:\s*by\s*\((?P<labels>[^)]*)\))?"
)
# They answer where a metric is absent, or name none.
_UNNAMED = re.compile(r"\b(?:absent|absent_over_time|vector)\s*\(|(?<![\w:])\s*\{")
_WIDER = re.compile(r"\b(?:without|ignoring|scalar|label_replace|label_join|offset)\b")
# What means something in a regular expression of Prometheus (RE2), and how it is taken literally.
_MEANT, _AS_IT_IS = re.compile(r"[.+*?()|\[\]{}^$\\]"), r"\\\g<0>"
_MATCHED = re.compile(r"\bon\s*\(([^)]*)\)")


def metrics_of(query: str) -> tuple[str, ...]:
    """The metrics that a query reads, each once, in its order."""
    names = _WORD.findall(_bare(query))
    return tuple(dict.fromkeys(name for name in names if name.lower() not in _KEYWORDS))


def needs_a_metric(query: str) -> bool:
    """Whether it surely answers nothing where none of ``metrics_of`` is there."""
    text = _TEXTS.sub('""', query)
    return not _UNNAMED.search(text) and bool(metrics_of(query))


def narrowed(
    query: str, label: str, values: Sequence[str], also: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> str:
    """The parts of a union that can be asked for some values of a label only, so asked; empty where none can.

    A part can if everything in it is aggregated and matched by that label: no series of another value then has any say
    in the answer.

    Args:
        query: PromQL.
        label: What a part has to be aggregated by.
        values: Of the label.
        also: Further labels with their values, for the parts that are aggregated by them as well.
    """
    found = []
    for part in alternatives(query):
        if _keeps(part, label):
            more = {name: wanted for name, wanted in also.items() if _keeps(part, name)}
            found.append(_matching(part, ",".join(_matcher(*one) for one in ({label: values} | more).items())))
    return " or ".join(found)


def alternatives(query: str) -> Iterator[str]:
    """The operands of the ``or`` at the top of a query."""
    depth, begin = 0, 0
    for found in re.finditer(r"[({]|[)}]|\bor\b", _masked(query)):
        if found[0] == "or":
            if not depth:
                yield query[begin : found.start()].strip()
                begin = found.end()
        else:
            depth += 1 if found[0] in "({" else -1
    yield query[begin:].strip()


def _matcher(label: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f'{label}="{_quoted(values[0])}"'
    return f'{label}=~"{_quoted("|".join(_MEANT.sub(_AS_IT_IS, value) for value in values))}"'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _keeps(part: str, label: str) -> bool:
    text = _masked(part)
    if _WIDER.search(text) or not needs_a_metric(part):
        return False
    lists = [found["labels"] for found in _AGGREGATION.finditer(_SELECTORS.sub("", text))]
    lists += _MATCHED.findall(text)
    return all(one is not None and label in re.findall(r"\w+", one) for one in lists)


def _matching(part: str, matcher: str) -> str:
    """``part`` with a matcher in each of its selectors."""
    metrics = set(metrics_of(part))
    text, made, at = _masked(part), [], 0
    for word in _WORD.finditer(_bare(part)):
        if word[0] not in metrics:
            continue
        made.append(part[at : word.end()])
        at = word.end()
        if text[at : at + 1] == "{":
            made.append("{" + matcher + ("" if text[at + 1 : at + 2] == "}" else ","))
            at += 1
        else:
            made.append("{" + matcher + "}")
    return "".join((*made, part[at:]))


def _masked(query: str) -> str:
    """Of the same length, with all texts blank."""
    return _TEXTS.sub(lambda found: '"' + "_" * (len(found[0]) - 2) + '"', query)


def _bare(query: str) -> str:
    """Of the same length, with everything blank that is no metric, function or operator."""
    text = _TEXTS.sub(lambda found: " " * len(found[0]), query)
    for pattern in (_SELECTORS, _LISTS, _RANGES):
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    return text
