//! The slices: each a folder that can be deleted with its line in `node.rs`. None knows another.

pub mod control;
pub mod echo;
pub mod files;
pub mod identity;
pub mod npm;
pub mod ping;
