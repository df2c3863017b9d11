"""What fleet.yaml repeats: the code of its rounds, and the parameters of template.yaml that it hands on.

Usage: python -m deploy.inline, which writes them into fleet.yaml; a rule of deploy/tests compares them.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What a fleet sets itself, or has no use for: the secrets of all orgs carry a tag, their runs are started by rounds, and a wake-up
# from Okta does not name its org.
OWN = ("SecretArn", "Fleet", "ScheduleMinutes", "MetricsBy", "OktaEventBusName", "WakeWindowSeconds", "Integration")
PLACE = re.compile(
    r"(^ *# Generated from (\S+): python -m deploy\.inline\n)(.*?)(^ *# End of what is generated \(\2\)\.\n)",
    re.MULTILINE | re.DOTALL,
)
PARAMETER = re.compile(r"^  (\w+):\n((?:    .*\n)+)", re.MULTILINE)


def parameters(template: str) -> dict[str, str]:
    """The template's parameters as they are written there: name -> lines."""
    section = template.split("\nParameters:\n", 1)[1].split("\nMetadata:\n", 1)[0] + "\n"
    return {name: f"  {name}:\n{lines}" for name, lines in PARAMETER.findall(section)}


def handed_on(template: str) -> tuple[str, str]:
    """The texts of the parameters that a fleet takes, and of those that it gives to the template."""
    taken = {name: text for name, text in parameters(template).items() if name not in OWN}
    given = "".join(f"        {name}: {value(name, text)}\n" for name, text in taken.items())
    return "".join(taken.values()), given


def value(name: str, text: str) -> str:
    return f'!Join [",", !Ref {name}]' if "Type: CommaDelimitedList" in text else f"!Ref {name}"


def indented(code: str, spaces: int) -> str:
    return "".join(f"{' ' * spaces}{line}".rstrip() + "\n" for line in code.splitlines())


def made(fleet: str, template: str, roster: str) -> str:
    """fleet.yaml with all that is generated anew."""
    taken, given = handed_on(template)
    texts = {
        "template.yaml/Parameters": taken,
        "template.yaml": given,
        "deploy/roster.py": f"      InlineCode: |\n{indented(roster, 8)}",
    }
    found = PLACE.findall(fleet)
    assert [name for _, name, _, _ in found] == list(texts), found
    return PLACE.sub(lambda place: f"{place[1]}{texts[place[2]]}{place[4]}", fleet)


def current() -> tuple[str, str]:
    """fleet.yaml as it is, and as it has to be."""
    fleet, template, roster = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("fleet.yaml", "template.yaml", "deploy/roster.py")
    )
    return fleet, made(fleet, template, roster)


def main() -> None:
    (ROOT / "fleet.yaml").write_text(current()[1], encoding="utf-8")


if __name__ == "__main__":
    main()
