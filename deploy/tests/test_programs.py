"""make's targets for AWS, against AWS on this machine."""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
import unittest
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, patch

import boto3
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from moto import mock_aws

from deploy import __main__ as program
from deploy import package, plain, questions, run, watch
from deploy import stack as stacks
from deploy.answers import Answers
from deploy.ask import Terminal
from deploy.configure import SUFFIXES, configure, host_of, word_of, wrong_with_domain
from deploy.failure import Failure
from deploy.template import load
from deploy.tests.recorded import ENVIRONMENT, answer
from deploy.tests.resources import ROOT

HUSH = "s3cr3t-of-the-client"


class Scripted(Terminal):
    """A terminal at which these lines are typed, one after the other."""

    def __init__(self, *lines) -> None:
        self.typed = list(lines)
        self.said: list[str] = []
        self.hidden: list[str] = []
        super().__init__(self._next, self._next_hidden, lambda text="": self.said.append(text))

    def _next(self, shown) -> Any:
        self.said.append(shown)
        return self.typed.pop(0)

    def _next_hidden(self, shown) -> Any:
        self.said.append(shown)
        self.hidden.append(self.typed.pop(0))
        return self.hidden[-1]


class InAFolder(unittest.TestCase):
    def setUp(self) -> None:
        self.open = contextlib.ExitStack()
        self.addCleanup(self.open.close)
        folder = self.open.enter_context(tempfile.TemporaryDirectory())
        self.open.callback(os.chdir, Path.cwd())
        os.chdir(folder)
        self.folder = Path(folder)
        self.open.enter_context(patch.dict("os.environ", ENVIRONMENT))


class OnAws(InAFolder):
    def setUp(self) -> None:
        super().setUp()
        self.open.enter_context(mock_aws(config={"lambda": {"use_docker": False}}))
        self.aws = boto3.session.Session(region_name="us-east-1")


