"""S3 and Secrets Manager that count what they are given and keep only what the function reads back."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PREFIX = "okta"
BUCKET = "bench"


class Sink:
    """One bucket and one secret."""

    def __init__(self, secret) -> None:
        self.secret = secret
        self.objects: dict[str, bytes] = {}
        # Of every manifest, the time of its creation on the monotonic clock.
        self.created: dict[str, float] = {}
        self.reset()

    def reset(self) -> None:
        """Counts from zero again."""
        self.bytes_out = 0
        self.puts = 0

    def answer(self, method, target, headers, body) -> Any:
        if method == "POST":
            return self._secret()
        url = urlsplit(target)
        key = unquote(url.path).removeprefix(f"/{BUCKET}").removeprefix("/")
        if method == "PUT":
            return self._put(key, headers, body)
        if not key:
            return self._list(parse_qs(url.query))
        if key in self.objects:
            return 200, {"ETag": '"bench"'}, self.objects[key]
        return 404, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"

    def _secret(self) -> tuple[int, dict[Any, Any], bytes]:
        text = json.dumps(self.secret)
        content = {"Name": "bench", "VersionId": f"{abs(hash(text)):032x}", "SecretString": text}
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()

    def _put(self, key, headers, body) -> tuple[int, dict[Any, Any], bytes]:
        if headers.get("If-None-Match") == "*" and key in self.objects:
            return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
        self.puts += 1
        if key.startswith(f"{PREFIX}/data/"):
            self.bytes_out += len(body)
        else:
            self.objects[key] = body
        if key.startswith(f"{PREFIX}/manifests/"):
            self.created[key] = time.monotonic()
        return 200, {"ETag": '"bench"'}, b""

    def _list(self, query) -> tuple[int, dict[Any, Any], bytes]:
        below, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
        keys = sorted(key for key in self.objects if key.startswith(below) and key > after)
        found = "".join(f"<Contents><Key>{escape(key)}</Key><Size>1</Size></Contents>" for key in keys)
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>{len(keys)}</KeyCount>{found}</ListBucketResult>"
        return 200, {"Content-Type": "application/xml"}, text.encode()

    def manifests(self) -> list[Any]:
        """Every commit with the time of its creation, oldest first."""
        return [(self.created[key], json.loads(self.objects[key])) for key in sorted(self.created)]

    def records(self) -> Any:
        """Lines that were committed."""
        return sum(batch["records"] for _, manifest in self.manifests() for batch in manifest["batches"])
