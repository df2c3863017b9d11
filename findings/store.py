"""A bucket, or a copy of one: objects by key, and files of this machine that hold what was asked for.

`Directory` is a copy on this machine; `findings.s3` has the bucket itself. Both write an object as a whole or not at all.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

HIDDEN = "."


class Entry(NamedTuple):
    """An object that is there: its key, and its size as stored."""

    key: str
    size: int


class Conflict(Exception):
    """Somebody else has written the object meanwhile."""


class Store(Protocol):
    """What a bucket can be asked for."""

    is_copy: bool
    """Whether all of it lies on this machine, so that looking at all of it is cheap."""

    def entries(self, prefix: str, after: str = "") -> list[Entry]: ...
    def folders(self, prefix: str) -> list[str]: ...
    def read(self, key: str) -> bytes | None: ...
    def version(self, key: str) -> tuple[bytes | None, str | None]:
        """The object, and what `replace` wants to know of it."""

    def write(self, key: str, content: bytes, kind: str = "application/json") -> None: ...
    def replace(self, key: str, content: bytes, version: str | None) -> str:
        """Writes where the object is still that version (`None`: is not there); gives the new one. Raises `Conflict`."""

    def files(self, keys: Iterable[str]) -> dict[str, Path]:
        """Files that hold these objects. Raises FileNotFoundError where one is not there."""

    def publish(self, file: Path, key: str) -> None:
        """Makes a file of `workplace` an object."""

    def delete(self, keys: Iterable[str]) -> None: ...
    def wipe(self, keys: Iterable[str], but_newest: bool = False) -> None:
        """Removes every version of objects, or every one but the newest."""

    def workplace(self) -> contextlib.AbstractContextManager[Path]:
        """A folder for files that are still being written."""

    def alone(self, name: str) -> contextlib.AbstractContextManager[None]:
        """While it is held nobody else on this machine holds the same name."""


class Directory:
    """A copy of a bucket, or what a program that works without AWS has in its place."""

    is_copy = True

    def __init__(self, root: Path, prefix: str) -> None:
        self.root = root
        # Beside what it is written for, and below what the watch may write.
        self._scratch = root / prefix / "tables"

    def __str__(self) -> str:
        return str(self.root)

    def entries(self, prefix: str, after: str = "") -> list[Entry]:
        """Sorted by key, those behind `after` alone. Files whose name begins with a dot are none of the bucket's."""
        found = []
        top = self.root / prefix
        for folder, below, names in os.walk(top if prefix.endswith("/") else top.parent):
            below[:] = [name for name in below if not name.startswith(HIDDEN)]
            for name in names:
                file = Path(folder, name)
                key = file.relative_to(self.root).as_posix()
                if not name.startswith(HIDDEN) and key.startswith(prefix) and key > after:
                    with contextlib.suppress(FileNotFoundError):
                        found.append(Entry(key, file.stat().st_size))
        return sorted(found)

    def folders(self, prefix: str) -> list[str]:
        top = self.root / prefix
        return (
            sorted(each.name for each in top.iterdir() if each.is_dir() and not each.name.startswith(HIDDEN))
            if top.is_dir()
            else []
        )

    def read(self, key: str) -> bytes | None:
        try:
            return (self.root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def version(self, key: str) -> tuple[bytes | None, str | None]:
        content = self.read(key)
        return content, None if content is None else hashlib.sha256(content).hexdigest()

    def write(self, key: str, content: bytes, kind: str = "application/json") -> None:
        file = self.root / key
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{HIDDEN}{file.name}.{uuid.uuid4().hex[:8]}")
        part.write_bytes(content)
        part.replace(file)

    def replace(self, key: str, content: bytes, version: str | None) -> str:
        with self.alone(f"{key}.write"):
            if self.version(key)[1] != version:
                raise Conflict(key)
            self.write(key, content)
        return hashlib.sha256(content).hexdigest()

    def files(self, keys: Iterable[str]) -> dict[str, Path]:
        return {key: self.root / key for key in keys}

    def publish(self, file: Path, key: str) -> None:
        place = self.root / key
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            (self.root / key).unlink(missing_ok=True)

    def wipe(self, keys: Iterable[str], but_newest: bool = False) -> None:
        if not but_newest:
            self.delete(keys)

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        """In the same file system, so that publishing is a rename. What a killed program left is swept."""
        top = self._scratch / f"{HIDDEN}work"
        folder = top / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        try:
            for other in top.iterdir():
                if not _is_alive(other.name.partition("-")[0]):
                    shutil.rmtree(other, ignore_errors=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            for empty in (top, self._scratch):
                with contextlib.suppress(OSError):
                    empty.rmdir()

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        # Not in the copy: whoever only looks at it leaves nothing there.
        place = hashlib.sha256(f"{self.root.resolve()}/{name}".encode()).hexdigest()[:32]
        with Path(tempfile.gettempdir(), f"okta-watch-{os.getuid()}-{place}.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield


def _is_alive(process: str) -> bool:
    """Whether a process of this machine has that number; of another one's program nothing is known."""
    if not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
