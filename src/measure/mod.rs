//! What a measurement means: samples in, statistics, verdicts and reports out.
//!
//! Pure arithmetic: no clock, no file, no randomness; whoever measures brings the samples, and texts
//! such as the name of the machine. A figure that is not defined (the spread of one sample) is
//! `None`, never a zero that looks like one.

pub mod bare;
pub mod compare;
pub mod machine;
pub mod report;
pub mod stats;
mod student;
pub mod tier;

pub use bare::Bare;
pub use compare::{Comparison, Verdict, compare};
pub use report::{Baseline, Part, Report, Row, Unit};
pub use stats::Summary;
pub use tier::{Target, Tier};
