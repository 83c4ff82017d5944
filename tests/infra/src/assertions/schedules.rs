//! What happens by the clock: the sweep, and the schedules of workflows.

use super::{Assertion, Findings};
use crate::template::{Template, points_to, text_of};

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "sweep-rule",
        says: "the sweep runs every minute, one at a time, and may be called by its rule",
        look: sweep,
    },
    Assertion {
        name: "sweep-undelivered",
        says: "a sweep that could not be called is not repeated for long, and is written down",
        look: undelivered,
    },
    Assertion {
        name: "schedule-group",
        says: "schedules stand in a group of their own, so that they go with the stack",
        look: group,
    },
    Assertion {
        name: "schedule-role",
        says: "a schedule may start runs and write down what it could not start, and nothing else",
        look: role,
    },
    Assertion {
        name: "async-failures",
        says: "what calls a function without waiting finds its failures in a queue",
        look: failures,
    },
    Assertion {
        name: "missed-queue",
        says: "only the rule of the sweep may write into the queue of missed firings from outside",
        look: missed,
    },
];

fn sweep(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::Events::Rule") {
        found.check(
            &one,
            one.text("ScheduleExpression") == "rate(1 minute)",
            "runs at another pace",
        );
        found.check(&one, one.text("State") == "ENABLED", "does not run");
        let target = one
            .list("Targets")
            .iter()
            .any(|target| points_to(&target["Arn"], "SweepFunctionAliaslive"));
        found.check(&one, target, "does not call the alias of the sweep");
        let allowed = template.of("AWS::Lambda::Permission").any(|permission| {
            permission.text("Principal") == "events.amazonaws.com"
                && points_to(permission.get("SourceArn"), one.name)
                && points_to(permission.get("FunctionName"), "SweepFunctionAliaslive")
        });
        found.check(&one, allowed, "may not call the sweep");
    }
    for one in template
        .functions()
        .filter(|one| one.name == "SweepFunction")
    {
        found.check(
            &one,
            *one.get("ReservedConcurrentExecutions") == 1,
            "runs beside itself",
        );
        let seconds = one.get("Timeout").as_u64();
        found.check(
            &one,
            seconds.is_some_and(|seconds| seconds < 60),
            "runs into the next one",
        );
    }
}

fn undelivered(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::Events::Rule") {
        for target in one.list("Targets") {
            let dead = points_to(&target["DeadLetterConfig"]["Arn"], "MissedQueue");
            let old = target["RetryPolicy"]["MaximumEventAgeInSeconds"].as_u64();
            found.check(
                &one,
                dead && old == Some(60),
                "forgets what it could not deliver, or repeats it late",
            );
        }
    }
}

fn group(template: &Template, found: &mut Findings) {
    for one in template.functions() {
        let named = &one.get("Environment")["Variables"]["LATTICE_SCHEDULE_GROUP"];
        let ours = template
            .of("AWS::Scheduler::ScheduleGroup")
            .any(|group| points_to(named, group.name));
        found.check(&one, ours, "would make schedules outside the stack's group");
    }
}

fn role(template: &Template, found: &mut Findings) {
    let start = "function:${AWS::StackName}-start:live";
    let mut starts = false;
    for grant in template.grants_of("ScheduleRole") {
        let actions = grant.actions();
        let invoke = actions == ["lambda:InvokeFunction"]
            && grant
                .resources()
                .iter()
                .all(|one| text_of(one).ends_with(start));
        let write = actions == ["sqs:SendMessage"]
            && points_to(&grant.statement["Resource"], "MissedQueue");
        let key = actions.iter().all(|action| action.starts_with("kms:"))
            && points_to(&grant.statement["Resource"], "Key");
        starts |= invoke;
        found.check(
            &grant.role,
            invoke || write || key,
            "may do more than start runs",
        );
    }
    found.say("ScheduleRole", starts, "may not start runs");
}

fn failures(template: &Template, found: &mut Findings) {
    for name in ["StartFunction", "SweepFunction"] {
        let config = template.of("AWS::Lambda::EventInvokeConfig").find(|one| {
            points_to(one.get("FunctionName"), name) && one.text("Qualifier") == "live"
        });
        let queue = config.is_some_and(|one| {
            points_to(
                &one.get("DestinationConfig")["OnFailure"]["Destination"],
                "MissedQueue",
            )
        });
        found.say(name, queue, "loses calls that failed");
        let role = format!("{}Role", name.trim_end_matches("Function"));
        let may = template.grants_of(&role).iter().any(|grant| {
            grant.actions() == ["sqs:SendMessage"]
                && points_to(&grant.statement["Resource"], "MissedQueue")
        });
        found.say(name, may, "may not write down that it failed");
    }
}

fn missed(template: &Template, found: &mut Findings) {
    let statements = template.statements_about("AWS::SQS::QueuePolicy", "Queues", "MissedQueue");
    for statement in statements.iter().filter(|one| one["Effect"] == "Allow") {
        let source = &statement["Condition"]["ArnEquals"]["aws:SourceArn"];
        let good = points_to(source, "SweepRule") && statement["Action"] == "sqs:SendMessage";
        found.say("MissedQueuePolicy", good, "lets somebody else write");
    }
}
