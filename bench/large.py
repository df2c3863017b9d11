"""What findings and ways to super admin of an org of 100,000 users take: `python3 -m bench.large [USERS]`."""

import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from bench import large_org, results
from bench.process import measured

QUESTIONS = {
    "all findings": ["findings", "--json"],
    "the ways to super admin, and what closes them": ["findings.paths"],
}
ALSO = {
    "the ways as OpenGraph": ["findings.paths", "--opengraph"],
}
BAR_S, BAR_MIB = 60, 2_000_000_000 / 2**20
"""Of all questions together, and of each."""


def rows(users=large_org.USERS) -> Iterator[list[Any]]:
    """(what, wall clock, CPU, peak memory, bar): the tables first, from which the questions are answered."""
    with tempfile.TemporaryDirectory() as folder:
        # By a process of its own: Linux counts the memory of who starts a process as the process's.
        measured(["bench.large_org", folder, str(users)])
        yield row("the tables, made anew", measured(["findings", "--only", "new-idp", "--dir", folder]))
        asked = {what: measured([*words, "--dir", folder]) for what, words in QUESTIONS.items()}
        yield from (row(what, taken) for what, taken in asked.items())
        seconds, cpu, memory = zip(*asked.values(), strict=True)
        whole = sum(seconds), sum(cpu), max(memory)
        told = f"{BAR_S} s {results.met(whole[0], BAR_S)}, 2 GB {results.met(whole[2], BAR_MIB)}"
        yield row("both", whole, told)
        yield from (row(what, measured([*words, "--dir", folder])) for what, words in ALSO.items())


def row(what, taken, bar="") -> list[Any]:
    seconds, cpu, memory = taken
    return [what, f"{seconds:.1f} s", f"{cpu:.1f} s", f"{memory:.0f} MiB", bar]


def main() -> None:
    print(results.large(list(rows(*(int(word) for word in sys.argv[1:])))))


if __name__ == "__main__":
    main()
