"""A proxy before moto that enforces a role of the template, as IAM would: what the policies do not allow is a 403.

Usage: python -m deploy.tests.enforcing MOTO ROLE JSON, where JSON is {"parameters": {...}, "names": {...}} as deploy.resolve takes them

It prints its own address, and serves until its standard input ends. GET /told says which statements have allowed something, which there
are, and what was refused. S3 is asked by path; what a bucket with a KMS key asks of the key is asked here, too. An absent object is a 404
only to who may list the bucket without naming a prefix.
"""

import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from deploy.iam import Role
from deploy.resolve import Resolver
from deploy.template import load
from deploy.tests.resources import ROOT

ACCOUNT, REGION = "123456789012", "us-east-1"
FORBIDDEN_S3 = b"<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>"
FORBIDDEN = json.dumps({"__type": "AccessDeniedException", "message": "not authorized"}).encode()
HOPS = {"connection", "transfer-encoding", "content-length", "host"}


class Deciding:
    """Which permissions a request needs, and whether the role has them."""

    def __init__(self, role, key=None, secret_key=None, secrets=None) -> None:
        self.role = role
        self.key, self.secret_key, self.secrets = key, secret_key, secrets or {}

    def s3(self, method, bucket, key, query, headers) -> tuple[Any, bool] | tuple[Any, Any]:
        """Whether S3 would take it, and whether an absent object may be a 404."""
        arn = f"arn:aws:s3:::{bucket}"
        if not key:
            context = {"s3:prefix": query["prefix"][0]} if "prefix" in query else {}
            return self.role.allows("s3:ListBucket", arn, context), True
        of_object = f"{arn}/{key}"
        if method in ("GET", "HEAD"):
            allowed = self.role.allows("s3:GetObject", of_object) and self._kms("kms:Decrypt")
            return allowed, allowed and self.role.allows("s3:ListBucket", arn)
        context = {"s3:ObjectCreationOperation": "true"}
        if "if-none-match" in headers:
            context["s3:if-none-match"] = headers["if-none-match"]
        allowed = self.role.allows("s3:PutObject", of_object, context) and self._kms("kms:GenerateDataKey")
        if "if-match" in headers:
            # S3 reads what it compares with.
            allowed = allowed and self.role.allows("s3:GetObject", of_object)
        return allowed, True

    def secret(self, target, body) -> Any:
        name = json.loads(body)["SecretId"]
        arn, tags = self.secrets.get(name, (name, {}))
        context = {f"secretsmanager:ResourceTag/{key}": value for key, value in tags.items()}
        allowed = self.role.allows(f"secretsmanager:{target}", arn, context)
        if allowed and self.secret_key:
            via = {"kms:EncryptionContext:SecretARN": arn}
            allowed = self.role.allows("kms:Decrypt", self.secret_key, via)
        return allowed

    def _kms(self, action) -> Any:
        via = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
        return not self.key or self.role.allows(action, self.key, via)


def deciding(role, given) -> Any:
    """The decision for a role of template.yaml with these parameters, names and secrets."""
    resolver = Resolver(load(ROOT / "template.yaml"), given["parameters"], given.get("names"))
    resources = resolver.resources()
    policy = resources.get("BucketPolicy", {}).get("Properties", {}).get("PolicyDocument", {}).get("Statement", [])
    if without := given.get("without"):
        for one in resources[role]["Properties"]["Policies"]:
            one["PolicyDocument"]["Statement"] = [
                told for told in one["PolicyDocument"]["Statement"] if told["Sid"] not in without
            ]
    told = given["parameters"]
    secret_key = told.get("SecretKmsKeyArn") if role == "Role" else told.get("AuthomizeSecretKmsKeyArn")
    secrets = {name: (arn, tags) for arn, (name, tags) in given.get("secrets", {}).items()}
    secrets |= {arn: (arn, tags) for arn, (_, tags) in given.get("secrets", {}).items()}
    return Deciding(Role(resources, role, policy), told.get("BucketKmsKeyArn"), secret_key, secrets)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    moto: str
    decide: Deciding
    lock: threading.Lock

    def log_message(self, *_) -> None:
        pass

    def _handle(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        if parts.path == "/told":
            return self._send(200, {}, json.dumps(self._told()).encode())
        target = self.headers.get("X-Amz-Target")
        if target:
            with self.lock:
                allowed, may_be_absent = self.decide.secret(target.split(".")[-1], body), True
            refusal = (400, {"Content-Type": "application/x-amz-json-1.1"}, FORBIDDEN)
        else:
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            headers = {name.lower(): value for name, value in self.headers.items()}
            with self.lock:
                allowed, may_be_absent = self.decide.s3(
                    self.command, bucket, key, parse_qs(parts.query, keep_blank_values=True), headers
                )
            refusal = (403, {"Content-Type": "application/xml"}, FORBIDDEN_S3)
        if not allowed:
            return self._send(*refusal)
        status, headers, answer = self._forward(body)
        if status == 404 and not may_be_absent:
            return self._send(*refusal)
        return self._send(status, headers, answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle

    def _told(self) -> dict[Any, Any]:
        role = self.decide.role
        return {
            "used": sorted(role.used),
            "there": sorted(one["Sid"] for one in role.statements),
            "refused": role.refused,
        }

    def _forward(self, body) -> tuple[Any, dict[Any, Any], Any]:
        connection = http.client.HTTPConnection(self.moto, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOPS}
        connection.request(self.command, self.path, body, headers | {"Host": self.moto})
        answer = connection.getresponse()
        return (
            answer.status,
            {name: value for name, value in answer.getheaders() if name.lower() not in HOPS},
            answer.read(),
        )

    def _send(self, status, headers, body) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A program that is killed leaves its connections."""


def main(moto: str, role: str, given: str) -> None:
    handler = type(
        "Enforcing",
        (Handler,),
        {"moto": urlsplit(moto).netloc, "decide": deciding(role, json.loads(given)), "lock": threading.Lock()},
    )
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
