//! Every problem code of the compiler. Each has its page in `docs/problems/`.

use lattice_document::Code;

/// No node of type `start` and no trigger.
pub const NO_START: Code = Code::new("LAT-C001", "there is nothing to begin at");
/// More than one node of type `start`.
pub const MANY_STARTS: Code = Code::new("LAT-C002", "there are several starts");
/// No node of type `end`.
pub const NO_END: Code = Code::new("LAT-C003", "there is no end");
/// A node's id is also the name of a part of another node.
pub const NAME_TAKEN: Code = Code::new("LAT-C004", "a node has the name of another node's part");
/// An edge from or to a node that does not exist.
pub const DANGLING_EDGE: Code = Code::new("LAT-C005", "an edge hangs in the air");
/// An edge from or to a port that the node does not have.
pub const UNKNOWN_PORT: Code = Code::new("LAT-C006", "a port is not known");
/// An edge to or from a node that takes none there.
pub const NO_EDGES_HERE: Code = Code::new("LAT-C007", "an edge where none can be");
/// A node that no path from where runs begin leads to.
pub const UNREACHABLE: Code = Code::new("LAT-C008", "a node is never reached");
/// A port that needs an edge and has none.
pub const DEAD_END: Code = Code::new("LAT-C009", "a path ends without an end");
/// Several edges from one port.
pub const TWO_WAYS: Code = Code::new("LAT-C010", "several edges leave one port");
/// A way back to an earlier node that nothing bounds.
pub const CYCLE: Code = Code::new("LAT-C011", "a loop has no ceiling");
/// A variable that nothing declares or sets.
pub const UNDEFINED_VARIABLE: Code = Code::new("LAT-C012", "a variable is not defined");
/// A variable that is not set on every path.
pub const UNSET_VARIABLE: Code = Code::new("LAT-C013", "a variable may be unset");
/// The output of a node that does not exist.
pub const UNKNOWN_NODE: Code = Code::new("LAT-C014", "a node is not known");
/// The output of a node that gives none.
pub const NO_OUTPUT: Code = Code::new("LAT-C015", "a node gives no output");
/// The output of a node that does not run on every path.
pub const UNSET_OUTPUT: Code = Code::new("LAT-C016", "an output may be unset");
/// A field of the input that its schema does not have.
pub const UNKNOWN_INPUT: Code = Code::new("LAT-C017", "a field of the input is not known");
/// A part of an output that its schema does not have.
pub const UNKNOWN_PART: Code = Code::new("LAT-C018", "a part of an output is not known");
/// A secret in a text whose value is stored.
pub const SECRET_READ: Code = Code::new("LAT-C019", "a secret is used outside an effect");
/// `item` or `index` outside a map.
pub const OUTSIDE_MAP: Code = Code::new("LAT-C020", "an item is used outside a map");
/// A fact of the run that does not exist.
pub const UNKNOWN_FACT: Code = Code::new("LAT-C021", "a fact of the run is not known");
/// A secret written into the document.
pub const LITERAL_SECRET: Code = Code::new("LAT-C022", "a secret stands in the document");
/// A node that works on what came before it, where that is not certain.
pub const NO_INPUT: Code = Code::new("LAT-C023", "a node has nothing to work on");
/// A parent that is no group.
pub const BAD_PARENT: Code = Code::new("LAT-C024", "a parent is not a group");
/// The schema of the input cannot be used.
pub const BAD_INPUT_SCHEMA: Code = Code::new("LAT-C025", "the schema of the input cannot be used");
/// A wait that is longer than the run may live.
pub const LONG_WAIT: Code = Code::new("LAT-C026", "a wait outlives the run");
/// The Program does not verify: a defect of the compiler.
pub const DEFECT: Code = Code::new("LAT-C027", "the compiler made a program that is not valid");
/// More triggers than one workflow may have.
pub const MANY_TRIGGERS: Code = Code::new("LAT-C028", "there are too many triggers");
/// A variable that several branches change, without a word on what becomes of it.
pub const RACE: Code = Code::new("LAT-C029", "branches race for a variable");
/// Branches that do not all meet at one node.
pub const HALF_JOIN: Code = Code::new("LAT-C030", "branches do not meet");
/// An end inside a branch.
pub const END_IN_BRANCH: Code = Code::new("LAT-C031", "a branch ends the run");
/// More open at once than one commit can end.
pub const MANY_OPEN: Code = Code::new("LAT-C032", "too much happens at once");
/// A loop that does not stay in one branch, or that has a split inside.
pub const LOOP_AROUND: Code = Code::new("LAT-C033", "a loop leads around branches");
/// A workflow that is called and not stored.
pub const UNKNOWN_FLOW: Code = Code::new("LAT-C034", "a workflow is not known");
/// Workflows that call each other.
pub const FLOW_CIRCLE: Code = Code::new("LAT-C035", "workflows call each other in a circle");
/// Workflows that call each other too deep.
pub const DEEP_FLOW: Code = Code::new("LAT-C036", "workflows stand too deep in each other");
/// The body of a map is left or entered past the map, or stands in the body of another one.
pub const LEAKY_BODY: Code = Code::new("LAT-C037", "the body of a map has a way around the map");
/// A map with which nothing, or two different things, would be done.
pub const NO_BODY: Code = Code::new("LAT-C038", "a map has no body, or two");
/// A variable that is written for one item and forgotten.
pub const FORGOTTEN: Code = Code::new("LAT-C039", "what an item writes is forgotten");
/// The key of a limit on open runs cannot be made of the input.
pub const BAD_LIMIT_KEY: Code = Code::new("LAT-C040", "the key of a limit cannot be used");
/// A variable is declared or set, and nothing reads it.
pub const UNUSED_VARIABLE: Code = Code::new("LAT-C041", "a variable is never read");
/// A node that only gives an output, which nothing reads.
pub const UNUSED_OUTPUT: Code = Code::new("LAT-C042", "an output is never read");
/// A branch that no value leads to.
pub const NEVER_TAKEN: Code = Code::new("LAT-C043", "a branch is never taken");
/// A part of an answer is read, and nothing says that the answer has parts.
pub const NO_SCHEMA: Code = Code::new("LAT-C044", "an answer is used as data and has no schema");
/// A sub-agent may use a tool of a server that is not there.
pub const UNKNOWN_TOOL: Code = Code::new("LAT-C045", "no server offers a tool");

