"""What was recorded of the built function (tests/rules/fleet.rs keeps it so), and the environment of AWS on this machine."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def answer(name) -> Any:
    """An answer of the function."""
    return json.loads((HERE / "answers" / f"{name}.json").read_text(encoding="utf-8"))


def line(name) -> Any:
    """A line of metrics that a run wrote."""
    return json.loads((HERE / "lines" / f"{name}.json").read_text(encoding="utf-8"))
