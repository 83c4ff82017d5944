//! teeth
