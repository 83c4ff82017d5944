//! What can be wrong with a schedule, and what to write instead.

use lattice_model::limits::SCHEDULE_BYTES_MAX;

/// Why a text is no schedule. `help` says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The text is too long.
    #[error("the expression has {bytes} bytes, the limit is {SCHEDULE_BYTES_MAX}")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// The text is none of the forms.
    #[error("`{text}` is no schedule")]
    Form {
        /// The text.
        text: String,
        /// What to write.
        help: String,
    },
    /// A field cannot be read.
    #[error("the field `{field}`: {reason}")]
    Field {
        /// The field, by the name that the documentation of EventBridge gives it.
        field: &'static str,
        /// What is wrong.
        reason: String,
        /// What to write.
        help: String,
    },
    /// A time zone that nobody knows.
    #[error("the time zone `{zone}` is not known")]
    Zone {
        /// What was given.
        zone: String,
    },
    /// No moment fits.
    #[error("`{expression}` never fires")]
    Never {
        /// The expression.
        expression: String,
        /// Why.
        help: String,
    },
    /// The last moment that fits has passed.
    #[error("`{expression}` fires no more: its last moment has passed")]
    Over {
        /// The expression.
        expression: String,
    },
}

impl ScheduleError {
    pub(crate) fn field(
        field: &'static str,
        reason: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Field {
            field,
            reason: reason.into(),
            help: help.into(),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &str {
        match self {
            Self::TooLong { .. } => "write several schedules instead of one",
            Self::Form { help, .. } | Self::Field { help, .. } | Self::Never { help, .. } => help,
            Self::Zone { .. } => {
                "name a time zone of the IANA list, such as `Europe/Berlin` or `UTC`"
            }
            Self::Over { .. } => "give a moment that is still to come, or remove the schedule",
        }
    }
}
