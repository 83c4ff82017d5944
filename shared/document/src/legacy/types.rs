//! Every type name that an older document may have, with the function that turns its settings
//! into ours. A name that is not in the list stays as it is, and the compiler reports it.

use crate::legacy::ports::Ports;
use crate::legacy::work::Work;
use crate::legacy::{branches, data, models, people, triggers};
use serde_json::Value;

/// Turns the settings of a node into ours.
type Convert = fn(&mut Work<'_>);

/// The catalogue first, then `subAgentFlow`, then the oldest names.
const TYPES: &[(&str, Convert)] = &[
    ("start", start),
    ("end", end),
    ("prompt", models::prompt),
    ("subAgent", models::sub_agent),
    ("askUserQuestion", people::ask_user_question),
    ("ifElse", branches::if_else),
    ("switch", branches::switch),
    ("branch", branches::branch),
    ("skill", models::skill),
    ("mcp", one_port),
    ("flow", flow),
    ("parallel", verbatim),
    ("httpRequest", one_port),
    ("dataTransform", data::data_transform),
    ("delay", data::delay),
    ("webhookTrigger", triggers::webhook_trigger),
    ("scheduleTrigger", triggers::schedule_trigger),
    ("variableStore", data::variable_store),
    ("codeExecutor", one_port),
    ("batchIterator", data::batch_iterator),
    ("group", drawing),
    ("note", drawing),
    ("subAgentFlow", sub_agent_flow),
    ("llmCall", models::llm_call),
    ("promptTemplate", models::prompt_template),
    ("systemInstruction", models::system_instruction),
    ("fewShotBank", models::few_shot_bank),
    ("textResponse", models::text_response),
    ("fileReader", models::file_reader),
    ("fileWriter", models::file_writer),
    ("conditionalBranch", branches::conditional_branch),
    ("errorHandler", branches::error_handler),
    ("switchCase", branches::switch_case),
    ("humanInTheLoopGate", people::human_in_the_loop_gate),
    ("inputForm", people::input_form),
    ("apiCall", data::api_call),
    ("jsonCsvParse", data::json_csv_parse),
    ("webhookPush", data::webhook_push),
    ("loop", data::counted_loop),
];

/// Converts a node.
pub(crate) fn convert(work: &mut Work<'_>) {
    let known = TYPES.iter().find(|(name, _)| *name == work.kind);
    known.map_or(verbatim as Convert, |(_, convert)| *convert)(work);
}

fn verbatim(work: &mut Work<'_>) {
    work.ports = Ports::AsDrawn;
    work.carry_rest();
}

fn one_port(work: &mut Work<'_>) {
    work.carry_rest();
}

fn start(work: &mut Work<'_>) {
    let schema = work.take(&["inputSchema", "schema"]);
    match schema {
        Some(Value::Object(schema)) => {
            work.change("the input schema of the start is now `input` of the workflow");
            work.input = Some(Value::Object(schema));
        }
        Some(other) => {
            work.data.insert("inputSchema".to_owned(), other);
        }
        None => {}
    }
}

fn end(work: &mut Work<'_>) {
    work.carry(&["output", "outputMapping"], "output");
}

fn drawing(work: &mut Work<'_>) {
    // Drawing aids are read by nobody: their text is no template.
    if let Some(text) = work.take(&["text", "content"]) {
        work.put("text", text);
    }
}

fn sub_agent_flow(work: &mut Work<'_>) {
    work.become_type("flow");
    flow(work);
}

fn flow(work: &mut Work<'_>) {
    if let Some(id) = work.take(&["subAgentFlowId", "flowId"]) {
        work.put("flowId", id);
    }
    work.carry(&["inputMapping"], "inputMapping");
}
