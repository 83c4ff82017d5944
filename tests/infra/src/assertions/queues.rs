//! The queues, and the mapping that feeds the steps.

use super::{Assertion, Findings};
use crate::template::{Resource, STAGES, Template, denies_plain, points_to};
use lattice_model::limits;

/// Lambda's own advice for a queue that a function takes from.
const VISIBILITY_TIMES: u64 = 6;
/// What a mapping takes at least and at most.
const CONCURRENCY_MIN: u64 = 2;
const CONCURRENCY_MAX: u64 = 1_000;
const BATCH_MAX: u64 = 10;

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "queue-visibility",
        says: "a message stays hidden for six times the time limit of the function that has it",
        look: visibility,
    },
    Assertion {
        name: "queue-dead-letter",
        says: "a queue that a function takes from gives up a message after as many tries as the driver counts on",
        look: dead_letter,
    },
    Assertion {
        name: "dead-letter-retention",
        says: "what was given up is kept for two weeks, and not shorter than where it comes from",
        look: retention,
    },
    Assertion {
        name: "queue-tls",
        says: "a queue refuses what comes without TLS",
        look: tls,
    },
    Assertion {
        name: "queue-encrypted",
        says: "a queue is encrypted with the stack's key",
        look: encrypted,
    },
    Assertion {
        name: "mapping-partial-failures",
        says: "one bad message does not bring the rest of its batch back",
        look: partial_failures,
    },
    Assertion {
        name: "mapping-concurrency",
        says: "the mapping takes no more at once than the function may serve, and at least what AWS allows",
        look: concurrency,
    },
    Assertion {
        name: "mapping-batch",
        says: "the mapping hands over small batches at once",
        look: batch,
    },
];

/// Each mapping with its queue and its function.
fn mappings(
    template: &Template,
) -> Vec<(Resource<'_>, Option<Resource<'_>>, Option<Resource<'_>>)> {
    let all = template.of("AWS::Lambda::EventSourceMapping");
    all.map(|one| {
        let queue = template
            .of("AWS::SQS::Queue")
            .find(|queue| points_to(one.get("EventSourceArn"), queue.name));
        let function = template.functions().find(|function| {
            points_to(
                one.get("FunctionName"),
                &format!("{}Aliaslive", function.name),
            )
        });
        (one, queue, function)
    })
    .collect()
}

fn visibility(template: &Template, found: &mut Findings) {
    for (one, queue, function) in mappings(template) {
        let hidden = queue.and_then(|queue| queue.get("VisibilityTimeout").as_u64());
        let limit = function.and_then(|function| function.get("Timeout").as_u64());
        let good = hidden
            .zip(limit)
            .is_some_and(|(hidden, limit)| hidden >= VISIBILITY_TIMES * limit);
        found.check(
            &one,
            good,
            "takes messages that come back while they are served",
        );
    }
}

fn dead_letter(template: &Template, found: &mut Findings) {
    for (one, queue, _) in mappings(template) {
        let redrive = queue.map(|queue| queue.get("RedrivePolicy"));
        let times = redrive.and_then(|redrive| redrive["maxReceiveCount"].as_u64());
        let dead = redrive.is_some_and(|redrive| {
            let mut queues = template.of("AWS::SQS::Queue");
            queues.any(|queue| points_to(&redrive["deadLetterTargetArn"], queue.name))
        });
        found.check(&one, dead, "takes from a queue that never gives up");
        found.check(
            &one,
            times == Some(u64::from(limits::QUEUE_RECEIVES_MAX)),
            "takes from a queue that gives up after another number of tries",
        );
    }
}

fn retention(template: &Template, found: &mut Findings) {
    let longest = template
        .of("AWS::SQS::Queue")
        .filter_map(|one| one.get("MessageRetentionPeriod").as_u64())
        .max();
    for one in template.of("AWS::SQS::Queue") {
        let kept = one.get("MessageRetentionPeriod").as_u64();
        found.check(
            &one,
            kept == longest && kept >= Some(1_209_600),
            "forgets too early",
        );
    }
}

fn tls(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::SQS::Queue") {
        let statements = template.statements_about("AWS::SQS::QueuePolicy", "Queues", one.name);
        let denied = statements
            .iter()
            .any(|one| denies_plain(one) && one["Action"] == "sqs:*");
        found.check(&one, denied, "takes what comes without TLS");
    }
}

fn encrypted(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::SQS::Queue") {
        found.check(
            &one,
            points_to(one.get("KmsMasterKeyId"), "Key"),
            "is not encrypted with the stack's key",
        );
    }
}

fn partial_failures(template: &Template, found: &mut Findings) {
    for (one, ..) in mappings(template) {
        let good = one
            .list("FunctionResponseTypes")
            .iter()
            .any(|kind| kind == "ReportBatchItemFailures");
        found.check(&one, good, "takes a bad message for a bad batch");
    }
}

fn concurrency(template: &Template, found: &mut Findings) {
    for (one, _, function) in mappings(template) {
        for stage in STAGES {
            let most = template.number(&one.get("ScalingConfig")["MaximumConcurrency"], stage);
            let reserved = function.and_then(|function| {
                template.number(function.get("ReservedConcurrentExecutions"), stage)
            });
            let good = most.zip(reserved).is_some_and(|(most, reserved)| {
                (CONCURRENCY_MIN..=CONCURRENCY_MAX).contains(&most) && most < reserved
            });
            found.check(&one, good, &format!("cannot be served in {stage}"));
        }
    }
}

fn batch(template: &Template, found: &mut Findings) {
    for (one, ..) in mappings(template) {
        let size = one.get("BatchSize").as_u64();
        let good = size.is_some_and(|size| (1..=BATCH_MAX).contains(&size));
        found.check(&one, good, "hands over batches of another size");
        found.check(
            &one,
            one.get("MaximumBatchingWindowInSeconds") == 0,
            "lets steps wait for company",
        );
    }
}
