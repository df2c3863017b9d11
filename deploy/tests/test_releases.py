"""Releases, issues and the Terraform module: files that nothing here runs."""

import json
import re
import unittest
from typing import Any

import hcl2
import yaml

from deploy.inline import OWN, parameters
from deploy.template import load
from deploy.tests.resources import ROOT

WORKFLOWS = {file.stem: file for file in sorted((ROOT / ".github/workflows").glob("*.yml"))}
# Arguments of the provider that the module uses, as the bindings generated from its schema have them (6.x).
SCHEMA = {
    "aws_s3_object": {"bucket", "key", "source", "source_hash", "tags"},
    "aws_cloudformation_stack": {
        "name",
        "template_url",
        "parameters",
        "capabilities",
        "iam_role_arn",
        "notification_arns",
        "tags",
    },
}
OF_TERRAFORM = {"for_each", "depends_on", "lifecycle", "__start_line__", "__end_line__"}


def read(place) -> Any:
    """The Terraform files of a folder as one."""
    found: dict[str, list[Any]] = {}
    for file in sorted(place.glob("*.tf")):
        for kind, blocks in hcl2.loads(file.read_text(encoding="utf-8")).items():
            found.setdefault(kind, []).extend(blocks)
    return found


class Workflows(unittest.TestCase):
    def text(self, name) -> str:
        return WORKFLOWS[name].read_text(encoding="utf-8")

    def test_every_job_has_the_permissions_that_it_needs_and_the_workflow_none(self) -> None:
        self.assertEqual(set(WORKFLOWS), {"advisories", "policies", "release"})
        for name in WORKFLOWS:
            told = yaml.safe_load(self.text(name))
            self.assertEqual(told["permissions"], {}, name)
            for job, steps in told["jobs"].items():
                self.assertTrue(steps["permissions"], f"{name}: {job}")
                writes = {scope for scope, access in steps["permissions"].items() if access == "write"}
                self.assertEqual(bool(writes), job == "release", f"{name}: {job}")

    def test_a_release_is_advisories_then_both_processors_then_sums_provenance_and_a_signature(self) -> None:
        jobs = yaml.safe_load(self.text("release"))["jobs"]
        self.assertEqual((jobs["package"]["needs"], jobs["release"]["needs"]), ("advisories", "package"))
        self.assertEqual({one["arch"] for one in jobs["package"]["strategy"]["matrix"]["include"]}, {"arm64", "x86_64"})
        text = self.text("release")
        order = [
            "make package",
            "deploy.starts",
            "sha256sum",
            "attest-build-provenance",
            "cosign sign-blob",
            "gh release create",
        ]
        places = [text.index(word) for word in order]
        self.assertEqual(places, sorted(places))

    def test_nothing_of_an_event_stands_in_a_script(self) -> None:
        for name in WORKFLOWS:
            for job in yaml.safe_load(self.text(name))["jobs"].values():
                for step in job["steps"]:
                    self.assertNotIn("${{", step.get("run", ""), name)

    def test_the_targets_of_workflows_exist(self) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for name in WORKFLOWS:
            for target in re.findall(r"run: make (\w+)", self.text(name)):
                self.assertIn(f"\n{target}:", makefile)
            for module in re.findall(r"-m deploy\.(\w+)", self.text(name)):
                self.assertTrue((ROOT / f"deploy/{module}.py").is_file(), module)
        self.assertIn("workflows/release\\.yml@refs/tags/v", (ROOT / "docs/operations.md").read_text(encoding="utf-8"))

    def test_every_list_of_packages_is_looked_after(self) -> None:
        told = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))
        (pip,) = [one for one in told["updates"] if one["package-ecosystem"] == "pip"]
        there = {
            f"/{file.parent.relative_to(ROOT)}"
            for file in ROOT.glob("*/*.txt")
            if not str(file.parent.name).startswith(".") and "==" in file.read_text()
        }
        self.assertLessEqual(there - {"/out", "/target", "/dist"}, set(pip["directories"]))


class Terraform(unittest.TestCase):
    def test_the_module_has_only_arguments_that_the_provider_knows(self) -> None:
        for block in read(ROOT / "terraform")["resource"]:
            ((kind, named),) = block.items()
            ((_, arguments),) = named.items()
            self.assertLessEqual(set(arguments) - OF_TERRAFORM, SCHEMA[kind], kind)

    def test_every_variable_is_used_and_every_used_one_is_there(self) -> None:
        texts = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "terraform").glob("*.tf"))
        there = {name for block in read(ROOT / "terraform")["variable"] for name in block}
        self.assertEqual(set(re.findall(r"\bvar\.(\w+)", texts)), there)

    def test_examples_use_inputs_that_the_module_and_the_templates_have(self) -> None:
        variables = {name for block in read(ROOT / "terraform")["variable"] for name in block}
        for example, template in (("one-org", "template.yaml"), ("fleet", "fleet.yaml")):
            ((_, module),) = read(ROOT / "terraform/examples" / example)["module"][0].items()
            self.assertLessEqual(set(module) - {"source"} - OF_TERRAFORM, variables, example)
            (given,) = module["parameters"]
            self.assertLessEqual(given.keys(), load(ROOT / template)["Parameters"].keys(), example)

    def test_the_files_that_it_names_are_the_packages(self) -> None:
        text = (ROOT / "terraform/main.tf").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r'"(plain[\w-]*\.json)"', text)), {"plain.json", "plain-fleet.json"})
        self.assertIn('"plain-fleet.json"', (ROOT / "deploy/package.py").read_text(encoding="utf-8"))


class Four(unittest.TestCase):
    def test_every_parameter_but_the_secret_has_a_default(self) -> None:
        """So the questions stay four, whatever governed accounts ask for beside."""
        template = load(ROOT / "template.yaml")
        for name, told in template["Parameters"].items():
            self.assertIn("Default", told, name)
        self.assertEqual(
            set(parameters((ROOT / "template.yaml").read_text(encoding="utf-8"))), set(template["Parameters"])
        )
        self.assertLessEqual(set(OWN), {*template["Parameters"]})
        self.assertTrue(json.dumps(template["Metadata"]))


if __name__ == "__main__":
    unittest.main()