class Configure(OnAws):
    """The questions: domain, secret's name, way to sign in, credentials, integration's name, owner."""

    def setUp(self) -> None:
        super().setUp()
        self.answers = Answers()

    def configure(self, *lines) -> Any:
        terminal = Scripted(*lines)
        configure(self.aws, terminal, self.answers)
        self.assertEqual(terminal.typed, [], "a question was not asked")
        return terminal

    def content(self, name="okta/acme") -> Any:
        return json.loads(self.aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    def put(self, name="okta/acme", **content) -> None:
        text = json.dumps({"domain": "acme.okta.com"} | content)
        self.answers.secret = self.aws.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]

    def test_the_secret_is_written_and_nothing_of_it_anywhere_else(self) -> None:
        terminal = self.configure(
            "http://acme.okta.com", "acme.okta.com", "", "secret", "0oa1", HUSH, "", "ada@acme.com"
        )
        content = {
            "domain": "acme.okta.com",
            "client_id": "0oa1",
            "client_secret": HUSH,
            "integration_name": "Okta",
            "owner": "ada@acme.com",
        }
        told = self.aws.client("secretsmanager").describe_secret(SecretId="okta/acme")
        self.assertEqual((self.content(), told["ARN"]), (content, self.answers.secret))
        self.assertEqual(told["Tags"], [{"Key": "okta-authomize", "Value": "collect"}])
        self.assertEqual(terminal.hidden, [HUSH])
        self.assertNotIn(HUSH, "".join(terminal.said))
        for file in self.folder.iterdir():
            self.assertNotIn(HUSH, file.read_text())
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600, file)

    def test_a_second_time_it_is_a_new_version_of_the_same_secret(self) -> None:
        self.configure("acme.okta.com", "", "token", "old", "", "")
        first = self.answers.secret
        self.configure("", "", "", "new", "", "")
        self.assertEqual((self.answers.secret, self.content(first)["token"]), (first, "new"))

    def test_other_keys_stay_and_an_empty_line_keeps_a_value(self) -> None:
        rest = {
            "streams_off": ["roles"],
            "drop_attributes": ["mobilePhone"],
            "unknown_actors": "keep",
            "later": {"any": 1},
        }
        for way in ({"client_id": "0oa1", "client_secret": "s"}, {"token": "t"}):
            self.put(f"okta/{len(way)}", integration_name="Acme EU", owner="ada@acme.com", **way, **rest)
            before = self.content(self.answers.secret)
            self.configure(*[""] * (7 if "client_id" in way else 6))
            self.assertEqual(self.content(self.answers.secret), before)

    def test_a_private_key_stays_with_its_id_as_it_was_written(self) -> None:
        self.put(
            client_id="0oa1",
            private_key={"kty": "RSA", "d": HUSH},
            key_id="kid-1",
            integration_name="Acme",
            owner="ada@acme.com",
        )
        before = self.content()
        self.configure("", "", "", "", "", "", "")
        self.assertEqual(self.content(), before)

    def test_nothing_of_the_secret_is_shown_or_on_the_disk(self) -> None:
        hushed = {
            "integration_name": "hushed-name",
            "owner": "hushed@acme.com",
            "streams_off": ["hushed-stream"],
            "drop_attributes": ["hushed-drop"],
        }
        self.put(domain="hushed.okta.com", client_id="hushed-id", client_secret="hushed-secret", **hushed)
        terminal = self.configure("", "", "", "", "", "", "")
        self.assertEqual(self.content()["client_secret"], "hushed-secret")
        written = [file.read_text() for file in self.folder.rglob("*") if file.is_file()]
        self.assertNotIn("hushed", "".join([*terminal.said, *written]))
        self.assertIn("Stays as it is in the secret: drop_attributes, streams_off.", terminal.said)

    def test_the_credentials_of_another_way_to_sign_in_are_removed(self) -> None:
        Path("key.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        ways = {
            ("client_id", "client_secret"): ("secret", "0oa1", "s"),
            ("client_id", "private_key", "key_id"): ("key", "0oa1", "no-such-file", "key.pem", "kid-1"),
            ("token",): ("token", "t"),
        }
        self.put(token="t", streams_off=["roles"])
        for keys in [*ways, *reversed(ways)]:
            self.configure("", "", *ways[keys], "", "")
            self.assertEqual(self.content().keys(), {"domain", "integration_name", "streams_off", *keys})

    def test_a_secret_or_key_is_kept_only_with_its_client_and_a_key_id_only_with_its_key(self) -> None:
        self.put(client_id="0oa1", client_secret="old")
        with self.assertRaises(IndexError):
            self.configure("", "", "", "0oa2", "")
        self.assertEqual(self.content()["client_secret"], "old")
        Path("key.pem").write_text("-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n")
        self.put("okta/key", client_id="0oa1", private_key="old", key_id="kid-1")
        self.configure("", "", "", "", "key.pem", "", "", "")
        told = self.content("okta/key")
        self.assertIn("BBBB", told["private_key"])
        self.assertNotIn("key_id", told)

    def test_an_owner_is_removed_by_none(self) -> None:
        self.put(token="t", owner="ada@acme.com")
        self.configure("", "", "", "", "", "none")
        self.assertNotIn("owner", self.content())

    def test_another_org_gets_a_secret_of_its_own(self) -> None:
        self.put(token="t", streams_off=["roles"])
        self.configure("https://beta.okta.com/", "", "token", "u", "Beta", "")
        self.assertIn(":secret:okta/beta-", self.answers.secret)
        self.assertEqual(
            self.content("okta/beta"), {"domain": "https://beta.okta.com/", "token": "u", "integration_name": "Beta"}
        )
        self.assertEqual(self.content(), {"domain": "acme.okta.com", "token": "t", "streams_off": ["roles"]})

    def test_another_orgs_secret_and_one_that_is_no_object_are_replaced_only_by_a_written_yes(self) -> None:
        self.put("okta/acme", token="t")
        self.put("okta/text", token="t")
        self.aws.client("secretsmanager").put_secret_value(SecretId="okta/text", SecretString="hushed")
        for name, before in (("okta/acme", '"token": "t"'), ("okta/text", "hushed")):
            with self.assertRaisesRegex(Failure, "nothing was written"):
                self.configure("beta.okta.com", name, "y")
            self.assertIn(before, self.aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
            self.configure("beta.okta.com", name, "yes", "token", "new", "", "")
            self.assertEqual(self.content(name)["token"], "new")
        self.configure("acme-admin.okta.com", "okta/new", "token", "t", "", "")
        self.configure("https://acme.okta.com/", "okta/new", "token", "u", "", "")

    def test_a_secret_without_a_value_is_given_one_and_one_that_cannot_be_read_stays(self) -> None:
        secrets = self.aws.client("secretsmanager")
        secrets.create_secret(Name="okta/empty")
        self.configure("acme.okta.com", "okta/empty", "token", "t", "", "")
        self.assertEqual(self.content("okta/empty")["token"], "t")
        refusal = ClientError(
            {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "GetSecretValue"
        )
        client = SimpleNamespace(get_secret_value=Mock(side_effect=refusal))
        aws = SimpleNamespace(client=lambda name: client)
        with self.assertRaisesRegex(Failure, "okta/empty cannot be read: not authorized.*GetSecretValue"):
            configure(aws, Scripted("acme.okta.com", "okta/empty"), self.answers)

    def test_an_orgs_own_and_its_custom_domain_are_taken_and_nothing_else(self) -> None:
        own = (
            "acme.okta.com",
            "https://acme.oktapreview.com/",
            "acme-admin.okta.com",
            "ACME.okta-emea.com",
            "acme.trex-govcloud.com",
        )
        for good in (*own, "login.acme.com", "https://Login.Acme.com/", "id.xn--bcher-kva.example"):
            self.assertIsNone(wrong_with_domain(good), good)
        odd = (
            "",
            "acme",
            "okta.com",
            "a.b.okta.com",
            "http://acme.okta.com",
            "http://login.acme.com",
            "login.acme.com:8443",
        )
        for bad in (
            *odd,
            "login.acme.com/app",
            "u@login.acme.com",
            "192.0.2.7",
            "0x7f.1",
            "login..com",
            "-login.acme.com",
        ):
            self.assertIsNotNone(wrong_with_domain(bad), bad)

    def test_the_suffixes_are_those_that_the_collector_takes(self) -> None:
        text = (ROOT / "src" / "secret" / "content.rs").read_text(encoding="utf-8")
        (listed,) = re.findall(r"const SUFFIXES: \[&str; \d+\] = \[(.*?)\];", text, re.DOTALL)
        self.assertEqual(re.findall(r'"([^"]+)"', listed), list(SUFFIXES))

    def test_a_secret_of_a_custom_domain_is_named_after_all_of_it(self) -> None:
        self.assertEqual(word_of(host_of("https://acme-admin.okta.com/")), "acme")
        self.assertEqual(word_of(host_of("https://login.acme.com/")), "login-acme-com")

    def test_the_keys_are_those_that_a_secret_has(self) -> None:
        known = set(
            re.findall(
                r"^\| `(\w+)`(?:, `(\w+)`)?(?:, `(\w+)`)?", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE
            )
        )
        known = {name for row in known for name in row if name}
        self.assertLessEqual(
            {"domain", "client_id", "client_secret", "private_key", "key_id", "token", "integration_name", "owner"},
            known,
        )


class Questions(OnAws):
    def setUp(self) -> None:
        super().setUp()
        self.secret = self.aws.client("secretsmanager").create_secret(Name="okta/acme", SecretString="{}")["ARN"]

    def ask(self, *lines) -> Any:
        answers = Answers()
        with patch.object(questions, "concurrency", return_value="true"):
            questions.ask_all(self.aws, Scripted(*lines), answers)
        return answers

    def test_four_questions_give_every_parameter_that_has_to_be_asked_for(self) -> None:
        answers = self.ask("okta/acme", "none", "none", "none")
        known = load(ROOT / "template.yaml")["Parameters"]
        self.assertEqual(answers.parameters["SecretArn"], self.secret)
        self.assertLessEqual(answers.parameters.keys(), known.keys())
        for name, value in answers.parameters.items():
            if pattern := known[name].get("AllowedPattern"):
                self.assertRegex(value, pattern, name)

    def test_an_address_becomes_a_topic_and_a_wrong_one_is_asked_for_again(self) -> None:
        answers = self.ask("okta/acme", "nobody", "ada@acme.com", "subnet-0a1,subnet-0b2", "sg-0c3", "none")
        arn = answers.parameters["AlarmTopicArn"]
        (subscription,) = self.aws.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        self.assertEqual((subscription["Protocol"], subscription["Endpoint"]), ("email", "ada@acme.com"))
        self.assertEqual(
            (answers.parameters["SubnetIds"], answers.parameters["SecurityGroupIds"]),
            ("subnet-0a1,subnet-0b2", "sg-0c3"),
        )

    def test_a_missing_secret_is_reported_with_the_remedy(self) -> None:
        with self.assertRaisesRegex(Failure, "make configure"):
            self.ask("okta/nobody")

    def test_an_account_with_a_low_limit_reserves_nothing_and_is_told_why(self) -> None:
        for left, wanted, expected in ((10, 1, "false"), (101, 1, "true"), (101, 2, "false"), (1_000, 2, "true")):
            terminal = Scripted()
            settings = {"AccountLimit": {"UnreservedConcurrentExecutions": left}}
            aws = Mock()
            aws.client.return_value.get_account_settings.return_value = settings
            self.assertEqual(questions.concurrency(aws, terminal, wanted), expected)
            self.assertEqual(bool(terminal.said), expected == "false")

    def test_a_reservation_of_the_stack_outlasts_another_deployment(self) -> None:
        settings = {"AccountLimit": {"UnreservedConcurrentExecutions": 100}}
        held = {"collector": {"ReservedConcurrentExecutions": 1}, "loader": {}}
        functions = SimpleNamespace(
            get_account_settings=lambda: settings, get_function_concurrency=lambda FunctionName: held[FunctionName]
        )
        outputs = [
            {"OutputKey": key, "OutputValue": value}
            for key, value in (("FunctionName", "collector"), ("LoaderName", "loader"), ("Log", "x"))
        ]
        cloudformation = SimpleNamespace(describe_stacks=lambda StackName: {"Stacks": [{"Outputs": outputs}]})
        aws = SimpleNamespace(client=lambda name: {"lambda": functions, "cloudformation": cloudformation}[name])
        self.assertEqual(questions.reserved(aws, "okta-authomize"), 1)
        self.assertEqual(questions.concurrency(aws, Scripted(), 1, questions.reserved(aws, "okta-authomize")), "true")
        self.assertEqual(questions.concurrency(aws, Scripted(), 2, questions.reserved(aws, "okta-authomize")), "false")
        self.assertEqual(questions.reserved(self.aws, "no-such-stack"), 0)


class Kept(InAFolder):
    def test_no_question_is_asked_twice(self) -> None:
        Answers(region="eu-central-1", secret="arn:x", parameters={"ScheduleMinutes": "10"}).write()
        self.assertEqual(Answers.read().parameters, {"ScheduleMinutes": "10"})

    def test_a_file_that_was_changed_wrongly_is_told(self) -> None:
        for text in ("{", "[]", '{"stacks": 1}'):
            Path(".deploy.json").write_text(text)
            with self.assertRaises(Failure):
                Answers.read()

    def test_it_is_ignored_by_git(self) -> None:
        self.assertIn("/.deploy.json\n", (ROOT / ".gitignore").read_text())


class Package(InAFolder):
    def make(self, arch="arm64") -> Any:
        root = self.folder / "root"
        root.mkdir(exist_ok=True)
        for name in ("template.yaml", "fleet.yaml", "alerts.yaml", "Cargo.toml"):
            (root / name).write_text((ROOT / name).read_text())
        for built in package.FUNCTIONS.values():
            (self.folder / "built" / built).mkdir(parents=True, exist_ok=True)
            (self.folder / "built" / built / "bootstrap").write_bytes(built.encode() * 100)
        library = self.folder / "built" / watch.NAME
        library.mkdir(parents=True, exist_ok=True)
        (library / "_duckdb.abi3.so").write_bytes(b"x")
        parts_list = lambda file, program, arch: file.write_text(f"{program} {arch}")  # noqa: E731
        return package.package(root, self.folder / "built", arch, parts_list, plain.main, ROOT, lambda: "athena")

    def test_it_holds_both_functions_their_parts_and_sums_that_are_right(self) -> None:
        folder = self.make()
        told = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
        self.assertEqual(told.keys() | {"SHA256SUMS"}, {file.name for file in folder.iterdir()})
        for name, sha256 in told.items():
            self.assertEqual(package.sha256(folder / name), sha256)
        for function, built in package.FUNCTIONS.items():
            with zipfile.ZipFile(folder / f"{function}.zip") as archive:
                (entry,) = archive.infolist()
                self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o755))
                self.assertTrue(archive.read("bootstrap").startswith(built.encode()))
        with zipfile.ZipFile(folder.parent / f"{folder.name}.zip") as whole:
            self.assertEqual({Path(name).name for name in whole.namelist()}, {file.name for file in folder.iterdir()})

    def test_the_archive_of_the_watch_holds_its_library_and_no_test(self) -> None:
        with zipfile.ZipFile(self.make() / "watch.zip") as archive:
            names = set(archive.namelist())
        needed = {
            "_duckdb.abi3.so",
            "watch/handler.py",
            "findings/s3.py",
            "findings/columns.json",
            "findings/tables/append.py",
            "schemas/streams/users.json",
        }
        self.assertLessEqual(needed, names)
        self.assertTrue(any(name.startswith("findings/posture/") for name in names))
        self.assertFalse([name for name in names if "tests/" in name or "athena" in name])

    def test_a_watch_that_is_too_large_for_lambda_is_told(self) -> None:
        self.make()
        with patch.object(watch, "LARGEST_UNPACKED_BYTES", 10), self.assertRaisesRegex(Failure, "Lambda takes"):
            self.make()

    def test_the_same_programs_make_the_same_package(self) -> None:
        first = {file.name: file.read_bytes() for file in self.make().iterdir()}
        self.assertEqual(first, {file.name: file.read_bytes() for file in self.make().iterdir()})

    def test_the_packaged_template_is_the_template_but_for_where_the_code_is(self) -> None:
        folder = self.make("x86_64")
        there, made = load(ROOT / "template.yaml"), load(folder / "packaged.yaml")
        self.assertEqual(made["Parameters"]["Architecture"]["Default"], "x86_64")
        self.assertEqual(made["Parameters"].keys() - there["Parameters"].keys(), {"CodeBucket", "CodeKey"})
        for name, function in (("Function", "collector"), ("Loader", "loader"), ("Watch", "watch")):
            code = made["Resources"][name]["Properties"].pop("CodeUri")
            self.assertEqual(
                code, {"Bucket": {"Ref": "CodeBucket"}, "Key": {"Fn::Sub": f"${{CodeKey}}/{function}.zip"}}
            )
            there["Resources"][name]["Properties"].pop("CodeUri")
            for key in ("BuildMethod", "BuildProperties"):
                there["Resources"][name]["Metadata"].pop(key, None)
        self.assertEqual(made["Resources"], there["Resources"])

    def test_the_packaged_fleet_takes_the_packaged_template_in(self) -> None:
        collector = load(self.make() / "fleet.yaml")["Resources"]["Collector"]
        self.assertEqual(collector["Type"], "AWS::CloudFormation::Stack")
        self.assertIn("/packaged.yaml", collector["Properties"]["TemplateURL"]["Fn::Sub"])
        self.assertLessEqual({"CodeBucket", "CodeKey", "Fleet"}, collector["Properties"]["Parameters"].keys())

    def test_a_program_that_is_not_built_is_reported(self) -> None:
        self.make()
        (self.folder / "built/okta-authomize/bootstrap").unlink()
        with self.assertRaisesRegex(Failure, "make build"):
            package.package(self.folder / "root", self.folder / "built", "arm64", Mock(), Mock(), athena=Mock())

    def test_plain_templates_are_the_same_without_a_transform(self) -> None:
        folder = self.make()
        for name, made in (("packaged.yaml", "plain.json"), ("fleet.yaml", "plain-fleet.json")):
            there, made = load(folder / name), json.loads((folder / made).read_text())
            self.assertNotIn("Transform", made)
            for part in ("Parameters", "Rules", "Conditions", "Outputs"):
                self.assertEqual(made.get(part), there.get(part), part)
            self.assertLessEqual(there["Resources"].keys() - {"Collector"}, made["Resources"].keys())
        nested = json.loads((folder / "plain-fleet.json").read_text())["Resources"]["Collector"]["Properties"][
            "TemplateURL"
        ]
        self.assertTrue(nested["Fn::Sub"].endswith("/${CodeKey}/plain.json"))
        self.assertLess((folder / "plain.json").stat().st_size, plain.MOST_BYTES)


