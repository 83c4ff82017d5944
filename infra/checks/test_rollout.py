"""Tries the check of a rollout, whose text stands in the template, against functions that answer well and badly."""

import io
import json
import os
import sys
import types
import unittest
from unittest import mock

TEMPLATE = os.path.join(os.path.dirname(__file__), "..", "expanded.json")
ENV = {"HTTP_VERSIONS": "compile:1,start:1,signal:1", "QUEUE_VERSION": "step:1"}


def load():
    with open(TEMPLATE, encoding="utf-8") as file:
        code = json.load(file)["Resources"]["RolloutCheck"]["Properties"]["Code"]["ZipFile"]
    module = types.ModuleType("rollout")
    exec(compile(code, "rollout.py", "exec"), module.__dict__)
    return module


class Lambda:
    """Answers calls by the function's name."""

    def __init__(self, **answers):
        self.answers = {"step": {"batchItemFailures": []}} | answers
        self.called = []

    def invoke(self, FunctionName, Payload):
        self.called.append(FunctionName)
        event = json.loads(Payload)
        name = FunctionName.split(":")[0]
        answer = self.answers.get(name, {"statusCode": 404})
        assert ("Records" in event) == (name == "step"), event
        out = {"Payload": io.BytesIO(json.dumps(answer).encode())}
        return out | ({"FunctionError": "Unhandled"} if "errorType" in answer else {})


class Rollout(unittest.TestCase):
    def handle(self, functions):
        deploy = mock.Mock()
        boto3 = types.SimpleNamespace(client=lambda name: {"lambda": functions, "codedeploy": deploy}[name])
        event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "h-1"}
        with mock.patch.dict(sys.modules, {"boto3": boto3}), mock.patch.dict(os.environ, ENV):
            try:
                load().handler(event, None)
            except RuntimeError:
                pass
        told = deploy.put_lifecycle_event_hook_execution_status.call_args.kwargs
        self.assertEqual((told["deploymentId"], told["lifecycleEventHookExecutionId"]), ("d-1", "h-1"))
        return told["status"]

    def test_versions_that_answer_get_traffic(self):
        functions = Lambda(compile={"statusCode": 200})
        self.assertEqual(self.handle(functions), "Succeeded")
        self.assertEqual(functions.called, ["compile:1", "start:1", "signal:1", "step:1"])

    def test_a_version_that_fails_gets_none(self):
        self.assertEqual(self.handle(Lambda(start={"errorType": "Runtime.ExitError"})), "Failed")
        self.assertEqual(self.handle(Lambda(signal={"statusCode": 500})), "Failed")
        self.assertEqual(self.handle(Lambda(step={"batchItemFailures": [{"itemIdentifier": "1"}]})), "Failed")


if __name__ == "__main__":
    unittest.main()
