"""Where the templates are, and what is in them."""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def of_type(template, kind) -> dict[Any, Any]:
    """The resources of a type, by their name in the template."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}
