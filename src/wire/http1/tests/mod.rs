//! Every refusal by name, every limit at, below and above it, every cut.

mod body;
mod head;
mod refusals;
mod scan;
