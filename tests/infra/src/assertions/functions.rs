//! What the functions are made of and how they are called.

use super::{Assertion, Findings};
use crate::template::{STAGES, Template, points_to, text_of};

/// What `lattice-lambda` reads; what may be absent is not among it.
const ENVIRONMENT: &[&str] = &[
    "LATTICE_BUCKET",
    "LATTICE_JWKS_URL",
    "LATTICE_JWT_AUDIENCE",
    "LATTICE_JWT_ISSUER",
    "LATTICE_JWT_TENANT_CLAIM",
    "LATTICE_KEEP_DAYS",
    "LATTICE_LOG",
    "LATTICE_PROVIDER",
    "LATTICE_QUEUE_URL",
    "LATTICE_SCHEDULE_DEAD_ARN",
    "LATTICE_SCHEDULE_GROUP",
    "LATTICE_SCHEDULE_ROLE_ARN",
    "LATTICE_SECRETS_PREFIX",
    "LATTICE_STAGE",
    "LATTICE_START_ARN",
    "LATTICE_TABLE",
];

/// The longest that Lambda lets a function run, and that an HTTP API waits for one, in seconds.
const TIMEOUT_S_MAX: u64 = 900;
const API_TIMEOUT_S_MAX: u64 = 30;

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "function-runtime",
        says: "a function runs the bootstrap of its own folder on the architecture it was built for",
        look: runtime,
    },
    Assertion {
        name: "function-timeout",
        says: "a function has a time limit that its caller can wait for",
        look: timeout,
    },
    Assertion {
        name: "function-concurrency",
        says: "a function has a concurrency of its own, so that none starves another",
        look: concurrency,
    },
    Assertion {
        name: "function-logs",
        says: "a function logs JSON into a group of this template",
        look: logs,
    },
    Assertion {
        name: "function-environment",
        says: "a function is told everything that it reads, as text",
        look: environment,
    },
    Assertion {
        name: "environment-not-secret",
        says: "no environment holds a secret: only names and places of secrets",
        look: not_secret,
    },
    Assertion {
        name: "function-own-role",
        says: "no two functions share a role",
        look: own_role,
    },
    Assertion {
        name: "function-alias",
        says: "a function has an alias that a new version gets, also when only settings changed",
        look: alias,
    },
    Assertion {
        name: "version-kept",
        says: "the version of before stays, so that a rollback has something to go back to",
        look: version_kept,
    },
    Assertion {
        name: "step-loop",
        says: "steps may hand on to steps for as long as a run goes on",
        look: step_loop,
    },
];

fn runtime(template: &Template, found: &mut Findings) {
    for one in template.functions() {
        let folder = one.name.trim_end_matches("Function").to_lowercase();
        found.check(
            &one,
            one.text("Runtime") == "provided.al2023",
            "runs on another runtime",
        );
        found.check(
            &one,
            one.get("Architectures") == &serde_json::json!(["x86_64"]),
            "has an architecture that its bootstrap was not built for",
        );
        found.check(
            &one,
            one.get("Code")["S3Key"] == folder.as_str(),
            "holds another function's code",
        );
    }
}

fn timeout(template: &Template, found: &mut Findings) {
    let behind_api = |name: &str| {
        let function = format!("{name}Aliaslive");
        template
            .of("AWS::ApiGatewayV2::Integration")
            .any(|one| points_to(one.get("IntegrationUri"), &function))
    };
    for one in template.functions() {
        let limit = if behind_api(one.name) {
            API_TIMEOUT_S_MAX
        } else {
            TIMEOUT_S_MAX
        };
        let seconds = one.get("Timeout").as_u64();
        found.check(
            &one,
            seconds.is_some_and(|seconds| seconds <= limit),
            "has no time limit, or one that nobody waits for",
        );
    }
}

fn concurrency(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::Lambda::Function") {
        for stage in STAGES {
            let number = template.number(one.get("ReservedConcurrentExecutions"), stage);
            found.check(
                &one,
                number.is_some_and(|number| number > 0),
                "has no concurrency of its own",
            );
        }
    }
}

fn logs(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::Lambda::Function") {
        let logging = one.get("LoggingConfig");
        let group = template
            .of("AWS::Logs::LogGroup")
            .any(|group| points_to(&logging["LogGroup"], group.name));
        found.check(&one, logging["LogFormat"] == "JSON", "does not log JSON");
        found.check(&one, group, "logs into a group that keeps for ever");
    }
}

fn environment(template: &Template, found: &mut Findings) {
    for one in template.functions() {
        let variables = &one.get("Environment")["Variables"];
        for name in ENVIRONMENT {
            let text = template.value(&variables[*name], "prod");
            let told = text.is_string() || text.is_object();
            found.check(&one, told, &format!("is not told `{name}` as a text"));
        }
    }
}

fn not_secret(template: &Template, found: &mut Findings) {
    let named = |name: &str| name.ends_with("_SECRET") || name.ends_with("_PREFIX");
    let looks = |name: &str| {
        ["KEY", "TOKEN", "PASSWORD", "SECRET"]
            .iter()
            .any(|word| name.contains(word))
    };
    for one in template.of("AWS::Lambda::Function") {
        let variables = one.get("Environment")["Variables"].as_object();
        for (name, value) in variables.into_iter().flatten() {
            let read = value.to_string().contains("{{resolve:");
            let good = !read && (named(name) || !looks(name));
            found.check(&one, good, &format!("`{name}` would hold a secret"));
        }
    }
}

fn own_role(template: &Template, found: &mut Findings) {
    let functions: Vec<_> = template.of("AWS::Lambda::Function").collect();
    for one in &functions {
        let sharing = functions
            .iter()
            .filter(|other| other.get("Role") == one.get("Role"));
        let own = template
            .roles()
            .any(|role| points_to(one.get("Role"), role.name));
        found.check(one, own && sharing.count() == 1, "has no role of its own");
    }
}

fn alias(template: &Template, found: &mut Findings) {
    for one in template.functions() {
        let of_one = |kind| {
            let mut all = template.of(kind);
            all.find(|other| points_to(other.get("FunctionName"), one.name))
        };
        let live = of_one("AWS::Lambda::Alias").is_some_and(|alias| alias.text("Name") == "live");
        let version = of_one("AWS::Lambda::Version");
        let says = version
            .is_some_and(|version| text_of(version.get("Description")).contains("${Settings}"));
        found.check(&one, live, "has no alias `live`");
        found.check(
            &one,
            says,
            "has a version that does not change with the settings",
        );
    }
}

fn version_kept(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::Lambda::Version") {
        let stays = |policy: &str| one.body[policy] == "Retain";
        let both = stays("DeletionPolicy") && stays("UpdateReplacePolicy");
        found.check(&one, both, "goes when the next one comes");
    }
}

fn step_loop(template: &Template, found: &mut Findings) {
    for one in template
        .functions()
        .filter(|one| one.name == "StepFunction")
    {
        found.check(
            &one,
            one.text("RecursiveLoop") == "Allow",
            "is stopped at the sixteenth step",
        );
    }
}
