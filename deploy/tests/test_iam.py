"""IAM's decision, as far as the templates depend on it."""

import unittest
from typing import Any

from deploy.iam import Role, holds, like
from deploy.resolve import Resolver
from deploy.template import load
from deploy.tests.resources import ROOT


def role(*statements, bucket_policy=()) -> Any:
    resources = {"Role": {"Properties": {"Policies": [{"PolicyDocument": {"Statement": list(statements)}}]}}}
    return Role(resources, "Role", bucket_policy)


ALLOW = {"Sid": "Put", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/okta/*"}
DENY = {
    "Sid": "Not",
    "Effect": "Deny",
    "Action": "s3:*",
    "Resource": "arn:aws:s3:::b/okta/manifests/*",
    "Condition": {"Null": {"s3:if-none-match": "true"}},
}


class Decisions(unittest.TestCase):
    def test_an_action_needs_an_allowance_and_a_denial_is_final(self) -> None:
        one = role(ALLOW, bucket_policy=[DENY])
        self.assertTrue(one.allows("s3:PutObject", "arn:aws:s3:::b/okta/data/x"))
        self.assertFalse(one.allows("s3:GetObject", "arn:aws:s3:::b/okta/data/x"))
        self.assertFalse(one.allows("s3:PutObject", "arn:aws:s3:::b/other/x"))
        self.assertFalse(one.allows("s3:PutObject", "arn:aws:s3:::b/okta/manifests/1"))
        self.assertTrue(one.allows("s3:PutObject", "arn:aws:s3:::b/okta/manifests/1", {"s3:if-none-match": "*"}))
        self.assertEqual((one.used, len(one.refused)), ({"Put"}, 3))

    def test_wildcards_are_a_star_and_a_question_mark_alone(self) -> None:
        for pattern, value, expected in (
            ("a/*/c", "a/b/b/c", True),
            ("a?c", "abc", True),
            ("a[b]c", "abc", False),
            ("a.c", "abc", False),
        ):
            self.assertEqual(like(pattern, value), expected, pattern)

    def test_a_condition_on_an_absent_key_holds_only_if_it_says_so(self) -> None:
        wanted = {"s3:prefix": ["okta/*", "acme/*"]}
        self.assertFalse(holds({"StringLike": wanted}, {}))
        self.assertTrue(holds({"StringLikeIfExists": wanted}, {}))
        self.assertFalse(holds({"StringLikeIfExists": wanted}, {"s3:prefix": "other/"}))
        self.assertTrue(holds({"StringLike": wanted}, {"s3:prefix": "acme/x"}))


class Readers(unittest.TestCase):
    def test_a_reader_gets_a_404_for_a_manifest_that_is_not_there_yet_and_may_list_no_other_place(self) -> None:
        secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:okta/acme-AbCdEf"
        given = {"SecretArn": secret, "ReaderAccountId": "210987654321", "ReaderExternalId": "an-external-id-of-theirs"}
        reader = Role(Resolver(load(ROOT / "template.yaml"), given, {"Bucket": "b"}).resources(), "ReaderRole")
        self.assertTrue(reader.allows("s3:ListBucket", "arn:aws:s3:::b"))
        self.assertTrue(reader.allows("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "okta/manifests/okta/"}))
        self.assertFalse(reader.allows("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "okta/loads/"}))
        for place, expected in (
            ("manifests/okta/1.json", True),
            ("loads/okta.json", False),
            ("cursors/okta.json", False),
        ):
            self.assertEqual(reader.allows("s3:GetObject", f"arn:aws:s3:::b/okta/{place}"), expected, place)


if __name__ == "__main__":
    unittest.main()
