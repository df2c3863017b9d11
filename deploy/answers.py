"""The answers to `make deploy`, in an ignored file, so that `make upgrade` asks nothing. No credential is among it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from deploy.failure import Failure

FILE = Path(".deploy.json")


@dataclass
class Answers:
    """`parameters` are the template's; whoever wants others than those asked for writes them there. `tags` go to all that is made,
    and `service_role` is the ARN of the role that CloudFormation works with, where the account demands one."""

    stack: str = "okta-authomize"
    region: str = ""
    secret: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    service_role: str = ""

    @classmethod
    def read(cls, file: Path = FILE) -> Answers:
        if not file.exists():
            return cls()
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            known = {one.name for one in fields(cls)}
            unknown = sorted(told.keys() - known)
        except (ValueError, AttributeError) as error:
            raise Failure(f"{file} cannot be read: {error}; correct it, or remove it and run make deploy") from None
        if unknown:
            raise Failure(f"{file} has unknown keys: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        return cls(**told)

    def write(self, file: Path = FILE) -> None:
        text = json.dumps(asdict(self), indent=2) + "\n"
        beside = file.with_suffix(".new")
        beside.touch(mode=0o600)
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
