"""Which org of a stack is asked. A stack of one org knows its secret; a fleet has as many as there are tagged secrets."""

from typing import Any

from boto3.session import Session
from botocore.exceptions import ClientError

from deploy.configure import TAG
from deploy.failure import Failure

MOST_NAMED = 20


def named(aws: Session, stack: Any, name: str, given: Any) -> dict[str, Any]:
    """The event that was given, with the secret of the org that was named."""
    event = given.event | ({"secret_id": given.secret_id} if given.secret_id else {})
    if stack.is_fleet and "secret_id" not in event:
        there = tagged(aws)
        told = f"; there are {', '.join(there[:MOST_NAMED])}" if there else ""
        more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
        example = there[0] if there else "okta/acme"
        raise Failure(
            f"the stack {name} is a fleet: name the secret of an org, make {given.command} SECRET_ID={example}{told}{more}"
        )
    return event


def tagged(aws: Session) -> list[str]:
    """Names of the secrets that carry the fleet's tag; none where they may not be listed."""
    filters = [{"Key": "tag-key", "Values": [TAG["Key"]]}, {"Key": "tag-value", "Values": [TAG["Value"]]}]
    try:
        pages = aws.client("secretsmanager").get_paginator("list_secrets").paginate(Filters=filters)
        # The filters take every beginning, and do not hold key and value together.
        return sorted(one["Name"] for page in pages for one in page["SecretList"] if TAG in one.get("Tags", []))
    except ClientError:
        return []
