"""Checks requests against an OpenAPI 3 or Swagger 2 document, stricter than the document where it is lax.

Used by the fake servers. A property that the document does not name is a violation, even though JSON Schema
would let it pass: a misspelt one would be ignored by the real server without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml
from jsonschema import Draft4Validator

CONTRACTS = Path(__file__).resolve().parents[2].parent / "shared" / "contracts" / "openapi"


class Contract:
    """The requests that an API accepts.

    Args:
        document: The parsed document.
        base_path: What precedes the document's paths in an URL, e.g. ``/api``.
    """

    def __init__(self, document: Mapping[str, Any], base_path: str) -> None:
        self._document = document
        self._base_path = base_path

    @classmethod
    def load(cls, name: str, base_path: str) -> Contract | None:
        """The document ``name`` of the shared folder beside the checkout; None in a clone without it."""
        path = CONTRACTS / name
        if not path.is_file():
            return None
        text = path.read_text(encoding="utf-8")
        return cls(json.loads(text) if path.suffix == ".json" else yaml.safe_load(text), base_path)

    def violations(self, method: str, path: str, query: str, body: bytes) -> list[str]:
        """What is wrong with a request; empty when it is as documented."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not documented"]
        return [*self._query_problems(operation, query), *self._body_problems(operation, body)]

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        if not path.startswith(self._base_path):
            return None
        rest = path[len(self._base_path) :]
        templates = sorted(self._document["paths"], key=lambda template: "{" in template)
        for template in templates:
            if re.fullmatch(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(template)), rest):
                operation: Mapping[str, Any] | None = self._document["paths"][template].get(method.lower())
                return operation
        return None

    def _query_problems(self, operation: Mapping[str, Any], query: str) -> Iterator[str]:
        known = {p["name"]: p for p in operation.get("parameters", ()) if p.get("in") == "query"}
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name not in known:
                yield f"query parameter {name} is not documented"
            elif known[name]["schema"].get("type") == "integer" and not re.fullmatch(r"-?\d+", value):
                yield f"query parameter {name}={value} is no integer"

    def _body_problems(self, operation: Mapping[str, Any], body: bytes) -> Iterator[str]:
        schema = self._body_schema(operation)
        if schema is None:
            if body:
                yield "a body, where none is documented"
            return
        try:
            data = json.loads(body)
        except ValueError as error:
            yield f"body is no JSON: {error}"
            return
        resolvable = {
            **schema,
            **{k: self._document[k] for k in ("components", "definitions") if k in self._document},
        }
        for error in Draft4Validator(resolvable, format_checker=Draft4Validator.FORMAT_CHECKER).iter_errors(data):
            yield f"body at {error.json_path}: {error.message}"
        for item in data if isinstance(data, list) else [data]:
            yield from (f"property {name} is not documented" for name in item if name not in self._properties(schema))

    def _body_schema(self, operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if "requestBody" in operation:
            schema: Mapping[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
            return schema
        return next((p["schema"] for p in operation.get("parameters", ()) if p.get("in") == "body"), None)

    def _properties(self, schema: Mapping[str, Any]) -> set[str]:
        """Of an object, of the items of an array, of all parts of an ``allOf``."""
        if "$ref" in schema:
            target: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return self._properties(target)
        names = set(schema.get("properties", ()))
        for part in (*schema.get("allOf", ()), *([schema["items"]] if "items" in schema else ())):
            names |= self._properties(part)
        return names
