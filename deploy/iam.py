"""IAM's decision on this machine: whether a role's policies, as a template has them, allow a request.

Of IAM it knows what the templates use: identity policies and a bucket's policy, Allow and Deny, and the operators below. It was not
compared with IAM itself.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Any


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def like(pattern: str, value: str) -> bool:
    """IAM's wildcards: * and ?, and nothing else."""
    return (
        re.fullmatch("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern), value, re.DOTALL)
        is not None
    )


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": like,
    "ArnLike": like,
    "ArnEquals": like,
    "Bool": lambda wanted, value: str(wanted).lower() == str(value).lower(),
    "NumericLessThan": lambda wanted, value: float(value) < float(wanted),
}


def holds(condition: dict[str, Any] | None, context: dict[str, Any]) -> bool:
    """Whether a statement's condition holds for a request's context, of which keys may be absent."""
    for operator, keys in (condition or {}).items():
        for key, wanted in keys.items():
            if operator == "Null":
                if (key not in context) != (str(wanted).lower() == "true"):
                    return False
                continue
            if key not in context:
                if operator.endswith("IfExists"):
                    continue
                return False
            compare = OPERATORS[operator.removesuffix("IfExists")]
            if not any(compare(one, context[key]) for one in as_list(wanted)):
                return False
    return True


def fits(statement: dict[str, Any], action: str, resource: str, context: dict[str, Any]) -> bool:
    actions = any(fnmatch.fnmatchcase(action.lower(), one.lower()) for one in as_list(statement["Action"]))
    return (
        actions
        and any(like(one, resource) for one in as_list(statement["Resource"]))
        and holds(statement.get("Condition"), context)
    )


class Role:
    """A role of a resolved template, with the policy of the bucket beside it; `used` are the ids of statements that allowed something."""

    def __init__(self, resources: dict[str, Any], name: str, bucket_policy: Sequence[dict[str, Any]] = ()) -> None:
        policies = resources[name]["Properties"]["Policies"]
        self.statements = [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
        self.bucket_policy = list(bucket_policy)
        self.used: set[str] = set()
        self.refused: list[tuple[str, str]] = []

    def allows(self, action: str, resource: str, context: dict[str, Any] | None = None) -> bool:
        """Whether a request is allowed; what is not is kept in `refused`."""
        context = context or {}
        fitting = [one for one in self.statements if fits(one, action, resource, context)]
        denied = [
            one
            for one in [*fitting, *(one for one in self.bucket_policy if fits(one, action, resource, context))]
            if one["Effect"] == "Deny"
        ]
        if denied or not fitting:
            self.refused.append((action, resource))
            return False
        self.used |= {one["Sid"] for one in fitting}
        return True
