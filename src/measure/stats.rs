//! The middle, the ends and the spread of samples.
//!
//! | samples | defined |
//! |---|---|
//! | 0 | nothing: there is no [`Summary`] |
//! | 1 | all but the figures of spread: each percentile is the sample |
//! | 2 and more | everything; `variation` only where the mean is not zero |
//!
//! Percentiles are interpolated between the two nearest ranks, so the median of an even number of
//! samples is the middle of the middle two. The spread is that of a sample (divided by n − 1).
//! No sample can be further than (n − 1)/√n deviations from the mean, so up to ten samples have no
//! outlier by the rule of three deviations.

use super::student::critical_95;

/// How many standard deviations from the mean make an outlier, if exceeded.
const OUTLIER_Z: f64 = 3.0;

/// What samples come to, in their own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How many there are.
    pub count: usize,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
    /// The standard deviation.
    pub stddev: Option<f64>,
    /// The coefficient of variation: standard deviation by mean.
    pub variation: Option<f64>,
    /// Half the width of the 95 % confidence interval of the mean, by Student's t.
    pub margin: Option<f64>,
    /// Samples more than three standard deviations from the mean, in the order they were taken.
    pub outliers: Vec<f64>,
}

impl Summary {
    /// Sums up finite samples; `None` if there are none.
    ///
    /// # Panics
    /// On a sample that is infinite or not a number: a mistake of whoever measured.
    pub fn of(samples: &[f64]) -> Option<Self> {
        assert!(samples.iter().all(|sample| sample.is_finite()), "a sample is a finite number");
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let count = samples.len();
        let mean = mean(samples)?;
        let stddev = variance(samples).map(f64::sqrt);
        let margin = stddev.map(|stddev| critical_95((count - 1) as f64) * stddev / (count as f64).sqrt());
        Some(Self {
            count,
            min,
            max,
            mean,
            p50: percentile(&sorted, 0.5),
            p95: percentile(&sorted, 0.95),
            p99: percentile(&sorted, 0.99),
            p999: percentile(&sorted, 0.999),
            stddev,
            variation: stddev.filter(|_| mean != 0.0).map(|stddev| stddev / mean.abs()),
            margin,
            outliers: stddev.map_or(Vec::new(), |stddev| outliers(samples, mean, stddev)),
        })
    }
}

/// The arithmetic mean; `None` of nothing.
pub(crate) fn mean(samples: &[f64]) -> Option<f64> {
    (!samples.is_empty()).then(|| samples.iter().sum::<f64>() / samples.len() as f64)
}

/// The variance of a sample; `None` of fewer than two.
pub(crate) fn variance(samples: &[f64]) -> Option<f64> {
    let mean = mean(samples).filter(|_| samples.len() > 1)?;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    Some(squares / (samples.len() - 1) as f64)
}

/// `sorted` is not empty and `part` is from 0 to 1.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * part;
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

fn outliers(samples: &[f64], mean: f64, stddev: f64) -> Vec<f64> {
    samples.iter().copied().filter(|sample| (sample - mean).abs() > OUTLIER_Z * stddev).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reference values are Python's: `statistics` for the spread, mpmath for the quantile of t.
    const SEVEN: [f64; 7] = [12.0, 15.0, 11.0, 14.0, 13.0, 19.0, 10.0];

    #[track_caller]
    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{value}, not {expected}");
    }

    #[test]
    fn seven_samples_are_summed_up_as_python_does() {
        let summary = Summary::of(&SEVEN).expect("there are samples");
        assert_eq!((summary.count, summary.min, summary.max), (7, 10.0, 19.0));
        close(summary.mean, 13.428571428571429);
        close(summary.stddev.unwrap(), 2.9920529661723827);
        close(summary.variation.unwrap(), 0.22281245492773064);
        close(summary.margin.unwrap(), 2.76718746450691);
        close(summary.p50, 13.0);
        close(summary.p95, 17.8);
        close(summary.p99, 18.76);
        close(summary.p999, 18.976);
        assert!(summary.outliers.is_empty());
    }

    #[test]
    fn nothing_has_no_summary() {
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn one_sample_has_a_middle_and_no_spread() {
        let summary = Summary::of(&[7.5]).expect("there is a sample");
        assert_eq!((summary.count, summary.min, summary.max, summary.mean), (1, 7.5, 7.5, 7.5));
        assert_eq!([summary.p50, summary.p95, summary.p99, summary.p999], [7.5; 4]);
        assert_eq!((summary.stddev, summary.variation, summary.margin), (None, None, None));
        assert!(summary.outliers.is_empty());
    }

    #[test]
    fn two_samples_have_a_wide_interval() {
        let summary = Summary::of(&[3.0, 5.0]).expect("there are samples");
        assert_eq!((summary.mean, summary.p50), (4.0, 4.0));
        close(summary.p95, 4.9);
        close(summary.p999, 4.998);
        close(summary.stddev.unwrap(), 2.0_f64.sqrt());
        close(summary.variation.unwrap(), 0.3535533905932738);
        close(summary.margin.unwrap(), 12.7062047361747);
    }

    #[test]
    fn a_mean_of_zero_has_no_variation() {
        let summary = Summary::of(&[-1.0, 1.0]).expect("there are samples");
        assert_eq!((summary.mean, summary.variation), (0.0, None));
        assert!(summary.stddev.is_some());
    }

    #[test]
    fn an_outlier_is_more_than_three_deviations_away() {
        // Eleven samples, ten of them alike: the other is (n − 1)/√n = 3.015 deviations away.
        let mut samples = [1.0; 11];
        samples[4] = 2.0;
        assert_eq!(Summary::of(&samples).expect("samples").outliers, [2.0]);
        // Of ten it is 2.846, however far it stands out.
        samples[4] = 1e9;
        assert!(Summary::of(&samples[..10]).expect("samples").outliers.is_empty());
        assert!(Summary::of(&[1.0; 50]).expect("samples").outliers.is_empty());
    }

    #[test]
    #[should_panic(expected = "finite")]
    fn what_is_no_number_is_no_sample() {
        Summary::of(&[1.0, f64::NAN]);
    }

    proptest! {
        #[test]
        fn percentiles_rise_and_stay_between_the_ends(samples in prop::collection::vec(-1e9..1e9, 1..60)) {
            let summary = Summary::of(&samples).expect("there are samples");
            let rising = [summary.min, summary.p50, summary.p95, summary.p99, summary.p999, summary.max];
            prop_assert!(rising.is_sorted(), "{rising:?}");
            prop_assert!(summary.stddev.is_none_or(|stddev| stddev >= 0.0));
        }

        #[test]
        fn the_order_of_samples_does_not_matter_and_a_shift_moves_the_middle_only(
            mut samples in prop::collection::vec(-1e6..1e6, 2..40),
        ) {
            let forward = Summary::of(&samples).expect("there are samples");
            samples.reverse();
            samples.iter_mut().for_each(|sample| *sample += 1000.0);
            let shifted = Summary::of(&samples).expect("there are samples");
            prop_assert!((shifted.p50 - forward.p50 - 1000.0).abs() < 1e-6);
            prop_assert!((shifted.mean - forward.mean - 1000.0).abs() < 1e-6);
            prop_assert!((shifted.stddev.unwrap() - forward.stddev.unwrap()).abs() < 1e-6);
        }
    }
}
