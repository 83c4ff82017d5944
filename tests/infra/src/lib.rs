//! The deployed form: assertions over the expanded template.
