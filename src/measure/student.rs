//! Student's t: how likely a difference is by chance alone.
//!
//! The tail of the distribution is a regularised incomplete beta function, computed by its
//! continued fraction; the reference values of the tests are mpmath's.

use std::f64::consts::PI;

/// Terms of the continued fraction: some √(degrees of freedom) are needed.
const TERMS_MAX: u32 = 10_000;
/// Halvings that find a quantile to the last bit.
const HALVINGS: u32 = 64;
/// Above the largest 95 % quantile there is: 12.706, for one degree of freedom.
const CRITICAL_MAX: f64 = 13.0;

/// The chance that a value at least as far from zero as `t` comes up, either side, with this many
/// degrees of freedom (more than none, not necessarily whole).
pub(crate) fn two_sided_p(t: f64, degrees: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    regularised_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t))
}

/// The `t` that is exceeded, either side, with a chance of 5 %; for at least one degree of freedom.
pub(crate) fn critical_95(degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, CRITICAL_MAX);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if two_sided_p(middle, degrees) > 0.05 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// I_x(a, b), for x from 0 to 1.
fn regularised_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let scale = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln();
    // The fraction converges fast on this side of the mean; the other side is the rest of it.
    if x < (a + 1.0) / (a + b + 2.0) {
        scale.exp() * beta_fraction(a, b, x) / a
    } else {
        1.0 - scale.exp() * beta_fraction(b, a, 1.0 - x) / b
    }
}

/// The continued fraction of the incomplete beta function, from the front (modified Lentz).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value };
    let mut numerator = 1.0;
    let mut denominator = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = denominator;
    for term in 1..=TERMS_MAX {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = value;
        for coefficient in [even, odd] {
            denominator = 1.0 / away_from_zero(1.0 + coefficient * denominator);
            numerator = away_from_zero(1.0 + coefficient / numerator);
            value *= denominator * numerator;
        }
        if (value / before - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

/// ln Γ(x) for x ≥ 0.5, by Lanczos's series (g = 7, nine terms).
fn ln_gamma(x: f64) -> f64 {
    const FIRST: f64 = 0.999_999_999_999_809_9;
    const SERIES: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let base = x + 7.5;
    let sum: f64 = (1..).zip(SERIES).map(|(place, term)| term / (x + f64::from(place))).sum();
    0.5 * (2.0 * PI).ln() + (x + 0.5) * base.ln() - base + (FIRST + sum).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() <= 1e-11 * expected.abs().max(1e-3), "{value:e}, not {expected:e}");
    }

    #[test]
    fn the_gamma_function_is_that_of_the_tables() {
        for (x, expected) in [
            (0.5, 0.5723649429247001),
            (1.0, 0.0),
            (1.5, -0.1207822376352452),
            (4.5, 2.453736570842442),
            (10.0, 12.80182748008147),
            (123.25, 468.6144829505166),
            (5000.0, 37582.62631568535),
        ] {
            close(ln_gamma(x), expected);
        }
    }

    #[test]
    fn chances_are_those_of_the_distribution() {
        for (t, degrees, expected) in [
            (0.0, 5.0, 1.0),
            (1.0, 1.0, 0.5),
            (2.0, 2.0, 0.183503419072274),
            (12.706204736174704, 1.0, 0.05),
            (2.5, 7.3, 0.0396502346656005),
            (1.96, 1000.0, 0.0502731849557487),
            (0.1, 30.0, 0.921009611790271),
            (25.0, 4.7, 3.51206389847634e-6),
            (f64::INFINITY, 3.0, 0.0),
        ] {
            close(two_sided_p(t, degrees), expected);
            close(two_sided_p(-t, degrees), expected);
        }
        assert!((two_sided_p(60.0, 29.0) / 5.70804335940211e-32 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, expected) in [
            (1.0, 12.7062047361747),
            (2.0, 4.30265272974946),
            (3.0, 3.18244630528371),
            (4.0, 2.77644510519779),
            (9.0, 2.26215716279821),
            (29.0, 2.0452296421327),
            (99.0, 1.98421695158642),
            (9999.0, 1.96020126362136),
        ] {
            close(critical_95(degrees), expected);
        }
    }

    proptest! {
        #[test]
        fn a_greater_difference_is_less_likely(near in 0.0..50.0, further in 0.0..50.0, degrees in 0.5..5e3) {
            let (near, further) = (f64::min(near, further), f64::max(near, further));
            let (more, less) = (two_sided_p(near, degrees), two_sided_p(further, degrees));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&more) && less <= more + 1e-12, "{more} {less}");
        }
    }
}