/// All codes of the compiler.
pub const ALL: &[Code] = &[
    NO_START,
    MANY_STARTS,
    NO_END,
    NAME_TAKEN,
    DANGLING_EDGE,
    UNKNOWN_PORT,
    NO_EDGES_HERE,
    UNREACHABLE,
    DEAD_END,
    TWO_WAYS,
    CYCLE,
    UNDEFINED_VARIABLE,
    UNSET_VARIABLE,
    UNKNOWN_NODE,
    NO_OUTPUT,
    UNSET_OUTPUT,
    UNKNOWN_INPUT,
    UNKNOWN_PART,
    SECRET_READ,
    OUTSIDE_MAP,
    UNKNOWN_FACT,
    LITERAL_SECRET,
    NO_INPUT,
    BAD_PARENT,
    BAD_INPUT_SCHEMA,
    LONG_WAIT,
    DEFECT,
    MANY_TRIGGERS,
    RACE,
    HALF_JOIN,
    END_IN_BRANCH,
    MANY_OPEN,
    LOOP_AROUND,
    UNKNOWN_FLOW,
    FLOW_CIRCLE,
    DEEP_FLOW,
    LEAKY_BODY,
    NO_BODY,
    FORGOTTEN,
    BAD_LIMIT_KEY,
    UNUSED_VARIABLE,
    UNUSED_OUTPUT,
    NEVER_TAKEN,
    NO_SCHEMA,
    UNKNOWN_TOOL,
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn the_list_is_dense_and_in_order() {
        for (place, code) in ALL.iter().enumerate() {
            assert_eq!(code.id(), format!("LAT-C{:03}", place + 1));
        }
    }
}
