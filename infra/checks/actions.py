"""Writes the IAM actions of every service that the template names, as AWS publishes them.

usage: actions.py

The list comes with policy_sentry, whose version infra/requirements.txt pins.
"""

import json
import sys

from policy_sentry.querying.actions import get_actions_for_service

SERVICES = [
    "budgets",
    "cloudwatch",
    "codedeploy",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "sts",
]


def main():
    names = {
        service: sorted(action.split(":", 1)[1] for action in get_actions_for_service(service))
        for service in SERVICES
    }
    json.dump(names, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
