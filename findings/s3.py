"""A bucket of S3. What is asked for as a file is kept on this machine for as long as the process lives."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from findings.store import Conflict, Entry

READERS = 16
"""Objects that are fetched at a time."""
MOST_KEPT_BYTES = 6_000_000_000
"""Files that are kept for the next wake-up; beyond it they are fetched anew. /tmp of a function has 10 GB at most."""
ABSENT = frozenset({"NoSuchKey", "404"})
LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class S3:
    """One bucket."""

    is_copy = False

    def __init__(self, client: Any, bucket: str, kept: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._kept = kept
        self._tags: dict[str, str] = {}

    def __str__(self) -> str:
        return f"s3://{self._bucket}"

    def entries(self, prefix: str, after: str = "") -> list[Entry]:
        """Sorted by key, those behind `after` alone."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, **({"StartAfter": after} if after else {})
        )
        found = [each for page in pages for each in page.get("Contents", [])]
        self._tags |= {each["Key"]: each["ETag"] for each in found}
        return [Entry(each["Key"], each["Size"]) for each in found]

    def folders(self, prefix: str) -> list[str]:
        """What stands next below a prefix, by name."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        return [
            each["Prefix"].removeprefix(prefix).rstrip("/") for page in pages for each in page.get("CommonPrefixes", [])
        ]

    def read(self, key: str) -> bytes | None:
        return self.version(key)[0]

    def version(self, key: str) -> tuple[bytes | None, str | None]:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return None, None
            raise
        return answer["Body"].read(), answer["ETag"]

    def write(self, key: str, content: bytes, kind: str = "application/json") -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=kind)

    def replace(self, key: str, content: bytes, version: str | None) -> str:
        condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
        try:
            return self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType="application/json", **condition
            )["ETag"]
        except ClientError as error:
            if error.response["Error"]["Code"] in LOST | ABSENT:
                raise Conflict(key) from None
            raise

    def files(self, keys: Iterable[str]) -> dict[str, Path]:
        wanted = {key: self._place(key) for key in keys}
        missing = [(key, file) for key, file in wanted.items() if not file.exists()]
        with ThreadPoolExecutor(READERS) as readers:
            list(readers.map(lambda each: self._fetch(*each), missing))
        return wanted

    def _place(self, key: str) -> Path:
        """An object that was written anew has another place."""
        tag = hashlib.sha256(f"{key}\n{self._tags.get(key, '')}".encode()).hexdigest()[:32]
        return self._kept / f"{tag}{''.join(Path(key).suffixes)}"

    def _fetch(self, key: str, file: Path) -> None:
        self._kept.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._kept, delete=False) as part:
            try:
                self._client.download_fileobj(self._bucket, key, part)
            except ClientError as error:
                Path(part.name).unlink()
                if error.response["Error"]["Code"] in ABSENT:
                    raise FileNotFoundError(f"{self}/{key}") from None
                raise
        Path(part.name).replace(file)

    def publish(self, file: Path, key: str) -> None:
        with file.open("rb") as content:
            answer = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType="application/vnd.apache.parquet"
            )
        self._tags[key] = answer["ETag"]
        self._kept.mkdir(parents=True, exist_ok=True)
        shutil.move(file, self._place(key))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._client.delete_object(Bucket=self._bucket, Key=key)
            self._place(key).unlink(missing_ok=True)

    def wipe(self, keys: Iterable[str], but_newest: bool = False) -> None:
        for key in keys:
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
            found = [
                each
                for page in pages
                for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                if each["Key"] == key
            ]
            for each in found:
                if not (but_newest and each["IsLatest"]):
                    self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=each["VersionId"])
            if not but_newest:
                self._place(key).unlink(missing_ok=True)

    def forget(self, suffix: str) -> None:
        """Removes kept files that nobody asks for again, and all of them where they are too many."""
        files = list(self._kept.glob("*")) if self._kept.exists() else []
        is_too_much = sum(file.stat().st_size for file in files) > MOST_KEPT_BYTES
        for file in files:
            if is_too_much or file.name.endswith(suffix):
                file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="watch-") as folder:
            yield Path(folder)

    def alone(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Wake-ups may race: whoever writes second finds a `Conflict`."""
        return contextlib.nullcontext()
