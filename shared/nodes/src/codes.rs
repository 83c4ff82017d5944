//! Every problem code of the node types. Each has its page in `docs/problems/`.

use lattice_document::Code;

/// A setting that the type does not have.
pub const UNKNOWN_SETTING: Code = Code::new("LAT-N001", "a setting is not known");
/// A setting that must be there is not.
pub const MISSING_SETTING: Code = Code::new("LAT-N002", "a setting is missing");
/// A setting holds another type of value than it must.
pub const WRONG_TYPE: Code = Code::new("LAT-N003", "a setting has the wrong type");
/// A number, a text or a list is outside its limits.
pub const OUT_OF_RANGE: Code = Code::new("LAT-N004", "a setting is out of range");
/// Settings that exclude each other, or one that has no effect beside another.
pub const CONTRADICTION: Code = Code::new("LAT-N005", "settings do not go together");
/// A template that cannot be read.
pub const BAD_TEMPLATE: Code = Code::new("LAT-N006", "a template cannot be read");
/// A condition that cannot be read.
pub const BAD_CONDITION: Code = Code::new("LAT-N007", "a condition cannot be read");
/// A JMESPath or JSONPath query that cannot be read.
pub const BAD_QUERY: Code = Code::new("LAT-N008", "a query cannot be read");
/// A JSON Schema that cannot be used.
pub const BAD_SCHEMA: Code = Code::new("LAT-N009", "a JSON Schema cannot be used");
/// Two options or branches with one label.
pub const SAME_LABEL: Code = Code::new("LAT-N010", "a label is used twice");
/// A text that is no moment.
pub const BAD_MOMENT: Code = Code::new("LAT-N011", "a moment cannot be read");
/// A node type, or a value of a setting, that a later release brings.
pub const NOT_YET: Code = Code::new("LAT-N012", "not supported yet");
/// A node type that the catalogue does not have.
pub const UNKNOWN_TYPE: Code = Code::new("LAT-N013", "the node type is not known");
/// A node type that only older documents use.
pub const OLDER_TYPE: Code = Code::new("LAT-N014", "an older node type");
/// A schedule's expression or time zone that cannot be read, or that never fires.
pub const BAD_SCHEDULE: Code = Code::new("LAT-N015", "a schedule cannot be read");
/// A setting that must name a secret does not.
pub const NO_SECRET: Code = Code::new("LAT-N016", "a secret is not named");

/// Code in a language that is not run.
pub const OTHER_LANGUAGE: Code = Code::new("LAT-N017", "code in this language cannot be run");

/// All codes of the node types.
pub const ALL: &[Code] = &[
    UNKNOWN_SETTING,
    MISSING_SETTING,
    WRONG_TYPE,
    OUT_OF_RANGE,
    CONTRADICTION,
    BAD_TEMPLATE,
    BAD_CONDITION,
    BAD_QUERY,
    BAD_SCHEMA,
    SAME_LABEL,
    BAD_MOMENT,
    NOT_YET,
    UNKNOWN_TYPE,
    OLDER_TYPE,
    BAD_SCHEDULE,
    NO_SECRET,
    OTHER_LANGUAGE,
];
