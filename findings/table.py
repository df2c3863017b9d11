"""Answers for people: worst first, one line a finding that has cases, with examples; then what was not found."""

import shutil

from findings.answers import Answer

SHOWN = 3
LEAST_COLUMNS = 100


def text(answers: list[Answer], examples: int = SHOWN) -> list[str]:
    found = [answer for answer in answers if answer.cases]
    width = max(shutil.get_terminal_size((LEAST_COLUMNS, 40)).columns, LEAST_COLUMNS)
    lines = [f"  {'severity':<10}{'count':>7}  {'finding':<26}title", ""] if found else []
    for answer in found:
        finding = answer.finding
        lines.append(f"  {finding.severity:<10}{len(answer.cases):>7,}  {finding.id:<26}{finding.title}")
        lines += [_cut(f"{'':>21}{example}", width) for example in _examples(answer, examples)]
    absent = [answer.finding.id for answer in answers if not answer.cases]
    if absent:
        lines += ["", f"  Not found ({len(absent)}):", *_wrapped(absent, width)]
    return lines


def _examples(answer: Answer, most: int) -> list[str]:
    shown = [
        f"{case.name}: {case.detail}" + (f" ({case.at:%Y-%m-%d %H:%M})" if case.at else "")
        for case in answer.cases[:most]
    ]
    more = len(answer.cases) - len(shown)
    return [*shown, f"and {more:,} more"] if more > 0 and most else shown


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _wrapped(words: list[str], width: int) -> list[str]:
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > width:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return [*lines, line]
