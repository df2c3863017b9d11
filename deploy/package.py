"""`make package`: files that deploy without a toolchain.

dist/okta-authomize-{version}-{arch}/ holds the functions' archives, `packaged.yaml`, `fleet.yaml`, the same as plain CloudFormation
(`plain.json`, `plain-fleet.json`), `athena.yaml`, `alerts.yaml`, the parts lists (CycloneDX) and SHA-256 sums of them all; the .zip beside it holds the
same for handing on. dist/packaged.yaml is a copy of the template.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from deploy import watch
from deploy.failure import Failure

FUNCTIONS = {"collector": "okta-authomize", "loader": "okta-authomize-loader"}
# The oldest time that an archive can hold: the same files make the same archive.
EPOCH = (1980, 1, 1, 0, 0, 0)
LIMIT_BYTES = 50_000_000
# What is deployed of a package. The parts lists beside it tell when they were made.
DEPLOYED = ("collector.zip", "loader.zip", "watch.zip", "fleet.yaml", "packaged.yaml")
PLAIN = "plain.json"
# The functions' archives, in the order in which the template has them.
ARCHIVES = (*FUNCTIONS, "watch")
DIGITS = 12
VERSION = re.compile(r'^\[workspace\.package\]\nversion = "(.+)"$', re.MULTILINE)
CODE = re.compile(r"^(\s+)CodeUri: \.$", re.MULTILINE)
BUILD = re.compile(r"^ {6}BuildMethod: .*\n(?: {6}BuildProperties:\n {8}Binary: .*\n)?", re.MULTILINE)
EMPTY_METADATA = re.compile(r"^ {4}Metadata:\n(?! {6})", re.MULTILINE)
PARAMETERS = """Parameters:
  CodeBucket:
    Type: String
    Description: Bucket in this region to which the package was copied.
  CodeKey:
    Type: String
    Default: {name}
    Description: >-
      Folder of the package in that bucket. Another build needs another folder: while the name stays, CloudFormation sees no change.

