"""Progress while the function works: one line that changes, or plain lines where there is no terminal."""

import shutil
import sys
import time

from demo.aws import PREFIX
from demo.summary import many, size

TERMINAL_SECONDS = 0.5
PLAIN_SECONDS = 5


class Progress:
    """Looks at the bucket and the demo org from outside, as anyone could."""

    def __init__(self, aws, source) -> None:
        self._aws = aws
        self._source = source
        self._started = time.monotonic()
        self._before = {entry["Key"] for entry in aws.objects(f"{PREFIX}/")}
        self._terminal = sys.stdout.isatty()

    def watch(self, process) -> None:
        """Shows progress until the process ends."""
        interval = TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS
        due = time.monotonic() + interval
        while process.poll() is None:
            time.sleep(0.1)
            if time.monotonic() >= due:
                began = time.monotonic()
                self._show()
                # Looking shares this process with S3 itself: it may take a fifth of the time at most.
                due = time.monotonic() + max(interval, 4 * (time.monotonic() - began))
        if self._terminal:
            print("\r\x1b[K", end="", flush=True)

    def _show(self) -> None:
        line = f"  {time.monotonic() - self._started:4.0f} s  {self._text()}"
        if self._terminal:
            print(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K", end="", flush=True)
        else:
            print(line, flush=True)

    def _text(self) -> str:
        new = [entry for entry in self._aws.objects(f"{PREFIX}/") if entry["Key"] not in self._before]
        batches = [entry for entry in new if entry["Key"].startswith(f"{PREFIX}/data/")]
        commits = [entry for entry in new if entry["Key"].startswith(f"{PREFIX}/manifests/")]
        stored = size(sum(entry["Size"] for entry in batches))
        parts = [f"{many(len(batches), 'batch')}, {stored}", many(len(commits), "commit")]
        if counts := self._source.counts():
            parts.insert(0, f"{many(sum(counts['requests'].values()), 'request')} to Okta")
        if batches:
            newest = max(batches, key=lambda entry: entry["LastModified"])["Key"]
            parts.append(f"last {newest.split('/')[2]}")
        return " · ".join(parts)
