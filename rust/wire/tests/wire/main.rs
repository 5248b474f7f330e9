//! The decoder through its public face.

mod bad_input;
mod properties;
mod support;
