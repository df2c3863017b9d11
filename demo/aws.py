"""S3 and Secrets Manager on this machine, filled from out/ and copied back into it."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

BUCKET = "out"
PREFIX = "okta"
SECRET_ID = "okta/demo"
# Whatever account this machine is configured for, nothing here may reach it.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Aws:
    """A server in a thread of this process; it ends with the block."""

    def __enter__(self) -> Any:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.environment = ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}
        for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
            del os.environ[name]
        os.environ.update(self.environment)
        self._s3 = boto3.client("s3")
        self._s3.create_bucket(Bucket=BUCKET)
        self._copied: dict[str, Any] = {}
        return self

    def __exit__(self, *_) -> None:
        self._server.stop()

    def create_secret(self, content) -> None:
        secrets = boto3.client("secretsmanager")
        secrets.create_secret(Name=SECRET_ID, SecretString=json.dumps(content))

    def restore(self, out: Path) -> None:
        """Puts back what earlier runs left in out/; files of the demo itself begin with a dot, and tables are the watch's business."""
        for file in sorted(out.glob("[!.]*/**/*")):
            if file.is_file() and out / PREFIX / "tables" not in file.parents:
                key = file.relative_to(out).as_posix()
                self._copied[key] = self._s3.put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())["ETag"]

    def copy_to(self, out: Path) -> None:
        """Copies whatever is new or different in the bucket, under the same keys."""
        for entry in self.objects():
            key, version = entry["Key"], entry["ETag"]
            if self._copied.get(key) != version:
                file = out / key
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(self.read(key))
                self._copied[key] = version

    def objects(self, below="") -> list[Any]:
        """Key, Size and ETag of every object whose key begins so, in the keys' order."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=below)
        return [entry for page in pages for entry in page.get("Contents", [])]

    def read(self, key) -> Any:
        return self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def manifests(self, integration, after=0) -> list[Any]:
        """An integration's commits beyond a sequence number, oldest first."""
        below = f"{PREFIX}/manifests/{integration}/"
        keys = [entry["Key"] for entry in self.objects(below)]
        return [json.loads(self.read(key)) for key in keys if int(Path(key).stem) > after]
