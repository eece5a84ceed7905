//! Two runs of one bench: is the difference more than chance, and is it too much?
//!
//! Welch's t-test on the means: it asks neither for equal spreads nor for equally many samples, and
//! it is a formula, so that the same two files always say the same; a bootstrap would need randomness.
//! Its samples are means of many operations each, which is what makes them near enough to normal. An
//! outlier widens the spread, so that it hides a difference rather than making one up.

use super::stats::{mean, variance};
use super::student::two_sided_p;

/// The chance below which a difference counts.
pub const SIGNIFICANCE: f64 = 0.05;

/// How a run stands to the one before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The mean of the baseline.
    pub baseline: f64,
    /// The mean now.
    pub mean: f64,
    /// The change of the mean in per cent, more being worse; `None` if the baseline is zero.
    pub percent: Option<f64>,
    /// The chance of such a difference between two runs that do not differ.
    pub p: f64,
    /// What that means.
    pub verdict: Verdict,
}

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Significantly less.
    Better,
    /// Significantly more, beyond the threshold.
    Regression,
    /// No significant difference.
    Same,
    /// Significantly more, up to the threshold.
    Worse,
}

/// Compares `samples` with those of the baseline; a regression is a significant rise of more than
/// `threshold` per cent. `None` with fewer than two samples on either side: one has no spread.
pub fn compare(baseline: &[f64], samples: &[f64], threshold: f64) -> Option<Comparison> {
    let (before, now) = (mean(baseline)?, mean(samples)?);
    let p = welch(baseline, samples)?;
    let percent = (before != 0.0).then(|| (now - before) / before.abs() * 100.0);
    let verdict = match percent {
        _ if p >= SIGNIFICANCE => Verdict::Same,
        _ if now < before => Verdict::Better,
        Some(percent) if percent <= threshold => Verdict::Worse,
        // A rise from nothing is beyond any percentage.
        _ => Verdict::Regression,
    };
    Some(Comparison { baseline: before, mean: now, percent, p, verdict })
}

/// The chance that two samples differ this much although what they are taken from does not.
fn welch(one: &[f64], other: &[f64]) -> Option<f64> {
    let difference = mean(other)? - mean(one)?;
    let (one_error, other_error) = (variance(one)? / one.len() as f64, variance(other)? / other.len() as f64);
    let error = one_error + other_error;
    if error == 0.0 {
        // Sizes and counts that never vary: any difference is one.
        return Some(if difference == 0.0 { 1.0 } else { 0.0 });
    }
    let parts = one_error.powi(2) / (one.len() - 1) as f64 + other_error.powi(2) / (other.len() - 1) as f64;
    Some(two_sided_p(difference / error.sqrt(), error.powi(2) / parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEFORE: [f64; 7] = [12.0, 15.0, 11.0, 14.0, 13.0, 19.0, 10.0];
    const AFTER: [f64; 6] = [16.0, 18.5, 17.0, 21.0, 19.0, 15.5];

    fn verdict(baseline: &[f64], samples: &[f64]) -> Verdict {
        compare(baseline, samples, 10.0).expect("enough samples").verdict
    }

    #[test]
    fn the_test_is_welchs() {
        // t = 3.12243513704450 with 10.5961593832190 degrees of freedom, by Python and mpmath.
        let comparison = compare(&BEFORE, &AFTER, 10.0).expect("enough samples");
        assert!((comparison.p - 0.0101287640473874).abs() < 1e-12, "{}", comparison.p);
        assert!((comparison.percent.unwrap() - 32.80141843971629).abs() < 1e-9);
        assert_eq!((comparison.baseline, comparison.verdict), (94.0 / 7.0, Verdict::Regression));
    }

    #[test]
    fn a_difference_within_the_spread_is_none() {
        assert_eq!(verdict(&[10.0, 12.0, 14.0], &[11.0, 13.0, 15.0]), Verdict::Same);
        assert_eq!(verdict(&[10.0, 12.0, 14.0], &[9.0, 11.0, 13.0]), Verdict::Same);
        assert_eq!(verdict(&BEFORE, &BEFORE), Verdict::Same);
    }

    #[test]
    fn a_rise_is_a_regression_only_beyond_the_threshold() {
        let samples = |middle: f64| [middle - 0.01, middle, middle + 0.01];
        assert_eq!(verdict(&[100.0; 3], &samples(109.0)), Verdict::Worse);
        assert_eq!(verdict(&[100.0; 3], &[110.0; 3]), Verdict::Worse);
        assert_eq!(verdict(&[100.0; 3], &samples(111.0)), Verdict::Regression);
        assert_eq!(verdict(&[100.0; 3], &samples(50.0)), Verdict::Better);
    }

    #[test]
    fn what_never_varies_differs_by_any_difference() {
        assert_eq!(verdict(&[64.0; 2], &[64.0; 2]), Verdict::Same);
        assert_eq!(verdict(&[64.0; 2], &[65.0; 2]), Verdict::Worse);
        assert_eq!(verdict(&[64.0; 2], &[63.0; 2]), Verdict::Better);
    }

    #[test]
    fn from_nothing_any_rise_is_a_regression_without_a_percentage() {
        let comparison = compare(&[0.0; 3], &[1.0; 3], 10.0).expect("enough samples");
        assert_eq!((comparison.percent, comparison.verdict), (None, Verdict::Regression));
        assert_eq!(verdict(&[0.0; 3], &[0.0; 3]), Verdict::Same);
    }

    #[test]
    fn one_sample_compares_with_nothing() {
        assert_eq!(compare(&[1.0], &[2.0, 3.0], 10.0), None);
        assert_eq!(compare(&[1.0, 2.0], &[3.0], 10.0), None);
        assert_eq!(compare(&[], &[], 10.0), None);
    }

    proptest! {
        #[test]
        fn swapping_the_sides_swaps_the_direction_only(
            one in prop::collection::vec(1.0..1e6, 2..30),
            other in prop::collection::vec(1.0..1e6, 2..30),
        ) {
            let there = compare(&one, &other, 0.0).expect("enough samples");
            let back = compare(&other, &one, 0.0).expect("enough samples");
            prop_assert!((there.p - back.p).abs() < 1e-12);
            prop_assert_eq!(there.verdict == Verdict::Better, back.verdict == Verdict::Regression);
        }
    }
}
