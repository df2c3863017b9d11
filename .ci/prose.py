"""Counts habits of speech per 1,000 words of comments and documents, beside what well-known projects have of them.

Usage: python .ci/prose.py              a table, by part of the project
       python .ci/prose.py --lines FILE...   each place in these files

Six well-known projects have at most 1.0 of the first column per 1,000 words, and next to none of the others.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# `who` after a noun names somebody ("users who"); after one of these it stands for a noun that is missing.
BEFORE_A_CLAUSE = (
    "about|after|and|are|as|at|ask|asks|be|before|beside|but|by|for|from|if|in|into|is|know|knows|like|named|names|not|of|on|or|"
    "over|say|says|see|shows|than|that|to|under|unlike|was|when|whether|with|without"
)
HABITS = {
    # "what is gone", "who may read it": a clause in place of a noun.
    "what/who": re.compile(
        rf"\b(?:what|whatever|whoever)\b|(?:^|[.,;:(]\s*|\b(?:{BEFORE_A_CLAUSE})\s+)who\b", re.IGNORECASE
    ),
    # "the row tells": a document or a program says, shows, reports.
    "tell/told": re.compile(r"\b(?:tell|tells|telling|told)\b", re.IGNORECASE),
    # "where it is missing": a condition in the dress of a place. After a noun or a verb of saying it is a place.
    "where for if": re.compile(
        r"(?:^|[.,;:(]\s*|\b(?:and|but|even|only|or|except|also|save|it|is|are|them|one|there)\s+)where\b(?!\s+(?:it|they) (?:lies|lie|stands?)\b)",
        re.IGNORECASE,
    ),
    # "one that is gone": a pronoun for a noun that could be named. "one of the two" is a number.
    "one that": re.compile(r"\bone (?:that|whose|who|which|of an?|of no)\b", re.IGNORECASE),
}
COMMENT = re.compile(r"^\s*(?://[/!]?|#)(?!\[)\s?(.*)$")
TEST = re.compile(r"\b(?:fn|def) (?:test_)?(\w*_\w+_\w+)\(")


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that people read, with their numbers: comments and docstrings, or a document without its code."""
    is_code = is_quoted = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if path.suffix == ".md":
            is_code ^= line.startswith("```")
            text = "" if is_code else line
        elif path.suffix == ".py" and '"""' in line:
            text = line
            is_quoted ^= line.count('"""') % 2 == 1
        elif is_quoted:
            text = line
        else:
            found = COMMENT.match(line)
            text = found[1] if found else ""
        yield number, re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+", " x ", text)


def names(path: Path) -> Iterator[tuple[int, str]]:
    """The names of tests, as sentences."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for name in TEST.findall(line):
            yield number, name.replace("_", " ")


def files(*patterns: str, but: tuple[str, ...] = ()) -> list[Path]:
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(path for path in found if not path.relative_to(ROOT).as_posix().startswith(but or ("\n",)))


PARTS = {
    "src": (files("src/**/*.rs"), prose),
    "crates": (files("crates/*/src/**/*.rs"), prose),
    "tests, comments": (files("tests/**/*.rs", "crates/*/tests/**/*.rs"), prose),
    "tests, names": (files("tests/**/*.rs", "crates/*/tests/**/*.rs", "*/tests/**/*.py"), names),
    "Python": (files("*/**/*.py", ".ci/*.py", but=(".venv", "target", "out", "dist")), prose),
    "README and docs": (files("README.md", "docs/*.md"), prose),
    "other documents": (files("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"), prose),
}


def table() -> Iterator[str]:
    yield f"{'per 1,000 words':<20}{'words':>8}" + "".join(f"{habit:>14}" for habit in HABITS)
    for part, (paths, read) in PARTS.items():
        words, found = 0, Counter[str]()
        for path in paths:
            for _, text in read(path):
                words += len(re.findall(r"[A-Za-z][\w'-]*", text))
                found.update({habit: len(pattern.findall(text)) for habit, pattern in HABITS.items()})
        yield f"{part:<20}{words:>8,}" + "".join(f"{1000 * found[habit] / max(words, 1):>14.1f}" for habit in HABITS)


def places(path: Path) -> Iterator[str]:
    for read in (prose, names):
        for number, text in read(path):
            for habit, pattern in HABITS.items():
                if pattern.search(text):
                    yield f"{path}:{number}: {habit}: {text.strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", metavar="FILE", nargs="+", type=Path, help="show each place in these files")
    given = parser.parse_args()
    print("\n".join([line for path in given.lines for line in places(path)] if given.lines else table()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
