"""docs/dependencies.md has a reason for each dependency, and the function is built without what only tests need."""

import re
import subprocess
import unittest
from collections.abc import Iterator
from typing import Any

import tomli

from deploy.tests.resources import ROOT


def manifests() -> Iterator[tuple[Any, Any]]:
    for file in [ROOT / "Cargo.toml", *sorted((ROOT / "crates").glob("*/Cargo.toml"))]:
        yield file, tomli.loads(file.read_text(encoding="utf-8"))


class Dependencies(unittest.TestCase):
    def test_each_has_a_reason_and_each_reason_its_dependency(self) -> None:
        named = set()
        for _, manifest in manifests():
            named |= manifest.get("dependencies", {}).keys() | manifest.get("dev-dependencies", {}).keys()
        text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").split("## What `make` installs")[0]
        rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
        told = [name for row in rows for name in re.findall(r"`([\w-]+)`", row)]
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual(set(told), named)

    def test_the_functions_are_built_without_dependencies_of_tests(self) -> None:
        for program in ("okta-authomize", "okta-authomize-loader"):
            tree = [
                "cargo",
                "tree",
                "--locked",
                "--package",
                program,
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--target",
                "aarch64-unknown-linux-gnu",
            ]
            linked = subprocess.run(tree, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
            names = {line.split(" ")[0] for line in linked.splitlines() if line}
            self.assertIn("rustls", names)
            unwanted = {"schemars", "proptest", "jsonschema", "fake-org", "ring", "openssl", "native-tls"}
            self.assertEqual(names & unwanted, set(), program)
            versions = {line.split(" ")[1] for line in linked.splitlines() if line.startswith("sha2 ")}
            self.assertEqual(len(versions), 1, program)


if __name__ == "__main__":
    unittest.main()
