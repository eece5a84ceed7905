//! A [`Report`] as JSON: one object, figures as numbers, `null` for what is not defined.

use std::fmt::Write;

use super::{Part, Report, Row, Standing, Unit};
use crate::measure::{Bare, Comparison, Target, Verdict};

/// Says what the file is, and changes when its shape does.
pub const FORMAT: &str = "lattice-bench-1";

/// The report as a JSON document, with a line end.
pub fn emit(report: &Report) -> String {
    let rows: Vec<String> = report.rows.iter().map(row).collect();
    let parts: Vec<String> = report.parts.iter().map(part).collect();
    let fields = [
        ("format", text(FORMAT)),
        ("machine", text(&report.machine)),
        ("commit", text(&report.commit)),
        ("binary", text(&report.binary)),
        ("method", text(&report.method)),
        ("baseline", report.baseline.as_deref().map_or("null".into(), text)),
        ("benches", format!("[\n{}\n]", rows.join(",\n"))),
        ("sections", format!("[{}]", parts.join(", "))),
    ];
    object(&fields) + "\n"
}

fn row(row: &Row) -> String {
    let summary = &row.summary;
    object(&[
        ("name", text(row.name)),
        ("category", text(row.category)),
        ("about", text(row.about)),
        ("unit", text(row.unit.name())),
        ("count", summary.count.to_string()),
        ("operations_per_sample", row.operations.to_string()),
        ("min", number(summary.min)),
        ("mean", number(summary.mean)),
        ("mean_margin_95", optional(summary.margin)),
        ("p50", number(summary.p50)),
        ("p95", number(summary.p95)),
        ("p99", number(summary.p99)),
        ("p99_9", number(summary.p999)),
        ("max", number(summary.max)),
        ("stddev", optional(summary.stddev)),
        ("variation", optional(summary.variation)),
        ("outliers", numbers(&summary.outliers)),
        ("allocations_per_op", optional(row.allocations.map(|(count, _)| count))),
        ("allocated_bytes_per_op", optional(row.allocations.map(|(_, bytes)| bytes))),
        ("bare", row.bare.as_ref().map_or("null".into(), bare)),
        ("target", optional(row.target.map(Target::value))),
        ("target_unit", row.target.map_or("null".into(), |target| text(target_unit(target, row.unit)))),
        ("tier", row.tier().map_or("null".into(), |tier| text(tier.name()))),
        ("comparison", standing(&row.standing)),
        ("checksum", row.checksum.map_or("null".into(), |checksum| text(&format!("{checksum:016x}")))),
        ("samples", numbers(&row.samples)),
    ])
}

/// The bare cost, and the median and the ends of how the bench stands to it.
fn bare(bare: &Bare) -> String {
    object(&[
        ("about", text(bare.about)),
        ("p50", number(bare.summary.p50)),
        ("ratio_min", number(bare.ratio.min)),
        ("ratio_p50", number(bare.ratio.p50)),
        ("ratio_max", number(bare.ratio.max)),
        ("samples", numbers(&bare.samples)),
    ])
}

fn target_unit(target: Target, unit: Unit) -> &'static str {
    match target {
        Target::Figure(_) => unit.name(),
        Target::Ratio(_) => "× bare",
    }
}

fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Alone => "null".into(),
        Standing::Missing => object(&[("verdict", text("missing"))]),
        Standing::OtherWork => object(&[("verdict", text("other work"))]),
        Standing::TooFew => object(&[("verdict", text("too few samples"))]),
        Standing::Compared(comparison) => compared(comparison),
    }
}

fn compared(comparison: &Comparison) -> String {
    let verdict = match comparison.verdict {
        Verdict::Better => "better",
        Verdict::Regression => "regression",
        Verdict::Same => "same",
        Verdict::Worse => "worse",
    };
    object(&[
        ("verdict", text(verdict)),
        ("baseline_mean", number(comparison.baseline)),
        ("change_percent", optional(comparison.percent)),
        ("p", number(comparison.p)),
    ])
}

fn part(part: &Part) -> String {
    object(&[("name", text(&part.name)), ("bytes", part.bytes.to_string()), ("about", text(part.about))])
}

fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}: {value}", text(name))).collect();
    format!("{{{}}}", fields.join(", "))
}

fn numbers(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().copied().map(number).collect();
    format!("[{}]", values.join(", "))
}

