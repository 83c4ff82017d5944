"""Expands infra/template.yaml into plain CloudFormation, as AWS does with it at a deployment, and writes JSON.

usage: expand.py TEMPLATE [Parameter=Value ...]

Parameters matter to the SAM transform only (`Canary`); everything else stays a reference. Local code
folders become `s3://code/<function>`, since the transform takes no folders.
"""

import json
import os
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The template writes its policies out, so that none has to be looked up."""

    def load(self):
        return {}


def expand(text, parameters):
    template = yaml_parse(text)
    # Its only use here is DeletionPolicy, which the assertions read with its FindInMap.
    template["Transform"] = "AWS::Serverless-2016-10-31"
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function" and "CodeUri" in properties:
            folder = properties["CodeUri"].rstrip("/").rsplit("/", 1)[-1]
            properties["CodeUri"] = f"s3://code/{folder}"
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    return transform(template, parameters, NoManagedPolicies())


def lines(expanded):
    """JSON with a line for each resource, so that a difference shows which one it is in."""
    one = lambda value: json.dumps(value, sort_keys=True, ensure_ascii=False)
    parts = []
    for section, value in sorted(expanded.items()):
        if isinstance(value, dict):
            rows = ",\n".join(f" {one(name)}: {one(item)}" for name, item in sorted(value.items()))
            parts.append(f"{one(section)}: {{\n{rows}\n}}")
        else:
            parts.append(f"{one(section)}: {one(value)}")
    return "{\n" + ",\n".join(parts) + "\n}"


def main():
    path, *pairs = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        expanded = expand(file.read(), dict(pair.split("=", 1) for pair in pairs))
    print(lines(expanded))


if __name__ == "__main__":
    main()
