//! How a figure stands to its target. Less is better: times, sizes, ratios.

/// What a figure is to stay below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// So much, in the figure's own unit.
    Figure(f64),
    /// So many times the bare cost.
    Ratio(f64),
}

impl Target {
    /// The number, whatever it counts.
    pub fn value(self) -> f64 {
        match self {
            Target::Figure(value) | Target::Ratio(value) => value,
        }
    }
}

/// A figure against its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Below 80 % of the target.
    Excellent,
    /// Below the target.
    Good,
    /// Below 120 % of the target.
    Acceptable,
    /// Anything else.
    Poor,
}

impl Tier {
    /// Where `value` stands.
    pub fn of(value: f64, target: f64) -> Self {
        // In fifths, which are exact where tenths are not.
        if value * 5.0 < target * 4.0 {
            Tier::Excellent
        } else if value < target {
            Tier::Good
        } else if value * 5.0 < target * 6.0 {
            Tier::Acceptable
        } else {
            Tier::Poor
        }
    }

    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Excellent => "EXCELLENT",
            Tier::Good => "GOOD",
            Tier::Acceptable => "ACCEPTABLE",
            Tier::Poor => "POOR",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edge_belongs_to_the_worse_side() {
        for (value, tier) in [
            (0.0, Tier::Excellent),
            (79.999, Tier::Excellent),
            (80.0, Tier::Good),
            (99.999, Tier::Good),
            (100.0, Tier::Acceptable),
            (119.999, Tier::Acceptable),
            (120.0, Tier::Poor),
            (f64::INFINITY, Tier::Poor),
            (f64::NAN, Tier::Poor),
        ] {
            assert_eq!(Tier::of(value, 100.0), tier, "{value}");
        }
    }

    #[test]
    fn edges_are_exact_for_every_whole_target() {
        for target in (5..=10_000).step_by(5) {
            let target = f64::from(target);
            let [low, high] = [target * 4.0 / 5.0, target * 6.0 / 5.0];
            assert_eq!((Tier::of(low, target), Tier::of(low.next_down(), target)), (Tier::Good, Tier::Excellent));
            assert_eq!((Tier::of(high, target), Tier::of(high.next_down(), target)), (Tier::Poor, Tier::Acceptable));
        }
    }

    #[test]
    fn a_target_of_nothing_is_met_by_nothing() {
        assert_eq!(Tier::of(0.0, 0.0), Tier::Poor);
    }
}