fn optional(value: Option<f64>) -> String {
    value.map_or("null".into(), number)
}

/// The shortest decimal that reads back as the same number; JSON has no infinity.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { "null".into() }
}

/// A string with what RFC 8259 §7 wants escaped.
fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing into a String cannot fail.
            control if control < ' ' => drop(write!(quoted, "\\u{:04x}", u32::from(control))),
            plain => quoted.push(plain),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, row};
    use super::*;
    use crate::measure::{Baseline, report::BaselineRow};
    use serde_json::{Value, json};

    fn parsed(report: &Report) -> Value {
        serde_json::from_str(&emit(report)).expect("it is JSON")
    }

    #[test]
    fn every_figure_is_read_back_as_it_was() {
        let samples = [90.5, 0.1 + 0.2, 1e21];
        let value = parsed(&report(vec![row("static", &samples)]));
        assert_eq!(value["format"], FORMAT);
        assert_eq!(value["machine"], "Some CPU, 2 cores, Linux 6.1");
        let bench = &value["benches"][0];
        assert_eq!(bench["samples"], json!(samples));
        assert_eq!((&bench["name"], &bench["unit"]), (&json!("static"), &json!("ns/op")));
        assert_eq!((&bench["p50"], &bench["tier"], &bench["target"]), (&json!(90.5), &json!("GOOD"), &json!(100.0)));
        assert_eq!((&bench["checksum"], &bench["comparison"]), (&json!("000000000000feed"), &Value::Null));
        assert_eq!(bench["count"], 3);
    }

    #[test]
    fn what_is_not_defined_is_null() {
        let mut one = row("one", &[1.0]);
        (one.checksum, one.target) = (None, None);
        let bench = &parsed(&report(vec![one]))["benches"][0];
        for field in ["stddev", "variation", "mean_margin_95", "checksum", "allocations_per_op", "bare"] {
            assert_eq!(bench.get(field), Some(&Value::Null), "{field}");
        }
        for field in ["target", "target_unit", "tier"] {
            assert_eq!(bench.get(field), Some(&Value::Null), "{field}");
        }
        assert_eq!(number(f64::NAN), "null");
    }

    #[test]
    fn a_bare_cost_stands_beside_the_figure() {
        let mut row = row("write", &[110.0, 120.0]);
        row.bare = Bare::of("a write", vec![100.0, 100.0], &row.samples);
        row.target = Some(Target::Ratio(1.25));
        let bench = &parsed(&report(vec![row]))["benches"][0];
        let expected = json!({
            "about": "a write", "p50": 100.0, "ratio_min": 1.1, "ratio_p50": 1.15, "ratio_max": 1.2,
            "samples": [100.0, 100.0],
        });
        assert_eq!(bench["bare"], expected);
        let judged = (&bench["target"], &bench["target_unit"], &bench["tier"]);
        assert_eq!(judged, (&json!(1.25), &json!("× bare"), &json!("GOOD")));
    }

    #[test]
    fn a_comparison_says_all_it_knows() {
        let mut report = report(vec![row("static", &[100.0, 101.0, 102.0])]);
        let before = BaselineRow {
            name: "static".into(),
            unit: "ns/op".into(),
            checksum: Some(0xfeed),
            samples: vec![50.0, 50.5, 51.0],
        };
        report.compare_with(&Baseline { name: "main".into(), rows: vec![before] }, 10.0);
        let value = parsed(&report);
        let comparison = &value["benches"][0]["comparison"];
        assert_eq!((&value["baseline"], &comparison["verdict"]), (&json!("main"), &json!("regression")));
        assert_eq!((&comparison["baseline_mean"], &comparison["change_percent"]), (&json!(50.5), &json!(100.0)));
        assert!(comparison["p"].as_f64().expect("a number") < 0.001);
    }

    #[test]
    fn no_text_breaks_the_document() {
        let mut report = report(Vec::new());
        report.machine = "a \"quoted\" \\ name\n\u{1}é".into();
        report.parts = vec![Part { name: ".te\"xt".into(), bytes: 7, about: "code" }];
        let value = parsed(&report);
        assert_eq!(value["machine"], report.machine.as_str());
        assert_eq!(value["sections"], json!([{"name": ".te\"xt", "bytes": 7, "about": "code"}]));
    }
}
