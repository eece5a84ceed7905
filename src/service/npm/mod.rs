//! The npm registry.

pub mod answer;
pub mod archive;
pub mod base64;
pub mod document;
pub mod manifest;
pub mod name;
pub mod publish;
pub mod scan;
pub mod settings;
pub mod version;
