"""Where the templates are, and what is in them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def of_type(template, kind):
    """The resources of a type, by their name in the template."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}
