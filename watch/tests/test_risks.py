"""Cases about a person are risk factors of their identity in Authomize while they are open."""

import json
import os
import threading
import unittest
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import boto3

from findings.tests.writer import PREFIX, complete, delete
from watch import handler as function
from watch import risks
from watch.tests.test_erase import ADA, event, user
from watch.tests.test_handler import BUCKET, REGION, Case

TOKEN = "token-of-authomize"
BEA = "bea@acme.example"


class Fake:
    """Authomize's platform API, as far as its OpenAPI document says: a POST adds, a DELETE takes away what was added before a time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 18, tzinfo=timezone.utc)
        self.factors: dict[str, list[tuple[datetime, dict]]] = {ADA: [], BEA: [], "somebody@acme.example": []}
        self.requests: list[tuple[str, dict]] = []
        self.refuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_) -> None:
                pass

            def _handle(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code = outer.take(self.command, self.path, self.headers["Authorization"], body)
                self.send_response_only(code)
                self.send_header("Date", format_datetime(datetime.now(timezone.utc), usegmt=True))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_DELETE = _handle

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, method: str, path: str, authorization: str, body: dict) -> int:
        if self.refuses:
            return self.refuses.pop()
        assert (path, authorization) == (risks.PATH, f"Bearer {TOKEN}")
        people = body["filter"]["email"]["$in"]
        assert people and set(body) == ({"filter", "risks"} if method == "POST" else {"filter", "since"}), body
        self.requests.append((method, body))
        now = datetime.now(timezone.utc)
        for person in set(people) & self.factors.keys():
            if method == "POST":
                for each in body["risks"]:
                    assert (
                        set(each) == {"score", "title", "description"}
                        and 0 <= each["score"] <= 100
                        and isinstance(each["score"], int)
                    ), each
                self.factors[person] += [(now, each) for each in body["risks"]]
            else:
                since = datetime.fromisoformat(body["since"].replace("Z", "+00:00"))
                self.factors[person] = [(at, each) for at, each in self.factors[person] if at >= since]
        return 200

    def age(self, seconds: int = 60) -> None:
        """Time passes."""
        self.factors = {
            person: [(at - timedelta(seconds=seconds), each) for at, each in told]
            for person, told in self.factors.items()
        }

    def titles(self, person: str) -> list[str]:
        return sorted(each["title"] for _, each in self.factors[person])


class InAuthomize(Case):
    def setUp(self) -> None:
        super().setUp()
        self.fake = Fake()
        self.addCleanup(self.fake.server.server_close)
        self.addCleanup(self.fake.server.shutdown)
        arn = boto3.client("secretsmanager", REGION).create_secret(
            Name="authomize", SecretString=json.dumps({"token": TOKEN})
        )["ARN"]
        patch = mock.patch.dict(os.environ, {"AUTHOMIZE_SECRET_ID": arn, "AUTHOMIZE_API_URL": self.fake.url})
        patch.start()
        self.addCleanup(patch.stop)

    def start(self) -> None:
        self.commit(
            [("users", [user("00u1", ADA), user("00u2", BEA)]), ("activity", [event("e1", "00u1", ADA)])],
            [complete("users", 1)],
        )
        self.wake()

    def test_only_the_person_of_an_open_case_has_its_risk(self) -> None:
        self.start()
        self.assertEqual(self.fake.titles(ADA), ["Okta: A user reported a sign-in that was not theirs"])
        self.assertEqual(self.fake.titles(BEA), [])
        score = self.fake.factors[ADA][0][1]["score"]
        self.assertEqual(score, risks.SCORES["high"])

    def test_without_news_nothing_is_sent(self) -> None:
        self.start()
        sent = len(self.fake.requests)
        self.wake()
        self.commit([("activity", [event("e2", "00u2", BEA)])])
        self.wake()
        self.assertEqual([body["filter"]["email"]["$in"] for _, body in self.fake.requests[sent:]], [[BEA], [BEA]])
        self.assertEqual(len(self.fake.titles(ADA)), 1)

    def test_the_risk_of_an_accepted_case_is_taken_back(self) -> None:
        self.start()
        self.fake.age()
        accepted = [{"finding": "user-reported", "key": "e1", "reason": "a drill"}]
        self.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/cases/acme.accepted.json", Body=json.dumps(accepted))
        self.commit([])
        self.wake()
        self.assertEqual(self.fake.titles(ADA), [])
        self.assertEqual(self.fake.requests[-1][0], "DELETE")

    def test_a_person_who_leaves_okta_leaves_no_risk(self) -> None:
        self.start()
        self.fake.age()
        self.commit([("users", [delete("users", "00u1")])])
        self.wake()
        self.assertEqual(self.fake.titles(ADA), [])

    def test_the_filter_always_names_somebody(self) -> None:
        self.start()
        self.commit([("users", [delete("users", "00u1")])])
        self.wake()
        self.wake()
        self.assertTrue(all(body["filter"]["email"]["$in"] for _, body in self.fake.requests))
        self.assertFalse(
            any("somebody@acme.example" in body["filter"]["email"]["$in"] for _, body in self.fake.requests)
        )
        with self.assertRaises(AssertionError):
            risks._send(risks.Authomize(self.fake.url, TOKEN), [], [])

    def test_a_refusal_of_authomize_costs_no_alert_is_retried_and_arrives_once(self) -> None:
        self.fake.refuses = [500]
        self.commit([("users", [user("00u1", ADA)]), ("activity", [event("e1", "00u1", ADA)])], [complete("users", 1)])
        self.assertEqual(self.wake(), {"batchItemFailures": [{"itemIdentifier": "m0"}]})
        self.assertEqual(len(self.on_bus()), 2)
        # The POST arrives, the DELETE does not.
        with mock.patch.object(risks.Authomize, "send", self._losing("DELETE")):
            self.wake()
        self.fake.age()
        self.assertEqual(self.wake(), {"batchItemFailures": []})
        self.assertEqual(len(self.fake.titles(ADA)), 1)

    def _losing(self, lost: str) -> Any:
        real = risks.Authomize.send

        def send(authomize, method, body) -> Any:
            if method == lost:
                raise risks.Refused("lost")
            return real(authomize, method, body)

        return send

    def test_more_people_than_a_request_takes_are_divided_and_than_a_wake_up_takes_follow_later(self) -> None:
        people = [user(f"00u{n}", f"p{n}@acme.example") for n in range(5)]
        events = [event(f"e{n}", f"00u{n}", f"p{n}@acme.example") for n in range(5)]
        self.commit([("users", people), ("activity", events)], [complete("users", 1)])
        with mock.patch.object(risks, "MOST_IDENTITIES", 2), mock.patch.object(risks, "MOST_REQUESTS", 3):
            self.assertEqual(self.wake({"integration": "acme"})["risks_left"], 1)
            self.assertEqual(self.wake({"integration": "acme"})["risks_left"], 0)
        told = [
            person
            for method, body in self.fake.requests
            if method == "POST"
            for person in body["filter"]["email"]["$in"]
        ]
        self.assertEqual(sorted(told), [f"p{n}@acme.example" for n in range(5)])

    def test_the_token_is_in_no_error_and_no_text(self) -> None:
        self.assertNotIn(TOKEN, repr(risks.Authomize(self.fake.url, TOKEN)))
        self.fake.refuses = [401]
        self.commit([("users", [user("00u1", ADA)]), ("activity", [event("e1", "00u1", ADA)])], [complete("users", 1)])
        with self.assertRaises(Exception) as raised:
            self.wake({"integration": "acme"})
        self.assertIn("401", str(raised.exception))
        self.assertNotIn(TOKEN, str(raised.exception))
        boto3.client("secretsmanager", REGION).put_secret_value(
            SecretId="authomize", SecretString=f"{TOKEN} is no JSON"
        )
        with self.assertRaises(ValueError) as no_json:
            self.wake({"integration": "acme"})
        self.assertNotIn(TOKEN, str(no_json.exception))

    def test_plain_http_is_for_this_machine_alone(self) -> None:
        with self.assertRaisesRegex(ValueError, "AUTHOMIZE_API_URL"):
            function.Settings.read({"BUCKET": "b", "AUTHOMIZE_API_URL": "http://api.authomize.com"})


if __name__ == "__main__":
    unittest.main()
