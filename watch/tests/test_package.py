"""The archive, as Lambda unpacks it: it has all that a wake-up needs, and nothing of the checkout is looked at."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from deploy import watch
from deploy.tests.resources import ROOT
from findings.tests.writer import Bucket, complete
from watch.tests.test_handler import ENVIRONMENT, message
from watch.tests.test_wake import idp, report

PROGRAM = """
import json, os, sys
from pathlib import Path
from moto import mock_aws
with mock_aws():
    import boto3
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=os.environ["BUCKET"], CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]})
    folder = Path(sys.argv[1])
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            s3.put_object(Bucket=os.environ["BUCKET"], Key=file.relative_to(folder).as_posix(), Body=file.read_bytes())
    from watch import handler
    answer = handler.handler(json.loads(sys.argv[2]), None)
    there = sorted({each["Key"].split("/")[1] for each in s3.list_objects_v2(Bucket=os.environ["BUCKET"])["Contents"]})
    ours = sorted({module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] in ("watch", "findings", "deploy", "conformance")})
    print(json.dumps({"answer": answer, "there": there, "ours": ours}))
"""


class Archive(unittest.TestCase):
    def test_a_wake_up_runs_from_the_archive_alone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library, unpacked, org = (Path(folder, name) for name in ("library", "unpacked", "org"))
            library.mkdir()
            # DuckDB for this machine is that of the tests; here it is about our own files.
            (library / "_duckdb.abi3.so").write_bytes(b"x")
            watch.archive(Path(folder, "watch.zip"), ROOT, library)
            with zipfile.ZipFile(Path(folder, "watch.zip")) as archive:
                archive.extractall(unpacked)
            (unpacked / "_duckdb.abi3.so").unlink()
            bucket = Bucket(org)
            bucket.commit([("idps", [idp("0oa1")]), ("activity", [report("e1")])], [complete("idps", 1)])
            environment = (
                {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
                | ENVIRONMENT
                | {"PYTHONPATH": str(unpacked), "TMPDIR": folder}
            )
            command = [sys.executable, "-B", "-c", PROGRAM, str(org), json.dumps(message(bucket.key_of(1)))]
            ended = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
            )
            self.assertEqual(ended.returncode, 0, ended.stderr)
            told = json.loads(ended.stdout.splitlines()[-1])
        self.assertEqual(told["answer"], {"batchItemFailures": []})
        self.assertEqual(told["there"], ["cases", "data", "manifests", "status", "tables"])
        self.assertTrue(told["ours"])
        self.assertEqual([file for file in told["ours"] if not file.startswith(str(unpacked))], [])


if __name__ == "__main__":
    unittest.main()