"""


def version(root: Path) -> str:
    """The version of all packages of the workspace."""
    return VERSION.findall((root / "Cargo.toml").read_text(encoding="utf-8"))[0]


def package(
    root: Path,
    binaries: Path,
    arch: str,
    parts_list: Callable[[Path, str, str], None],
    plain: Callable[[Path, Path], None],
    watch_code: Path | None = None,
    athena: Callable[[], str] | None = None,
) -> Path:
    """Makes the package of the programs in `binaries/{program}/bootstrap` and of the watch, whose code lies in `watch_code` (`root`
    where nothing is said); gives its folder. `parts_list(file, program, arch)` writes the CycloneDX file of one, `plain(template, file)`
    a template without its transform, `athena()` gives Athena's stack."""
    name = f"okta-authomize-{version(root)}-{arch}"
    dist = root / "dist"
    folder = dist / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for function, program in FUNCTIONS.items():
        bootstrap = Path(binaries) / program / "bootstrap"
        if not bootstrap.exists():
            raise Failure(f"{bootstrap} is missing: make build ARCH={arch}")
        archive(folder / f"{function}.zip", bootstrap)
        parts_list(folder / f"{function}.cdx.json", program, arch)
    unpacked = watch.archive(folder / "watch.zip", watch_code or root, Path(binaries) / watch.NAME)
    print(
        f"the watch: {(folder / 'watch.zip').stat().st_size:,} bytes, {unpacked:,} when it is unpacked", file=sys.stderr
    )
    shutil.copy(root / "alerts.yaml", folder / "alerts.yaml")
    if athena:
        (folder / "athena.yaml").write_text(athena(), encoding="utf-8")
    (folder / "packaged.yaml").write_text(packaged(root / "template.yaml", name, arch), encoding="utf-8")
    (folder / "fleet.yaml").write_text(packaged_fleet(root / "fleet.yaml", name, arch), encoding="utf-8")
    plain(folder / "packaged.yaml", folder / PLAIN)
    plain(folder / "fleet.yaml", folder / "plain-fleet.json")
    nested = (folder / "plain-fleet.json").read_text(encoding="utf-8")
    (folder / "plain-fleet.json").write_text(nested.replace("/packaged.yaml", f"/{PLAIN}"), encoding="utf-8")
    sums = [f"{sha256(file)}  {file.name}\n" for file in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    shutil.copy(folder / "packaged.yaml", dist / "packaged.yaml")
    with zipfile.ZipFile(dist / f"{name}.zip", "w", zipfile.ZIP_STORED) as whole:
        for file in sorted(folder.iterdir()):
            whole.writestr(zipfile.ZipInfo(f"{name}/{file.name}", EPOCH), file.read_bytes())
    return folder


def key(folder: Path) -> str:
    """The folder of a package in a bucket: its name, and the beginning of the SHA-256 of what is deployed of it. While that stays the
    same, so does the key; another build of the same version has another one."""
    missing = [name for name in DEPLOYED if not (folder / name).is_file()]
    if missing:
        raise Failure(f"{folder} lacks {', '.join(missing)}: make package")
    whole = hashlib.sha256()
    for name in DEPLOYED:
        whole.update((folder / name).read_bytes())
    return f"{folder.name}-{whole.hexdigest()[:DIGITS]}"


def archive(file: Path, bootstrap: Path) -> None:
    """A function's archive: the program alone, executable."""
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(entry, bootstrap.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    if file.stat().st_size > LIMIT_BYTES:
        raise Failure(f"{file} is larger than Lambda takes")


def packaged(template: Path, name: str, arch: str) -> str:
    """The template with the code's place as parameters, for the processor that it was built for."""
    text = template.read_text(encoding="utf-8")
    functions = iter(ARCHIVES)
    text, found = CODE.subn(
        lambda place: f'{place[1]}CodeUri: {{Bucket: !Ref CodeBucket, Key: !Sub "${{CodeKey}}/{next(functions)}.zip"}}',
        text,
    )
    if found != len(ARCHIVES):
        raise Failure(f"{template} has {found} functions where {len(ARCHIVES)} are built")
    text = EMPTY_METADATA.sub("", BUILD.sub("", text))
    text = text.replace("Parameters:\n", PARAMETERS.format(name=name), 1)
    return text.replace("    Default: arm64\n", f"    Default: {arch}\n", 1)


def packaged_fleet(template: Path, name: str, arch: str) -> str:
    text = template.read_text(encoding="utf-8")
    place = "      Location: template.yaml\n      Parameters:\n"
    if text.count(place) != 1:
        raise Failure(f"{template} has no template to take in")
    url = "https://${CodeBucket}.s3.${AWS::Region}.${AWS::URLSuffix}/${CodeKey}/packaged.yaml"
    given = "        CodeBucket: !Ref CodeBucket\n        CodeKey: !Ref CodeKey\n"
    text = text.replace("AWS::Serverless::Application", "AWS::CloudFormation::Stack", 1)
    text = text.replace(place, f"      TemplateURL: !Sub {url}\n      Parameters:\n{given}")
    text = text.replace("Parameters:\n", PARAMETERS.format(name=name), 1)
    return text.replace("    Default: arm64\n", f"    Default: {arch}\n", 1)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def plain_by(python: str, root: Path) -> Callable[[Path, Path], None]:
    """Makes plain CloudFormation in a process of its own."""

    def plain(template: Path, file: Path) -> None:
        if subprocess.run(
            [python, "-B", "-m", "deploy.plain", str(template), str(file)], cwd=root, stdout=sys.stderr, check=False
        ).returncode:
            raise Failure(f"{template} cannot be made plain: see above")

    return plain


def parts_list_by(python: str, root: Path) -> Callable[[Path, str, str], None]:
    """Lists a program's parts in a process of its own."""

    def parts_list(file: Path, program: str, arch: str) -> None:
        command = [python, "-B", "-m", "deploy.parts", program, arch, str(file)]
        if subprocess.run(command, cwd=root, stdout=sys.stderr, check=False).returncode:
            raise Failure(f"the parts of {program} cannot be listed: see above")

    return parts_list


def athena_by(python: str, root: Path) -> Callable[[], str]:
    """Makes Athena's stack in a process of its own."""

    def athena() -> str:
        made = subprocess.run(
            [python, "-B", "-m", "findings.athena"], cwd=root, stdout=subprocess.PIPE, text=True, check=False
        )
        if made.returncode:
            raise Failure("Athena's stack cannot be made: see above")
        return made.stdout

    return athena
