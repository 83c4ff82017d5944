// Says in one short sentence what an event means. The keys are all event types that are known:
// a stream names each frame by its type, so a reader has to ask for every one of them.
import { clock, duration, oneLine, preview } from "/assets/dom.js";

const failure = (f) => oneLine(`${f.kind.replaceAll("_", " ")}: ${f.message}`);
const tokens = (usage) => `${usage.inputTokens + usage.outputTokens} tokens`;
const again = (attempt) => (attempt > 1 ? `, attempt ${attempt}` : "");

function signal({ node, value, outcome }) {
  const said = `answer to ${node}: ${preview(value)}`;
  if (outcome.kind === "accepted") return said;
  return outcome.kind === "buffered" ? `${said} (kept until it is asked)` : `${said} (refused: ${outcome.reason})`;
}

function done({ stage, port, output }) {
  const way = port && port !== "out" ? ` → ${port}` : "";
  const gave = output && output.inline !== port ? `: ${preview(output)}` : "";
  return `${stage} is done${way}${gave}`;
}

export const WORDS = {
  "run.queued": (p) => `${p.name} was queued; it begins at ${p.entry.stage}`,
  "run.started": () => "a worker took the run up",
  "run.waiting": () => "nothing to do before an answer or a timer",
  "run.resumed": () => "there is something to do again",
  "run.completed": (p) => `the run completed: ${preview(p.output)}`,
  "run.failed": (p) => `the run failed${p.node ? ` at ${p.node}` : ""}, ${failure(p.failure)}`,
  "run.cancelled": () => "the run was cancelled",
  "run.forked": (p) => `the run goes on from event ${p.seq} of another one`,
  "cancel.requested": (p) => `somebody asked for the end${p.reason ? `: ${oneLine(p.reason)}` : ""}`,
  "stage.started": (p) => `${p.stage} began${again(p.attempt)}`,
  "stage.completed": done,
  "stage.failed": (p) => `${p.stage} failed, ${failure(p.failure)}${p.next ? `; ${p.next.stage} catches it` : ""}`,
  "stage.retrying": (p) => `${p.stage} tries again at ${clock(p.dueAt)}; attempt ${p.attempt} failed, ${failure(p.failure)}`,
  "stage.skipped": (p) => `${p.stage} is left out: ${p.reason}`,
  "stage.held": (p) => `${p.stage} waits: it needs ${p.needed} tokens of the budget, and others have reserved what is left`,
  "llm.step.started": (p) => `${p.stage} asked the model ${p.model}${again(p.attempt)}`,
  "llm.step.completed": (p) => `${p.model} answered ${p.stage} in ${duration(p.latencyMs)}, ${tokens(p.usage)}`,
  "llm.step.failed": (p) => `the model did not answer ${p.stage}, ${failure(p.failure)}`,
  "wait.opened": (p) => (p.question ? `${p.node} asks: ${oneLine(p.question.text)}` : `${p.node} waits`),
  "timer.set": (p) => `${p.stage} has time until ${clock(p.dueAt)}`,
  "timer.fired": (p) => `the time of ${p.stage} is up`,
  "signal.received": signal,
  "variable.set": (p) => (p.value ? `${p.name} is now ${preview(p.value)}` : `${p.name} was removed`),
  "branch.started": (p) => `branch ${p.index} of ${p.split} begins at ${p.entry.stage}`,
  "branch.ended": (p) => (p.outcome.kind === "completed" ? `${p.branch} is over: ${preview(p.outcome.output)}` : `${p.branch} failed, ${failure(p.outcome.failure)}`),
  "run.forked": (p) => `forked from ${p.from.run} at seq ${p.from.seq}`,
  "map.started": (p) => `${p.node} begins its ${p.count} items${p.runs ? `, in runs of ${p.pace.batchSize}` : ""}`,
  "child.started": (p) => `${p.node} calls ${p.workflow} as ${p.child}`,
  "child.ended": (p) => (p.outcome.kind === "completed" ? `${p.child} is over: ${preview(p.outcome.output)}` : p.outcome.kind === "failed" ? `${p.child} failed, ${failure(p.outcome.failure)}` : `${p.child} was cancelled`),
  "join.fired": (p) => `${p.stage} is decided: ${p.counted.length} count${p.counted.length === 1 ? "s" : ""}${p.skipped.length ? `, ${p.skipped.length} left out` : ""}`,
  "trace.breadcrumb": (p) => `noted for the record: ${p.kind}${p.stage ? ` at ${p.stage}` : ""}`,
};

const ENDS = ["run.completed", "run.failed", "run.cancelled"];
export const isEnd = (event) => ENDS.includes(event.type);

// A newer server may know more types: such an event is shown by its type alone.
export const say = (event) => WORDS[event.type]?.(event.payload) ?? "";

export function tone(type) {
  if (/failed|retrying|cancel/.test(type)) return "bad";
  if (/wait|signal|timer/.test(type)) return "ask";
  return type.endsWith("completed") ? "good" : "";
}
