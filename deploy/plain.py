"""Plain CloudFormation of a template: what AWS's transform for SAM would make of it, for those who may use no transform (StackSets with
service-managed permissions refuse them) or want to see what is deployed.

Usage: python -m deploy.plain TEMPLATE PLAIN, with AWS's own translator (aws-sam-translator) installed
"""

import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

from deploy.template import load

# What CloudFormation takes of a template in a bucket.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_BYTES = 1_000_000


def plain(template: dict[str, Any]) -> dict[str, Any]:
    """The template, as data, without a transform. Code that is this folder becomes an archive of the package."""
    archives = {"Function": "collector", "Loader": "loader", "Watch": "watch"}
    for name, resource in template["Resources"].items():
        if resource.get("Properties", {}).get("CodeUri") == ".":
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": f"package/{archives[name]}.zip"}
        if resource.get("Properties", {}).get("Location") == "template.yaml":
            resource["Type"] = "AWS::CloudFormation::Stack"
            del resource["Properties"]["Location"]
            resource["Properties"]["TemplateURL"] = {
                "Fn::Sub": "https://code.s3.${AWS::Region}.${AWS::URLSuffix}/plain.json"
            }
    loader = ManagedPolicyLoader(None)
    # No policy of AWS's own is named by its short name.
    loader.load = dict
    # The translator asks for the partition, and writes it nowhere but in names of such policies.
    with patch.dict("os.environ", AWS_DEFAULT_REGION="us-east-1"):
        made = transform(template, dict.fromkeys(template["Parameters"], ""), loader)
    assert "Transform" not in made and not any(
        one["Type"].startswith("AWS::Serverless") for one in made["Resources"].values()
    )
    return made


def main(template: str | Path, file: str | Path) -> None:
    made = plain(load(template))
    text = json.dumps(made, indent=1)
    text = text if len(text) <= MOST_BYTES else json.dumps(made, separators=(",", ":"))
    Path(file).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
