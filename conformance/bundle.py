"""What a line's `bundle` may hold, judged by the models of Authomize's own client.

The client's models are lenient: they drop fields they do not know, turn numbers into strings and accept null.
So every item is parsed by its model, written back, and must come out as it went in.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any

from authomize.rest_api_client.generated.connectors_rest_api.schemas import (
    IngestionDataBundleSchema,
    UpdateAssetsListRequestSchema,
    UpdateGroupingsListRequestSchema,
    UpdateIdentitiesListRequestSchema,
    UpdatePrivilegesListRequestSchema,
    UpdateServiceAccountListRequestSchema,
    UpdateUserListRequestSchema,
)
from pydantic import BaseModel, ValidationError

UPDATE_LISTS: dict[str, type[BaseModel]] = {
    "update_users": UpdateUserListRequestSchema,
    "update_service_accounts": UpdateServiceAccountListRequestSchema,
    "update_identities": UpdateIdentitiesListRequestSchema,
    "update_groupings": UpdateGroupingsListRequestSchema,
    "update_privileges": UpdatePrivilegesListRequestSchema,
    "update_assets": UpdateAssetsListRequestSchema,
}
"""Bundle key of PATCH items to the body of the PATCH request that takes them."""

UPDATE_LIST_ITEMS = 10_000
"""Most items of one PATCH request, `max_items` of the lists above."""

MODELS: dict[str, type[BaseModel]] = {
    name: field.type_ for name, field in IngestionDataBundleSchema.__fields__.items() if name.startswith("new_")
} | {name: body.__fields__["data"].type_ for name, body in UPDATE_LISTS.items()}
"""Bundle key to the model of one item."""

RFC3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)", re.ASCII)
STATED_LENGTH = re.compile(r"up to (\d+) characters")


def is_utc_time(text: object) -> bool:
    """Whether `text` is an RFC 3339 date-time in UTC that exists in the calendar."""
    if not isinstance(text, str) or not RFC3339_UTC.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def item_problems(key: str, item: object) -> Iterator[str]:
    """Everything wrong with one item of the bundle key `key` (one of `MODELS`)."""
    if not isinstance(item, dict):
        yield f"item is {type(item).__name__}, not an object"
        return
    yield from _absent_values(item, key)
    try:
        parsed = MODELS[key].parse_obj(item)
    except ValidationError as refused:
        yield from _refusals(refused, key)
        return
    yield from _differences(item, parsed.dict(exclude_unset=True), key)
    yield from _over_stated_length(parsed, key)


def whole_problems(items_by_key: dict[str, list[Any]]) -> Iterator[str]:
    """What the client refuses in the lists of all lines put together, key by key."""
    new = {key: items for key, items in items_by_key.items() if key not in UPDATE_LISTS}
    yield from _model_refuses(IngestionDataBundleSchema, new, "IngestionDataBundleSchema")
    for key, body in UPDATE_LISTS.items():
        items = items_by_key.get(key, [])
        for start in range(0, len(items), UPDATE_LIST_ITEMS):
            request = {"data": items[start : start + UPDATE_LIST_ITEMS]}
            yield from _model_refuses(body, request, f"{key} from item {start}")


def _model_refuses(model: type[BaseModel], data: dict[str, Any], what: str) -> Iterator[str]:
    try:
        model.parse_obj(data)
    except ValidationError as refused:
        problems = list(_refusals(refused, what))
        yield f"{what} refused: {len(problems)} problems, first: {problems[0]}"


def _refusals(refused: ValidationError, path: str) -> Iterator[str]:
    for error in refused.errors():
        yield f"{'.'.join([path, *map(str, error['loc'])])}: {error['msg']}"


def _absent_values(value: object, path: str) -> Iterator[str]:
    if value is None or value == "":
        shown = "null" if value is None else "an empty string"
        yield f"{path} is {shown}: absent values are left out"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _absent_values(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _absent_values(inner, f"{path}.{index}")


def _differences(raw: Any, read: Any, path: str) -> Iterator[str]:
    """Where what the model read (`read`) is not what the line says (`raw`)."""
    if isinstance(raw, dict) and isinstance(read, dict):
        for name, inner in raw.items():
            if name in read:
                yield from _differences(inner, read[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}: unknown field"
    elif isinstance(raw, list) and isinstance(read, list):
        for index, (inner, inner_read) in enumerate(zip(raw, read, strict=True)):
            yield from _differences(inner, inner_read, f"{path}.{index}")
    elif isinstance(read, datetime):
        if not is_utc_time(raw):
            yield f"{path}: {raw!r} is not an RFC 3339 date-time in UTC"
    else:
        told = read.value if isinstance(read, Enum) else read
        if type(raw) is not type(told) or raw != told:
            yield f"{path}: {raw!r} has the wrong type, read as {told!r}"


def _over_stated_length(parsed: BaseModel, path: str) -> Iterator[str]:
    """Lengths that a field's description states and its type does not enforce."""
    for name in parsed.__fields_set__:
        limit = _STATED_LENGTHS.get((type(parsed), name))
        value = getattr(parsed, name)
        if limit is not None and isinstance(value, str) and len(value) > limit:
            yield f"{path}.{name}: {len(value)} characters, the model's text allows {limit}"


_STATED_LENGTHS = {
    (model, name): int(stated[1])
    for model in MODELS.values()
    for name, field in model.__fields__.items()
    if (stated := STATED_LENGTH.search(field.field_info.description or ""))
}
