//! Exports.

use lattice_model::NodeId;
use schemars::JsonSchema;
use serde::Serialize;

answers! {
    /// A workflow as the files of a coding agent.
    ExportAnswer {
        /// The coding agent.
        target: String,
        /// The files: all of them, by their paths.
        files: Vec<ExportFile>,
        /// What the coding agent does not do as the workflow does it.
        warnings: Vec<ExportWarning>,
        /// What to type in the project's folder to start the workflow there.
        launch: String,
    }
    /// A file of an export.
    ExportFile {
        /// Where it belongs, below the project's folder, with `/` between the parts.
        path: String,
        /// What stands in it.
        text: String,
    }
    /// Something that the coding agent does not do as the workflow does it.
    ExportWarning {
        /// The node it is about, if it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        /// What is lost.
        lost: String,
        /// What to do about it.
        help: String,
        /// Where it is documented.
        link: String,
    }
}
