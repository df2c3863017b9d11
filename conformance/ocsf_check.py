"""Checks OCSF events, one JSON object a line on stdin, against the schema of the version that they name.

For each event: the class's JSON Schema with the event's profiles (required attributes, types, enumerations,
constraints, nothing unknown), no deprecated attribute, every caption equal to that of its id, type_uid made
of class and activity. Prints what is wrong, then how many events each class has. Exits 1 if anything is wrong.
"""

import argparse
import collections
import json
import sys
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

JsonObject = dict[str, Any]

SHOWN = 50
OTHER = 99


class Schema:
    """One version of the schema, as ocsf-json-schema packages it."""

    def __init__(self, version: str) -> None:
        self.raw = get_ocsf_schema(version)
        self.json_schema = OcsfJsonSchemaEmbedded(self.raw)
        self.validators: dict[tuple[str, tuple[str, ...]], Draft202012Validator] = {}

    def validator(self, name: str, profiles: list[str]) -> Draft202012Validator:
        key = (name, tuple(sorted(profiles)))
        if key not in self.validators:
            self.validators[key] = Draft202012Validator(self.json_schema.get_class_schema(name, list(profiles)))
        return self.validators[key]

    def problems(self, event: JsonObject) -> Iterator[str]:
        """What is wrong with an event, each as one line."""
        name = self.json_schema.lookup_class_name_from_uid(event["class_uid"])
        profiles = event["metadata"].get("profiles", [])
        for error in self.validator(name, profiles).iter_errors(event):
            yield f"{error.json_path}: {error.message[:200]}"
        if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
            yield "$.type_uid: not made of class and activity"
        yield from self.conventions(self.raw["classes"][name], event, "$")

    def conventions(self, described: JsonObject, value: JsonObject, path: str) -> Iterator[str]:
        """What JSON Schema does not say: captions and deprecation."""
        for key, member in value.items():
            attribute = described["attributes"].get(key)
            if attribute is None:
                continue
            if "@deprecated" in attribute:
                yield f"{path}.{key}: deprecated"
            yield from self.caption(attribute, value, key, path)
            for index, item in enumerate(member if isinstance(member, list) else [member]):
                if isinstance(item, dict) and attribute.get("object_type") in self.raw["objects"]:
                    kind = self.raw["objects"][attribute["object_type"]]
                    yield from self.conventions(kind, item, f"{path}.{key}[{index}]")

    @staticmethod
    def caption(attribute: JsonObject, value: JsonObject, key: str, path: str) -> Iterator[str]:
        sibling, choices = attribute.get("sibling"), attribute.get("enum")
        if sibling and choices and sibling in value and value[key] != OTHER:
            caption = choices.get(str(value[key]), {}).get("caption")
            if value[sibling] != caption:
                yield f"{path}.{sibling}: {value[sibling]!r} beside {key} {value[key]}, which is {caption!r}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args()
    schemas: dict[str, Schema] = {}
    counts: collections.Counter[str] = collections.Counter()
    wrong = shown = 0
    for number, line in enumerate(sys.stdin, 1):
        try:
            event = json.loads(line)
            version = event["metadata"]["version"]
            if version not in schemas:
                schemas[version] = Schema(version)
            problems = list(schemas[version].problems(event))
            counts[f"{event['class_uid']} {event['class_name']}"] += 1
        except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
            problems = [f"no OCSF event: {error!r}"]
        wrong += bool(problems)
        for problem in problems:
            shown += 1
            if shown <= SHOWN:
                print(f"line {number}: {problem}")
    for name, count in sorted(counts.items()):
        print(f"{count:8} {name}")
    print(f"{sum(counts.values())} events of OCSF {', '.join(sorted(schemas)) or '-'}, {wrong} wrong")
    return 1 if wrong or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