class Asked(OnAws):
    def outputs(self) -> dict[Any, Any]:
        self.aws.client("s3").create_bucket(Bucket="data")
        return {
            "FunctionName": "collector",
            "BucketName": "data",
            "Status": "s3://data/okta/status/",
            "Log": "/aws/lambda/x",
        }

    def client(self, told, error=None) -> Any:
        class Lambda:
            def invoke(self, **given) -> dict[Any, Any]:
                self.given = given
                return {"Payload": io.BytesIO(json.dumps(told).encode())} | ({"FunctionError": error} if error else {})

        self.lambda_ = Lambda()
        return type("Aws", (), {"client": lambda aws, name, config=None: self.lambda_})()

    def test_a_check_is_a_table_and_tells_whether_all_is_open(self) -> None:
        for name, is_open in (("succeeded", True), ("degraded", False)):
            terminal = Scripted()
            told = run.check(self.client(answer(name)), "collector", terminal, {})
            self.assertEqual(told, is_open)
            self.assertEqual(json.loads(self.lambda_.given["Payload"]), {"mode": "check"})
            for stream in answer(name)["streams"]:
                self.assertIn(stream, "\n".join(terminal.said))

    def test_an_error_of_the_function_is_told_by_its_type_and_message(self) -> None:
        with self.assertRaisesRegex(Failure, "CredentialsRejected: .+"):
            run.invoke(self.client(answer("rejected"), "Unhandled"), "collector", {})

    def test_a_link_leads_to_every_status_page_and_to_nothing_else(self) -> None:
        outputs = self.outputs()
        for key in ("okta/status/okta.json", "okta/status/okta.html", "okta/status/acme.html", "okta/data/x.html"):
            self.aws.client("s3").put_object(Bucket="data", Key=key, Body=b"")
        links = run.links(self.aws, outputs)
        self.assertEqual(sorted(links), ["acme", "okta"])
        self.assertTrue(
            all("X-Amz-Expires=300" in link and f"/okta/status/{name}.html" in link for name, link in links.items())
        )

    def test_a_link_is_signed_as_a_bucket_with_a_kms_key_demands_in_every_region(self) -> None:
        for region in (
            "us-east-1",
            "us-west-1",
            "us-west-2",
            "eu-west-1",
            "eu-central-1",
            "cn-north-1",
            "us-gov-west-1",
        ):
            aws = boto3.session.Session(region_name=region)
            aws.client("s3").create_bucket(
                Bucket=f"data-{region}",
                **({} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}),
            )
            aws.client("s3").put_object(Bucket=f"data-{region}", Key="okta/status/okta.html", Body=b"")
            links = run.links(aws, {"BucketName": f"data-{region}", "Status": f"s3://data-{region}/okta/status/"})
            self.assertIn("X-Amz-Algorithm=AWS4-HMAC-SHA256", links["okta"], region)

    def test_without_a_status_one_is_told_how_to_get_it(self) -> None:
        with self.assertRaisesRegex(Failure, "make check"):
            run.links(self.aws, self.outputs())

    def test_a_log_is_shown_in_the_order_of_its_lines_each_once(self) -> None:
        logs = self.aws.client("logs")
        logs.create_log_group(logGroupName="/aws/lambda/x")
        logs.create_log_stream(logGroupName="/aws/lambda/x", logStreamName="one")
        now = int(time.time() * 1000)
        lines = [
            json.dumps(
                {
                    "timestamp": "2026-11-27T09:00:00Z",
                    "level": "INFO",
                    "message": "run ended",
                    "outcome": "succeeded",
                    "sequence": 7,
                }
            ),
            json.dumps(
                {
                    "timestamp": "2026-11-27T09:00:01Z",
                    "level": "INFO",
                    "message": "metrics",
                    "records": 3,
                    "held": 0,
                    "_aws": {},
                }
            ),
            "START RequestId: 1",
        ]
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        logs.put_log_events(logGroupName="/aws/lambda/x", logStreamName="one", logEvents=events)
        terminal = Scripted()
        run.logs(self.aws, "/aws/lambda/x", terminal, 15, False)
        self.assertEqual(terminal.said[0], "09:00:00 INFO  run ended outcome=succeeded sequence=7")
        self.assertEqual(terminal.said[1], "09:00:01 INFO  metrics records=3")
        self.assertIn("START RequestId: 1", terminal.said[2])
        self.assertEqual(len(terminal.said), 3)


