"""The demo org's state for the next run: out/.demo.json."""

import dataclasses
import datetime
import json
from typing import Any

FILE = ".demo.json"
HISTORY_DAYS = 120


@dataclasses.dataclass
class State:
    """The demo org is a function of these alone, so a later run meets the same org, some changes on."""

    seed: int
    people: int
    start: str
    bursts: list[str]

    @classmethod
    def first(cls) -> Any:
        start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=HISTORY_DAYS)
        return cls(seed=7, people=300, start=timestamp(start.replace(hour=0, minute=0, second=0)), bursts=[])

    @classmethod
    def read(cls, out) -> Any:
        """The last run's state, or nothing."""
        file = out / FILE
        return cls(**json.loads(file.read_text())) if file.exists() else None

    def add_burst(self) -> None:
        """Lets something happen in the org now."""
        self.bursts.append(timestamp(datetime.datetime.now(datetime.timezone.utc)))

    def write(self, out) -> None:
        out.mkdir(exist_ok=True)
        (out / FILE).write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")


def timestamp(moment) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
