//! A cost beside the least it could be: the same thing with nothing around it, measured in the same run.

use super::Summary;

/// The bare cost of what a bench does.
#[derive(Debug, Clone, PartialEq)]
pub struct Bare {
    /// What it does, in a few words.
    pub about: &'static str,
    /// Its samples, in the unit of the bench; each was taken right after one of the bench.
    pub samples: Vec<f64>,
    /// What they come to.
    pub summary: Summary,
    /// What the samples of the bench are, times these. What the machine does meanwhile hits both of a pair.
    pub ratio: Summary,
}

impl Bare {
    /// `samples` beside those of the bench; `None` without any, or if something cost nothing.
    pub fn of(about: &'static str, samples: Vec<f64>, bench: &[f64]) -> Option<Self> {
        let is_positive = samples.iter().all(|sample| *sample > 0.0);
        let ratios: Vec<f64> = bench.iter().zip(&samples).map(|(cost, bare)| cost / bare).collect();
        let (summary, ratio) = (Summary::of(&samples)?, Summary::of(&ratios).filter(|_| is_positive)?);
        Some(Self { about, samples, summary, ratio })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sample_is_divided_by_its_own_neighbour() {
        // A machine that became three times slower in the middle.
        let bare = Bare::of("a write", vec![100.0, 100.0, 300.0], &[110.0, 120.0, 330.0]).expect("samples");
        assert_eq!((bare.summary.p50, bare.ratio.count), (100.0, 3));
        assert!((bare.ratio.p50 - 1.1).abs() < 1e-12 && (bare.ratio.max - 1.2).abs() < 1e-12, "{:?}", bare.ratio);
    }

    #[test]
    fn beside_nothing_there_is_no_ratio() {
        assert_eq!(Bare::of("", Vec::new(), &[]), None);
    }
}