def packed(dist, code=b"code") -> Any:
    """A package's folder, with code of a kind and the real templates."""
    folder = dist / f"okta-authomize-{package.version(ROOT)}-arm64"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("collector.zip", "loader.zip", "watch.zip"):
        (folder / name).write_bytes(code + name.encode())
    (folder / "packaged.yaml").write_text(package.packaged(ROOT / "template.yaml", folder.name, "arm64"))
    (folder / "fleet.yaml").write_text(package.packaged_fleet(ROOT / "fleet.yaml", folder.name, "arm64"))
    (folder / "collector.cdx.json").write_text("{}")
    return folder


class Stacks(OnAws):
    def test_a_package_is_uploaded_into_a_private_bucket_of_this_account(self) -> None:
        folder = packed(self.folder / "dist")
        for _ in range(2):
            bucket, key = stacks.upload(self.aws, folder, "us-east-1")
        s3 = self.aws.client("s3")
        there = {one["Key"]: one["Size"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
        self.assertEqual(there, {f"{key}/{file.name}": file.stat().st_size for file in folder.iterdir()})
        self.assertTrue(all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()))

    def test_tags_and_the_service_role_go_to_all_that_is_made(self) -> None:
        bucket, _ = stacks.upload(self.aws, packed(self.folder / "dist"), "us-east-1", {"owner": "identity"})
        tags = [{"Key": "owner", "Value": "identity"}]
        self.assertEqual(self.aws.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"], tags)
        cloudformation = Mock()
        cloudformation.describe_stacks.side_effect = ClientError(
            {"Error": {"Code": "ValidationError", "Message": "it does not exist"}}, "DescribeStacks"
        )
        cloudformation.describe_change_set.return_value = {"Status": "CREATE_COMPLETE"}
        role = "arn:aws:iam::123456789012:role/cloudformation"
        stack = stacks.Stack(
            SimpleNamespace(client=lambda name: cloudformation),
            "okta-authomize",
            lambda text: None,
            {"owner": "identity"},
            role,
        )
        stack.deploy("https://code/template", {"SecretArn": "x"})
        given = cloudformation.create_change_set.call_args.kwargs
        self.assertEqual((given["Tags"], given["RoleARN"]), (tags, role))
        self.assertIn("CAPABILITY_NAMED_IAM", given["Capabilities"])
        stack.destroy()
        self.assertEqual(cloudformation.delete_stack.call_args.kwargs, {"StackName": "okta-authomize", "RoleARN": role})

    def test_a_template_is_read_from_the_host_of_its_partition(self) -> None:
        for region, suffix in (
            ("eu-central-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
        ):
            self.assertEqual(
                stacks.url_of("code", "key/fleet.yaml", region), f"https://code.s3.{region}.{suffix}/key/fleet.yaml"
            )

    def test_another_build_of_the_same_version_has_another_key_and_the_same_one_has_not(self) -> None:
        folder = packed(self.folder / "dist")
        first = package.key(folder)
        self.assertRegex(first, rf"^{folder.name}-[0-9a-f]{{12}}$")
        (folder / "collector.cdx.json").write_text("made a second later")
        self.assertEqual(package.key(folder), first)
        found = {first}
        for name in package.DEPLOYED:
            (folder / name).write_bytes((folder / name).read_bytes() + b" ")
            found.add(package.key(folder))
        self.assertEqual(len(found), 1 + len(package.DEPLOYED))
        (folder / "loader.zip").unlink()
        with self.assertRaisesRegex(Failure, "lacks loader.zip: make package"):
            stacks.upload(self.aws, folder, "us-east-1")

    def test_by_hand_the_key_is_worked_out_as_the_document_says(self) -> None:
        folder = packed(self.folder / "dist")
        (line,) = re.findall(r"^KEY=.+$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
        line = re.sub(r"okta-authomize-[0-9.]+-arm64", folder.name, line)
        told = subprocess.run(
            ["bash", "-c", f"{line}; echo $KEY"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.strip()
        self.assertEqual(told, package.key(folder))

    def test_without_a_stack_one_is_told_to_deploy(self) -> None:
        with self.assertRaisesRegex(Failure, "make deploy"):
            stacks.Stack(self.aws, "okta-authomize", print).outputs()

    def topics(self) -> list[Any]:
        return [topic["TopicArn"].rsplit(":", 1)[1] for topic in self.aws.client("sns").list_topics()["Topics"]]

    def test_outputs_of_a_stack_are_shown_by_name(self) -> None:
        template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"BucketName": {"Value": "data"}}}
        self.aws.client("cloudformation").create_stack(StackName="okta-authomize", TemplateBody=json.dumps(template))
        self.assertEqual(stacks.Stack(self.aws, "okta-authomize", print).outputs(), {"BucketName": "data"})

    def test_a_stack_is_made_changed_left_alone_and_removed(self) -> None:
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket="code")
        template = {
            "Parameters": {"Name": {"Type": "String"}, "Kept": {"Type": "String", "Default": "kept"}},
            "Resources": {
                "Topic": {
                    "Type": "AWS::SNS::Topic",
                    "Properties": {"TopicName": {"Ref": "Name"}, "DisplayName": {"Ref": "Kept"}},
                }
            },
        }
        s3.put_object(Bucket="code", Key="template.json", Body=json.dumps(template))
        said: list[str] = []
        stack = stacks.Stack(self.aws, "okta-authomize", said.append)
        url = stacks.url_of("code", "template.json", "us-east-1")
        stack.deploy(url, {"Name": "one", "Kept": "mine"})
        self.assertEqual(self.topics(), ["one"])
        stack.deploy(url, {"Name": "two"})
        self.assertEqual(self.topics(), ["two"])
        kept = {one["ParameterKey"]: one["ParameterValue"] for one in (stack.described() or {})["Parameters"]}
        self.assertEqual(kept, {"Name": "two", "Kept": "mine"})
        stack.destroy()
        self.assertIsNone(stack.described())


class Whole(OnAws):
    """`make deploy` and what follows, but for CloudFormation's own work."""

    def setUp(self) -> None:
        super().setUp()
        self.deployed: list[tuple[str, str, dict[str, str]]] = []
        (self.folder / "Cargo.toml").write_text((ROOT / "Cargo.toml").read_text())

    def run_command(self, name, *lines, **more) -> tuple[Any, Any]:
        terminal, given = Scripted(*lines), program.parse([name, *more.pop("arguments", [])])
        answers = Answers.read()
        answers.region = "us-east-1"
        with patch.object(
            stacks.Stack, "deploy", lambda stack, url, parameters: self.deployed.append((stack.name, url, parameters))
        ):
            with patch.object(program, "ROOT", self.folder):
                return program.COMMANDS[name](self.aws, terminal, answers, given), terminal

    def make_stack(self, name="okta-authomize", own="SecretArn", **outputs) -> None:
        """A stack that is known by its parameter, with these outputs."""
        template = {
            "Parameters": {own: {"Type": "String", "Default": ""}, "Kept": {"Type": "String", "Default": ""}},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
        given = [{"ParameterKey": key, "ParameterValue": "x"} for key in template["Parameters"]]
        self.aws.client("cloudformation").create_stack(
            StackName=name, TemplateBody=json.dumps(template), Parameters=given
        )

    def make_fleet(self, **outputs) -> None:
        Answers(stack="okta-fleet", region="us-east-1").write()
        self.make_stack("okta-fleet", "SummaryCron", FunctionName="collector", **outputs)

    def test_deploy_asks_and_upgrade_does_not(self) -> None:
        secret = self.aws.client("secretsmanager").create_secret(Name="okta/acme", SecretString="{}")["ARN"]
        with patch.object(questions, "concurrency", return_value="false"):
            with self.assertRaisesRegex(Failure, "make package"):
                self.run_command("deploy", "okta/acme", "none", "none", "none")
            folder = packed(self.folder / "dist")
            self.assertEqual(self.run_command("deploy", "okta/acme", "none", "none", "none")[0], 0)
        self.make_stack()
        code, terminal = self.run_command("upgrade")
        self.assertEqual((code, terminal.typed), (0, []))
        first, second = self.deployed
        self.assertEqual(first, second)
        name, url, parameters = first
        self.assertEqual(
            (name, parameters["SecretArn"], parameters["OneRunAtATime"]), ("okta-authomize", secret, "false")
        )
        self.assertEqual(
            parameters.keys() - load(ROOT / "template.yaml")["Parameters"].keys(), {"CodeBucket", "CodeKey"}
        )
        self.assertEqual(parameters["CodeKey"], package.key(folder))
        self.assertTrue(url.endswith(f"/{package.key(folder)}/packaged.yaml"))

    def test_a_changed_build_of_the_same_version_is_deployed(self) -> None:
        self.make_stack()
        for code in (b"one", b"one", b"two"):
            packed(self.folder / "dist", code)
            self.run_command("upgrade")
        keys = [parameters["CodeKey"] for _, _, parameters in self.deployed]
        self.assertEqual((keys[0] == keys[1], keys[1] == keys[2]), (True, False))

    def test_a_fleet_is_upgraded_with_its_own_template(self) -> None:
        packed(self.folder / "dist")
        self.make_fleet()
        secret = Answers.read()
        secret.secret, secret.parameters = "arn:written-by-make-configure", {"OrgsAtOnce": "20"}
        secret.write()
        code, terminal = self.run_command("upgrade")
        ((name, url, parameters),) = self.deployed
        self.assertEqual((code, name), (0, "okta-fleet"))
        self.assertTrue(url.endswith("/fleet.yaml"))
        self.assertEqual(parameters["OrgsAtOnce"], "20")
        self.assertEqual(parameters.keys() - load(ROOT / "fleet.yaml")["Parameters"].keys(), {"CodeBucket", "CodeKey"})
        self.assertIn("SECRET_ID", terminal.said[-1])

    def test_parameters_that_the_template_does_not_know_are_named(self) -> None:
        packed(self.folder / "dist")
        self.make_fleet()
        Answers(
            stack="okta-fleet",
            region="us-east-1",
            parameters={"SecretArn": "x", "OrgsAtOnce": "20", "OktaEventBusName": ""},
        ).write()
        with self.assertRaisesRegex(Failure, r"fleet.yaml does not know: OktaEventBusName, SecretArn;"):
            self.run_command("upgrade")
        self.assertEqual(self.deployed, [])

    def test_a_fleet_is_not_replaced_by_a_stack_of_one_org(self) -> None:
        self.make_fleet()
        with self.assertRaisesRegex(Failure, "is a fleet: make configure adds an org"):
            self.run_command("deploy")

    def test_a_stack_of_another_project_is_left_alone(self) -> None:
        packed(self.folder / "dist")
        self.make_stack(own="Another")
        for command in ("deploy", "upgrade"):
            with self.assertRaisesRegex(Failure, "none of this project's"):
                self.run_command(command)
        with self.assertRaisesRegex(Failure, "has no output FunctionName: .*make upgrade"):
            self.run_command("check")
        part = {
            "StackStatus": "CREATE_COMPLETE",
            "ParentId": "arn:aws:cloudformation:us-east-1:123456789012:stack/okta-fleet/x",
        }
        with patch.object(stacks.Stack, "described", return_value=part):
            with self.assertRaisesRegex(Failure, "a part of the stack okta-fleet"):
                self.run_command("upgrade")

    def test_a_fleet_is_asked_for_one_org_by_its_secret(self) -> None:
        self.make_fleet()
        for name, tag in (
            ("okta/acme", "collect"),
            ("okta/beta", "collect"),
            ("okta/off", "off"),
            ("okta/paused", "collect-paused"),
        ):
            self.aws.client("secretsmanager").create_secret(
                Name=name, SecretString="{}", Tags=[{"Key": "okta-authomize", "Value": tag}]
            )
        for command in ("check", "invoke"):
            with self.assertRaisesRegex(
                Failure, f"make {command} SECRET_ID=okta/acme; there are okta/acme, okta/beta$"
            ):
                self.run_command(command)
        with patch.object(run, "invoke", return_value=answer("succeeded")) as invoked:
            self.run_command("check", arguments=["--secret-id", "okta/beta"])
            self.run_command("invoke", arguments=["--secret-id", "okta/beta", "--event", '{"mode": "full"}'])
            self.run_command("invoke", arguments=["--event", '{"secret_id": "okta/acme"}'])
        events = [call.args[2] for call in invoked.call_args_list]
        beta = {"secret_id": "okta/beta"}
        self.assertEqual(events, [beta | {"mode": "check"}, beta | {"mode": "full"}, {"secret_id": "okta/acme"}])

    def test_a_fleets_log_and_status_are_found_and_of_an_older_one_one_is_told(self) -> None:
        self.make_fleet(BucketName="data")
        for command, output in (("logs", "Log"), ("status", "Status")):
            with self.assertRaisesRegex(Failure, f"has no output {output}: .*make upgrade"):
                self.run_command(command)
        self.aws.client("cloudformation").delete_stack(StackName="okta-fleet")
        self.make_fleet(BucketName="data", Log="/aws/lambda/nested", Status="s3://data/okta/status/")
        self.aws.client("s3").create_bucket(Bucket="data")
        self.aws.client("s3").put_object(Bucket="data", Key="okta/status/acme.html", Body=b"")
        self.aws.client("logs").create_log_group(logGroupName="/aws/lambda/nested")
        self.assertIn("acme, for five minutes", self.run_command("status")[1].said[0])
        self.assertEqual(self.run_command("logs")[0], 0)
        with self.assertRaisesRegex(
            Failure, "no log group /aws/lambda/nested-loader: the stack does not have this function"
        ):
            self.run_command("logs", arguments=["--which", "loader"])

    def test_the_loader_is_invoked_by_its_name_and_loads_everything_unless_told_otherwise(self) -> None:
        self.make_stack(FunctionName="collector", LoaderName="the-loader")
        event = {"integration": "okta", "accept_shrink": True}
        with patch.object(run, "invoke", return_value={}) as invoked:
            self.run_command("invoke", arguments=["--which", "loader", "--event", json.dumps(event)])
            self.run_command("invoke", arguments=["--which", "loader"])
            self.run_command("invoke")
        asked = [call.args[1:3] for call in invoked.call_args_list]
        self.assertEqual(
            asked, [("the-loader", event), ("the-loader", {"detail-type": "Scheduled Event"}), ("collector", {})]
        )
        with self.assertRaisesRegex(Failure, "the loader knows integrations"):
            self.run_command("invoke", arguments=["--which", "loader", "--secret-id", "okta/acme"])

    def test_without_a_loader_one_is_told_how_to_get_it(self) -> None:
        self.make_stack(FunctionName="collector")
        with self.assertRaisesRegex(Failure, "names no loader: .*fourth question of make deploy.*make upgrade"):
            self.run_command("invoke", arguments=["--which", "loader"])

    def test_a_stack_is_removed_only_by_a_written_yes_and_its_data_is_named(self) -> None:
        template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"BucketName": {"Value": "data"}}}
        cloudformation = self.aws.client("cloudformation")
        cloudformation.create_stack(StackName="okta-authomize", TemplateBody=json.dumps(template))
        self.assertEqual(self.run_command("destroy", "y")[0], 1)
        self.assertEqual(len(cloudformation.describe_stacks()["Stacks"]), 1)
        code, terminal = self.run_command("destroy", "yes")
        self.assertEqual((code, cloudformation.describe_stacks()["Stacks"]), (0, []))
        self.assertIn("s3://data", terminal.said[-1])

    def test_an_error_is_a_message_and_no_stack_trace(self) -> None:
        for command, told in (
            ("upgrade", "there is no stack okta-authomize in us-east-1: make deploy"),
            ("check", "make deploy"),
        ):
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                self.assertEqual(program.main([command]), 1)
            self.assertIn(told, said.getvalue())
            self.assertNotIn("Traceback", said.getvalue())

    def test_an_answer_that_is_not_aws_is_told_as_such(self) -> None:
        said = io.StringIO()
        with (
            contextlib.redirect_stderr(said),
            patch.object(stacks.Stack, "described", side_effect=ResponseParserError("<html>")),
        ):
            self.assertEqual(program.main(["check"]), 1)
        self.assertIn("what answered is not AWS", said.getvalue())

    def test_an_event_that_is_none_is_told_with_an_example(self) -> None:
        for text in ("{mode: full}", "[]"):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
                program.parse(["invoke", "--event", text])
            self.assertIn("""'{"mode": "full"}'""", said.getvalue())


class Region(InAFolder):
    def region(self, answers=None, profile=None, **environment) -> Any:
        names = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE")
        kept = {name: value for name, value in os.environ.items() if name not in names}
        file = self.folder / "config"
        file.write_text(f"[default]\nregion = {profile}\n" if profile else "")
        files = {"AWS_CONFIG_FILE": str(file), "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none")}
        self.said, answers = Scripted(), answers or Answers()
        with patch.dict("os.environ", kept | files | environment, clear=True):
            program.session(answers, self.said)
        return answers.region

    def test_it_is_taken_from_each_place_that_may_have_it(self) -> None:
        self.assertEqual(self.region(AWS_REGION="eu-west-1"), "eu-west-1")
        self.assertEqual(self.region(AWS_DEFAULT_REGION="eu-west-2"), "eu-west-2")
        self.assertEqual(self.region(profile="eu-west-3"), "eu-west-3")
        self.assertEqual(
            self.region(profile="eu-west-3", AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="eu-west-2"), "eu-west-1"
        )
        self.assertEqual(self.said.said, [])

    def test_that_of_the_stack_wins_and_the_difference_is_told(self) -> None:
        self.assertEqual(self.region(Answers(region="eu-north-1"), AWS_REGION="eu-west-1"), "eu-north-1")
        self.assertIn("eu-north-1", self.said.said[0])
        self.region(Answers(region="eu-north-1"), AWS_REGION="eu-north-1", profile="eu-west-3")
        self.assertEqual(self.said.said, [])

    def test_without_any_every_place_is_named(self) -> None:
        with self.assertRaises(Failure) as caught:
            self.region()
        for place in ("AWS_REGION", "AWS_DEFAULT_REGION", "profile"):
            self.assertIn(place, str(caught.exception))
            for document in ("README.md", "docs/operations.md"):
                self.assertIn(place, (ROOT / document).read_text())


class Toolchain(InAFolder):
    """What `make rust` asks for, with programs that are not there or too old."""

    def rust(self, version="1.95.0", missing=()) -> tuple[Any, Any]:
        """The exit code and words of `make rust` with this compiler."""
        told = {
            "cargo": "cargo 1.95.0",
            "rustc": f"rustc {version} (0123abc 2026-01-01)" if version else "",
            "cc": "cc",
        }
        place = self.folder / "bin"
        place.mkdir(exist_ok=True)
        for name in ("bash", "make", "sed", "cut", "awk", "uname"):
            if not (place / name).exists():
                (place / name).symlink_to(shutil.which(name) or name)
        for name, says in told.items():
            (place / name).write_text(f"#!/bin/bash\necho '{says}'\n")
            (place / name).chmod(0o755)
        for name in missing:
            (place / name).unlink()
        command: list[str | Path] = [
            place / "make",
            "--silent",
            "--file",
            ROOT / "Makefile",
            f"VENV={self.folder}",
            "rust",
        ]
        done = subprocess.run(command, cwd=ROOT, env={"PATH": str(place)}, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_a_toolchain_that_is_there_and_new_enough_is_taken(self) -> None:
        (oldest,) = re.findall(r'^rust-version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
        for version in (oldest, f"{oldest}.0", f"{oldest}.1-nightly", "1.100.0-beta.2", "2.0.0"):
            self.assertEqual(self.rust(version), (0, ""), version)

    def test_an_older_rust_is_told_which_one_is_needed_and_how_to_get_it(self) -> None:
        for version in ("1.89.0", "1.9.0", "0.99.0", ""):
            code, told = self.rust(version)
            self.assertNotEqual(code, 0, version)
            self.assertRegex(told, r"Rust 1\.90 or newer is needed, and rustc is .+: rustup update", version)
            self.assertIn(version or "of no known version", told)

    def test_a_missing_program_is_reported_with_its_package(self) -> None:
        for missing, remedy in (("cargo", "rustup.rs"), ("rustc", "rustup.rs"), ("cc", "build-essential")):
            code, told = self.rust(missing=[missing])
            self.assertNotEqual(code, 0, missing)
            self.assertIn(remedy, told)

    def test_the_documents_ask_for_the_same_rust(self) -> None:
        (oldest,) = re.findall(r'^rust-version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
        for document in ("README.md", "CONTRIBUTING.md"):
            self.assertIn(
                f"Rust {oldest} or newer with a C compiler", " ".join((ROOT / document).read_text().split()), document
            )


class Makefile(InAFolder):
    def test_options_of_a_target_are_handed_on(self) -> None:
        place = self.folder / "bin"
        place.mkdir()
        (place / "python3").write_text("""#!/bin/bash\nprintf '<%s>' "$@"\n""")
        (place / "python3").chmod(0o755)
        said = {
            "check": ("check",),
            "check SECRET_ID=okta/acme": ("check", "--secret-id", "okta/acme"),
            """invoke EVENT='{"mode": "full"}'""": ("invoke", "--event", '{"mode": "full"}'),
            """invoke SECRET_ID=okta/acme EVENT='{}'""": ("invoke", "--secret-id", "okta/acme", "--event", "{}"),
            """invoke WHICH=loader EVENT='{"integration": "okta"}'""": (
                "invoke",
                "--event",
                '{"integration": "okta"}',
                "--which",
                "loader",
            ),
            "logs WHICH=loader MINUTES=60": ("logs", "--minutes", "60", "--which", "loader"),
        }
        for words, expected in said.items():
            command = ["make", "--silent", *shlex.split(words), f"VENV={self.folder}"]
            told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
            self.assertTrue(
                told.endswith("<-B><-m><deploy>" + "".join(f"<{word}>" for word in expected)), (words, told)
            )

    def test_no_target_runs_the_outputs_of_a_stack(self) -> None:
        told = (ROOT / "Makefile").read_text() + (ROOT / "README.md").read_text()
        self.assertNotRegex(told, r"\beval\b")

    def test_every_command_has_its_target(self) -> None:
        targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
        self.assertLessEqual({*program.COMMANDS, "package"}, set(targets))


if __name__ == "__main__":
    unittest.main()
