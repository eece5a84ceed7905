//! The middle and the ends of a few samples.

pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

pub(crate) fn spread(mut samples: Vec<f64>) -> Spread {
    assert!(!samples.is_empty(), "nothing was measured");
    samples.sort_by(f64::total_cmp);
    Spread { min: samples[0], median: samples[samples.len() / 2], max: samples[samples.len() - 1] }
}
