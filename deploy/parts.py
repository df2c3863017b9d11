"""The parts list of a built program, as CycloneDX: every crate that is linked into it, with its licence and checksum.

Usage: python -m deploy.parts PROGRAM ARCH FILE
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import tomli
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot5
from packageurl import PackageURL

TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}


def linked(program: str, arch: str) -> tuple[dict[str, Any], str, dict[str, list[str]]]:
    """The packages that are linked into a program, by cargo's id, the program's own first, and who depends on whom."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGETS[arch]]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    root = next(key for key, package in packages.items() if package["name"] == program and not package["source"])
    edges, open_ids = {}, [root]
    while open_ids:
        at = open_ids.pop()
        if at not in edges:
            # Crates that only tests or builds need are in no binary.
            kinds = [
                dependency
                for dependency in nodes[at]["deps"]
                if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            ]
            edges[at] = sorted(one["pkg"] for one in kinds if not is_macro(packages[one["pkg"]]))
            open_ids += edges[at]
    return packages, root, edges


def is_macro(package: dict[str, Any]) -> bool:
    return any("proc-macro" in target["kind"] for target in package["targets"])


def checksums() -> dict[tuple[str, str], str]:
    locked = tomli.loads(Path("Cargo.lock").read_text(encoding="utf-8"))["package"]
    return {(package["name"], package["version"]): package["checksum"] for package in locked if "checksum" in package}


def component(
    package: dict[str, Any], known: dict[tuple[str, str], str], kind: ComponentType = ComponentType.LIBRARY
) -> Component:
    name, version = package["name"], package["version"]
    licence = package["license"]
    sums = [HashType(alg=HashAlgorithm.SHA_256, content=known[name, version])] if (name, version) in known else []
    return Component(
        type=kind,
        name=name,
        version=version,
        purl=PackageURL("cargo", None, name, version),
        bom_ref=f"{name}@{version}",
        # Old manifests divide licences by a slash.
        licenses=[LicenseFactory().make_from_string(licence.replace("/", " OR "))] if licence else [],
        hashes=sums,
    )


def bill(program: str, arch: str) -> str:
    packages, root, edges = linked(program, arch)
    known = checksums()
    bom = Bom()
    made = {root: component(packages[root], known, ComponentType.APPLICATION)}
    bom.metadata.component = made[root]
    for key in sorted(edges.keys() - {root}, key=lambda key: (packages[key]["name"], packages[key]["version"])):
        made[key] = component(packages[key], known)
        bom.components.add(made[key])
    for key, needed in edges.items():
        bom.register_dependency(made[key], [made[one] for one in needed])
    return JsonV1Dot5(bom).output_as_string(indent=1)


def main(program: str, arch: str, file: str) -> None:
    Path(file).write_text(bill(program, arch), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
