//! The 13 bytes.
