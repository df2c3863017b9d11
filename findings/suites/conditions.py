"""The conditions of a rule as a tree, and the events that follow from it.

Okta's filters (`eventType eq "x" and not (...)`) and Elastic's KQL (`event.action: (a or b)`) are read into one tree:
("and", [tree…]), ("or", [tree…]), ("not", tree) or ("is", field, operator, value), in which a value may hold `*`.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

Tree = tuple[Any, ...]
Leaf = tuple[str, str, str]
"""(field, operator, value): eq, co, sw, in `pr` without a value, and their contraries with a leading `!`."""
MOST_BRANCHES = 40
TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([()\[\],:])|([^\s()\[\],:"]+))')


class NotRead(ValueError):
    """A filter that is written in another way."""


def branches(tree: Tree) -> list[list[Leaf]]:
    """Each way to fulfil the tree: all its leaves at once."""
    return [list(leaves) for leaves in itertools.islice(_ways(tree, False), MOST_BRANCHES)]


def _ways(tree: Tree, is_negated: bool) -> Iterator[tuple[Leaf, ...]]:
    kind = tree[0]
    if kind == "not":
        yield from _ways(tree[1], not is_negated)
    elif kind == "is":
        yield ((tree[1], f"!{tree[2]}" if is_negated else tree[2], tree[3]),)
    elif (kind == "or") != is_negated:
        for each in tree[1]:
            yield from _ways(each, is_negated)
    else:
        for chosen in itertools.product(*(list(_ways(each, is_negated)) for each in tree[1])):
            yield tuple(leaf for leaves in chosen for leaf in leaves)


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, bool]] = []
        place = 0
        text = text.strip()
        while place < len(text):
            match = TOKEN.match(text, place)
            if not match:
                raise NotRead(text[place : place + 40])
            quoted, mark, word = match.groups()
            self.tokens.append((quoted.replace('\\"', '"'), True) if quoted is not None else (mark or word, False))
            place = match.end()
        self.at = 0

    def peek(self) -> str:
        word, is_quoted = self.tokens[self.at] if self.at < len(self.tokens) else ("", False)
        return word if is_quoted else word.lower()

    def take(self, wanted: str | None = None) -> str:
        if self.at >= len(self.tokens) or wanted is not None and self.peek() != wanted:
            raise NotRead(f"{wanted or 'a word'} is missing at word {self.at}")
        self.at += 1
        return self.tokens[self.at - 1][0]

    def whole(self) -> Tree:
        tree = self.any()
        if self.at < len(self.tokens):
            raise NotRead(f"{self.take()!r} is left over")
        return tree

    def any(self) -> Tree:
        return self._joined("or", self.all)

    def all(self) -> Tree:
        return self._joined("and", self.one)

    def _joined(self, word: str, read: Callable[[], Tree]) -> Tree:
        found = [read()]
        while self.peek() == word:
            self.take()
            found.append(read())
        return found[0] if len(found) == 1 else (word, found)

    def one(self) -> Tree:
        if self.peek() == "not":
            self.take()
            return ("not", self.one())
        if self.peek() == "(":
            self.take()
            tree = self.any()
            self.take(")")
            return tree
        return self.leaf()

    def leaf(self) -> Tree:
        raise NotImplementedError


class _Filter(_Reader):
    def leaf(self) -> Tree:
        field, operator = self.take(), self.take().lower()
        if operator == "pr":
            return ("is", field, "pr", "")
        if operator == "in":
            self.take("[")
            values = [self.take()]
            while self.peek() == ",":
                self.take()
                values.append(self.take())
            self.take("]")
            return ("or", [("is", field, "eq", value) for value in values])
        if operator not in ("eq", "ne", "co", "sw"):
            raise NotRead(operator)
        leaf = ("is", field, "eq" if operator == "ne" else operator, self.take())
        return ("not", leaf) if operator == "ne" else leaf


class _Kuery(_Reader):
    def leaf(self) -> Tree:
        self._field = self.take()
        self.take(":")
        return self._values()

    def _values(self) -> Tree:
        if self.peek() != "(":
            return self._value()
        self.take()
        tree = self._joined("or", lambda: self._joined("and", self._negated))
        self.take(")")
        return tree

    def _negated(self) -> Tree:
        if self.peek() == "not":
            self.take()
            return ("not", self._negated())
        return self._values()

    def _value(self) -> Tree:
        field, words = self._field, [self.take()]
        while (
            self.at < len(self.tokens)
            and self.peek() not in ("and", "or", ")", "not")
            and not (self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][0] == ":")
        ):
            words.append(self.take())
        value = " ".join(words)
        if value == "*":
            return ("is", field, "pr", "")
        return ("is", field, "co" if "*" in value else "eq", value.strip("*"))


def okta(text: str) -> Tree:
    return _Filter(text).whole()


def kuery(text: str) -> Tree:
    return _Kuery(text).whole()
