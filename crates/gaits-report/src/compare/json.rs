//! The comparison for programs.
