"""The Python programs beside the functions import what is there: many of them are started by hand, and seldom."""

import ast
import unittest
from collections.abc import Iterator
from typing import Any

from deploy.tests.resources import ROOT

PACKAGES = {"bench", "demo", "deploy", "findings", "pictures", "watch"}


def files() -> list[Any]:
    return [file for package in sorted(PACKAGES) for file in sorted((ROOT / package).rglob("*.py"))]


def defined(file) -> Any:
    """The names that a module has at its top, those under an `if` or `try` included."""
    names = set()
    open_nodes = list(ast.parse(file.read_text(encoding="utf-8")).body)
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        else:
            names |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
            open_nodes += [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)]
    return names


def imported(file) -> Iterator[Any]:
    """(module, name) of every import from these packages, those within functions included; the name of `import module` is `None`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)


def is_there(module, name) -> Any:
    place = ROOT.joinpath(*module.split("."))
    if not place.is_dir():
        file = place.with_name(f"{place.name}.py")
        return file.is_file() and (name is None or name in defined(file))
    if name is None or (place / f"{name}.py").is_file() or (place / str(name)).is_dir():
        return True
    return (place / "__init__.py").is_file() and name in defined(place / "__init__.py")


class Modules(unittest.TestCase):
    def test_every_import_of_a_program_exists(self) -> None:
        found = 0
        for file in files():
            for module, name in imported(file):
                if module.split(".")[0] in PACKAGES:
                    found += 1
                    self.assertTrue(
                        is_there(module, name), f"{file.relative_to(ROOT)}: {name} of {module} is not there"
                    )
        self.assertGreater(found, 100)

    def test_the_text_of_the_benchmarks_names_every_module_and_no_other(self) -> None:
        text = (ROOT / "bench/__init__.py").read_text(encoding="utf-8")
        listed = {line.split()[0] for line in text.split("\n\n")[1].splitlines()}
        by_hand = {"readers", "memory", "load_bucket"}
        self.assertTrue(all(f"`{name}`" in text for name in by_hand))
        there = {file.stem for file in (ROOT / "bench").glob("*.py")} - {"__init__", "__main__"}
        self.assertEqual(listed | by_hand, there)


if __name__ == "__main__":
    unittest.main()
