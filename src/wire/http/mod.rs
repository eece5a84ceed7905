//! What the versions of HTTP have in common: the values of fields.

pub mod cookie;
