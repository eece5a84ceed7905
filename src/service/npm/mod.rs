//! The npm registry: requests of package managers in, documents, tarballs and changes out.
//!
//! ```text
//! read:   path ─▶ this thread's cache (threaded) ─▶ access ─▶ negotiate ─▶ rendered bytes or 304
//!                        │ miss
//!                        ▼
//!                 a job: the process's cache (rendered) ─▶ the store ─▶ packument
//! write:  path ─▶ access ─▶ sink ─▶ publish, or metadata: one URL, four meanings ─▶ the store
//! ```
//!
//! Invariants: who may not is told so before a body is read and before anything is looked up; a
//! client that was told that its change is done sees it on every thread; a name or file from a
//! client never becomes a path; no token or password is ever repeated in an answer.

pub mod access;
pub mod answer;
pub mod archive;
pub mod base64;
mod collect;
pub mod document;
pub mod manifest;
mod metadata;
pub mod name;
mod negotiate;
mod packument;
pub mod publish;
mod rendered;
mod routes;
pub mod scan;
mod search;
mod sent;
mod service;
pub mod settings;
mod shared;
mod tarball;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod threaded;
mod users;
pub mod version;
mod write;
mod written;

pub use service::Npm;
pub use shared::Shared;
