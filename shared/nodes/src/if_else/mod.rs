//! `ifElse`: one of two ways, by an expression or by a model's judgement.

use crate::branches::{self, BranchSettings};
use crate::choices;
use crate::codes;
use crate::kind::{NodeKind, Opened, Part, Port};
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, fenced};
use lattice_document::PORT_ERROR;
use lattice_ir::{Arm, Choice, OpKind, Test, Way};
use schemars::{JsonSchema, Schema, schema_for};

/// The type.
pub(crate) struct IfElse;

const PORT_TRUE: &str = "true";
const PORT_FALSE: &str = "false";

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// An expression that is true or false. It excludes the other two settings.
    condition: Option<String>,
    /// What a model judges, or what a branch's value is compared with: a template.
    evaluation_target: Option<String>,
    /// Exactly two branches; the second one is taken when the first is not.
    #[schemars(length(min = 2, max = 2))]
    branches: Option<Vec<BranchSettings>>,
}

impl NodeKind for IfElse {
    fn name(&self) -> &'static str {
        "ifElse"
    }

    fn title(&self) -> &'static str {
        "If / else"
    }

    fn summary(&self) -> &'static str {
        "Goes one of two ways, by an expression or by a model's judgement."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let has_branches = fields.raw("branches").is_some();
        let has_target = fields.raw("evaluationTarget").is_some();
        let has_condition = fields.raw("condition").is_some();
        if has_condition && (has_branches || has_target) {
            let text = "`condition` and `evaluationTarget` with `branches` exclude each other";
            let help = "keep `condition` for an expression, or the other two for a judgement";
            let at = fields.at("condition");
            opening.error(codes::CONTRADICTION, &at, text.to_owned(), help);
        }
        let opened = if has_condition || !(has_branches || has_target) {
            let condition = fields.required_text("condition");
            condition.map(|text| open_condition(opening, &fields.at("condition"), text))
        } else {
            branches::open(opening, &mut fields, 2..=2)
        };
        fields.done();
        opened
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        match teller.plain("condition") {
            Some(condition) => Told::new(Need::Choice)
                .say(format!(
                    "Work out whether this is true:\n\n{}",
                    fenced("cel", condition)
                ))
                .way(PORT_TRUE, "it is true")
                .way(PORT_FALSE, "it is not true"),
            None => choices::tell(teller),
        }
    }
}

fn open_condition(opening: &Opening<'_>, pointer: &str, text: String) -> Opened {
    let help = "write an expression such as `in.score > 3`; for a sentence that a model judges, \
                use `evaluationTarget` and two `branches`";
    opening.condition(pointer, &text, help);
    let part = Part::main(move |lowering| {
        let way = |port: &str| Way {
            port: port.to_owned(),
            to: lowering.to(port),
        };
        OpKind::Choice(Choice {
            arms: vec![Arm {
                test: Test::Cel(text.clone()),
                way: way(PORT_TRUE),
            }],
            otherwise: Some(way(PORT_FALSE)),
            on_error: lowering.to_maybe(PORT_ERROR),
            keeps_port: true,
        })
    });
    let ports = vec![
        Port::required(PORT_TRUE),
        Port::required(PORT_FALSE),
        Port::error(),
    ];
    Opened {
        output: branches::port_output(),
        ..Opened::new(ports, vec![part])
    }
}
