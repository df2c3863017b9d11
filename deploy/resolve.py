"""A template under one choice of parameters: which resources there are, and what their properties come to.

References to what this choice leaves out are errors, which CloudFormation would only tell of in the middle of a deployment.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Mapping
from typing import Any

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "acme",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/acme/1",
}
NO_VALUE = object()


class Unresolved(Exception):
    """A reference that leads nowhere under these parameters, or a value that no pattern or rule allows."""


class Resolver:
    """`parameters` are texts; those that are missing have their defaults. `names` are what references to resources come to: by
    resource, or `Resource.Attribute`."""

    def __init__(
        self,
        template: dict[str, Any],
        parameters: Mapping[str, str],
        names: Mapping[str, str] | None = None,
        pseudo: Mapping[str, str] | None = None,
    ) -> None:
        self._template = template
        self._values: dict[str, Any] = (
            PSEUDO
            | dict(pseudo or {})
            | {name: str(told.get("Default", "")) for name, told in template["Parameters"].items()}
        )
        if unknown := parameters.keys() - template["Parameters"].keys():
            raise Unresolved(f"no such parameters: {sorted(unknown)}")
        self._values |= parameters
        self._names = names or {}
        self._conditions: dict[str, bool] = {}
        self.rules()
        resources = template["Resources"].items()
        self.present = {
            name for name, told in resources if "Condition" not in told or self.condition(told["Condition"])
        }

    def rules(self) -> None:
        """Checks patterns and rules as CloudFormation does before it begins."""
        for name, told in self._template["Parameters"].items():
            pattern, value = told.get("AllowedPattern"), self._values[name]
            if pattern and not re.fullmatch(pattern, value):
                raise Unresolved(f"{name} must not be {value!r}: {told.get('ConstraintDescription', pattern)}")
            if told.get("AllowedValues") and value not in map(str, told["AllowedValues"]):
                raise Unresolved(f"{name} must not be {value!r}")
        for rule in self._template.get("Rules", {}).values():
            if self._truth(rule.get("RuleCondition", {"Fn::Equals": ["", ""]})):
                for one in rule["Assertions"]:
                    if not self._truth(one["Assert"]):
                        raise Unresolved(one["AssertDescription"])

    def condition(self, name: str) -> bool:
        if name not in self._conditions:
            self._conditions[name] = self._truth(self._template["Conditions"][name])
        return self._conditions[name]

    def _truth(self, told: Any) -> bool:
        ((way, given),) = told.items()
        if way == "Condition":
            return self.condition(given)
        if way == "Fn::Equals":
            first, second = (str(self.value(one)) for one in given)
            return first == second
        if way == "Fn::Contains":
            return str(self.value(given[1])) in map(str, given[0])
        truths = [self._truth(one) for one in given]
        return {"Fn::Not": lambda: not truths[0], "Fn::And": lambda: all(truths), "Fn::Or": lambda: any(truths)}[way]()

    def resources(self) -> dict[str, Any]:
        """The resources that there are, with their properties resolved."""
        there = {name: told for name, told in self._template["Resources"].items() if name in self.present}
        for name, told in there.items():
            wanted = told.get("DependsOn", [])
            for other in [wanted] if isinstance(wanted, str) else wanted:
                if other not in self.present:
                    raise Unresolved(f"{name} depends on {other}, which is not there")
        return {
            name: {"Type": told["Type"], "Properties": self.value(told.get("Properties", {}))}
            for name, told in there.items()
        }

    def outputs(self) -> dict[str, Any]:
        there = self._template.get("Outputs", {}).items()
        return {
            name: self.value(told["Value"])
            for name, told in there
            if "Condition" not in told or self.condition(told["Condition"])
        }

    def value(self, told: Any) -> Any:
        if isinstance(told, list):
            return [value for value in map(self.value, told) if value is not NO_VALUE]
        if not isinstance(told, dict):
            return told
        if len(told) == 1:
            ((way, given),) = told.items()
            if way == "Ref" or way.startswith("Fn::"):
                return self._function(way, given)
        resolved = {key: self.value(value) for key, value in told.items()}
        return {key: value for key, value in resolved.items() if value is not NO_VALUE}

    def _function(self, way: str, given: Any) -> Any:
        if way == "Ref":
            return NO_VALUE if given == "AWS::NoValue" else self._ref(given)
        if way == "Fn::GetAtt":
            return self._attribute(".".join(given) if isinstance(given, list) else given)
        if way == "Fn::If":
            return self.value(given[1] if self.condition(given[0]) else given[2])
        if way == "Fn::Join":
            return given[0].join(self.value(given[1]))
        if way == "Fn::Split":
            return self.value(given[1]).split(given[0])
        if way == "Fn::Select":
            return self.value(given[1])[int(given[0])]
        if way == "Fn::Sub":
            text, more = given if isinstance(given, list) else (given, {})
            more = {name: self.value(value) for name, value in more.items()}
            return re.sub(r"\$\{([^!}][^}]*)\}", lambda found: str(more.get(found[1]) or self._named(found[1])), text)
        raise Unresolved(f"{way} is not known here")

    def _named(self, name: str) -> Any:
        return self._attribute(name) if "." in name else self._ref(name)

    def _ref(self, name: str) -> Any:
        if name in self._values:
            if "List" in self._template["Parameters"].get(name, {}).get("Type", ""):
                return self._values[name].split(",")
            return self._values[name]
        if name not in self.present:
            raise Unresolved(f"{name} is not there")
        return self._names.get(name, f"the-{name}")

    def _attribute(self, path: str) -> str:
        name = path.split(".", 1)[0]
        if name not in self.present:
            raise Unresolved(f"{name} is not there")
        return self._names.get(path, f"arn:aws:any:us-east-1:123456789012:{path}")
