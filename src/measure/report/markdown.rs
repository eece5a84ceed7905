//! A [`Report`] as Markdown: for each category a table of results and one of what they rest on, padded
//! so that they read as text.

use super::{Part, Report, Row, Standing, Unit};
use crate::measure::{Bare, Comparison, Target, Verdict};

/// The report as a Markdown document.
pub fn emit(report: &Report) -> String {
    let mut text = heading(report);
    for rows in report.rows.chunk_by(|one, other| (one.category, one.unit) == (other.category, other.unit)) {
        text += &format!("\n## {}\n\n{}", rows[0].category, category(rows));
    }
    if !report.parts.is_empty() {
        text += &format!("\n## what fills the executable\n\n{}", parts(&report.parts));
    }
    text
}

fn heading(report: &Report) -> String {
    let mut rows = vec![
        ["machine".to_string(), report.machine.clone()],
        ["commit".to_string(), report.commit.clone()],
        ["binary".to_string(), report.binary.clone()],
        ["samples".to_string(), report.method.clone()],
    ];
    rows.extend(report.baseline.iter().map(|name| ["baseline".to_string(), name.clone()]));
    format!("# lattice bench\n\n{}", table(&["what", "value"].map(String::from), &rows))
}

fn category(rows: &[Row]) -> String {
    format!("{}\nWhat it rests on:\n\n{}", results(rows), evidence(rows))
}

fn results(rows: &[Row]) -> String {
    let counted = rows[0].unit == Unit::Instructions;
    let has_bare = rows.iter().any(|row| row.bare.is_some());
    let unit = rows[0].unit.name();
    let mut heads = vec!["bench".to_string(), format!("p50 ({unit})"), format!("mean ± 95 % CI ({unit})")];
    if counted {
        heads.extend(["allocations/op", "allocated (bytes/op)"].map(String::from));
    }
    if has_bare {
        heads.extend([format!("bare p50 ({unit})"), "× bare".into()]);
    }
    heads.push(format!("target ({unit})"));
    heads.extend(["tier", "against the baseline", "what it does"].map(String::from));
    let cells = |row: &Row| {
        let mut cells = vec![row.name.to_string(), figure(row.summary.p50), mean(row)];
        if counted {
            cells.push(optional(row.allocations.map(|(count, _)| count)));
            cells.push(optional(row.allocations.map(|(_, bytes)| bytes)));
        }
        if has_bare {
            let bare = row.bare.as_ref();
            cells.push(optional(bare.map(|bare| bare.summary.p50)));
            cells.push(bare.map_or(NONE.into(), |bare| format!("{:.2}", bare.ratio.p50)));
        }
        cells.extend([row.target.map_or(NONE.into(), target), row.tier().map_or(NONE, |tier| tier.name()).into()]);
        cells.extend([standing(&row.standing, row.unit), about(row)]);
        cells
    };
    table(&heads, &rows.iter().map(cells).collect::<Vec<_>>())
}

fn about(row: &Row) -> String {
    let bare = |bare: &Bare| format!("{}; bare: {}", row.about, bare.about);
    row.bare.as_ref().map_or(row.about.to_string(), bare)
}

/// A target, for people: "0.5", or "1.1 × bare".
pub fn target(target: Target) -> String {
    match target {
        Target::Figure(value) => value.to_string(),
        Target::Ratio(value) => format!("{value} × bare"),
    }
}

fn mean(row: &Row) -> String {
    let mean = figure(row.summary.mean);
    row.summary.margin.map_or(mean.clone(), |margin| format!("{mean} ± {}", figure(margin)))
}

fn evidence(rows: &[Row]) -> String {
    let unit = rows[0].unit.name();
    let has_bare = rows.iter().any(|row| row.bare.is_some());
    let mut heads = vec!["bench".to_string()];
    heads.extend(["min", "p95", "p99", "p99.9", "max", "stddev"].map(|figure| format!("{figure} ({unit})")));
    heads.push("CV (%)".into());
    if has_bare {
        heads.push("× bare, min–max".into());
    }
    heads.extend(["outliers", "samples", "operations/sample", "checksum of the work"].map(String::from));
    let cells = |row: &Row| {
        let summary = &row.summary;
        let mut cells = vec![row.name.to_string()];
        cells.extend([summary.min, summary.p95, summary.p99, summary.p999, summary.max].map(figure));
        cells.push(optional(summary.stddev));
        cells.push(summary.variation.map_or(NONE.into(), |part| format!("{:.1}", part * 100.0)));
        if has_bare {
            let ends = |bare: &Bare| format!("{:.2}–{:.2}", bare.ratio.min, bare.ratio.max);
            cells.push(row.bare.as_ref().map_or(NONE.into(), ends));
        }
        cells.extend([outliers(&summary.outliers), summary.count.to_string(), row.operations.to_string()]);
        cells.push(row.checksum.map_or(NONE.into(), |checksum| format!("{checksum:016x}")));
        cells
    };
    table(&heads, &rows.iter().map(cells).collect::<Vec<_>>())
}

/// What stands where nothing is defined.
const NONE: &str = "–";

/// Outliers that are listed; more of them are only counted.
const OUTLIERS_SHOWN: usize = 3;

fn outliers(values: &[f64]) -> String {
    let mut shown: Vec<String> = values.iter().take(OUTLIERS_SHOWN).copied().map(figure).collect();
    if values.len() > OUTLIERS_SHOWN {
        shown.push("…".into());
    }
    if values.is_empty() { "0".into() } else { format!("{} ({})", values.len(), shown.join(", ")) }
}

/// How a bench stands to the baseline, for people: "15.3 % slower (p = 0.012)".
pub fn standing(standing: &Standing, unit: Unit) -> String {
    match standing {
        Standing::Alone => NONE.into(),
        Standing::Missing => "not in the baseline".into(),
        Standing::OtherWork => "the baseline did other work".into(),
        Standing::TooFew => "too few samples to compare".into(),
        Standing::Compared(comparison) => compared(comparison, unit),
    }
}

fn compared(comparison: &Comparison, unit: Unit) -> String {
    let (less, more) = unit.words();
    let p = if comparison.p < 0.001 { "p < 0.001".to_string() } else { format!("p = {:.3}", comparison.p) };
    let size = match comparison.percent {
        Some(percent) => format!("{:.1} %", percent.abs()),
        None => format!("{} from none:", figure(comparison.mean)),
    };
    match comparison.verdict {
        Verdict::Same => format!("no significant change ({p})"),
        Verdict::Better => format!("{size} {less} ({p})"),
        Verdict::Worse => format!("{size} {more} ({p})"),
        Verdict::Regression => format!("{size} {more} ({p}): REGRESSION"),
    }
}

fn parts(parts: &[Part]) -> String {
    let all: u64 = parts.iter().map(|part| part.bytes).sum();
    let share = |part: &Part| format!("{:.1}", part.bytes as f64 * 100.0 / all.max(1) as f64);
    let row = |part: &Part| [part.name.clone(), part.bytes.to_string(), share(part), part.about.to_string()];
    let heads = ["section", "size (bytes)", "share (%)", "what is in it"].map(String::from);
    table(&heads, &parts.iter().map(row).collect::<Vec<_>>())
}

fn optional(value: Option<f64>) -> String {
    value.map_or(NONE.into(), figure)
}

/// What a reader can tell apart: large figures whole, small ones to a hundredth, those below one to a thousandth.
pub fn figure(value: f64) -> String {
    match value {
        value if value == value.trunc() => format!("{value:.0}"),
        value if value.abs() < 1.0 => format!("{value:.3}"),
        value if value.abs() < 100.0 => format!("{value:.2}"),
        value => format!("{value:.0}"),
    }
}

fn table(heads: &[String], rows: &[impl AsRef<[String]>]) -> String {
    let cell = |row: &[String], column: usize| row[column].replace('|', "\\|").replace(['\n', '\r'], " ");
    let rows: Vec<&[String]> = [heads].into_iter().chain(rows.iter().map(AsRef::as_ref)).collect();
    let width = |column: usize| rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |row: &[String]| -> String {
        let cells = widths.iter().enumerate().map(|(column, &width)| format!(" {:<width$} |", cell(row, column)));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: String = widths.iter().map(|&width| format!("{}|", "-".repeat(width + 2))).collect();
    let body: String = rows[1..].iter().map(|row| line(row)).collect();
    format!("{}|{rule}\n{body}", line(rows[0]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, row};
    use super::*;

    #[test]
    fn a_table_for_each_category_with_units_in_its_head() {
        let mut memory = row("session", &[96.0, 96.0]);
        (memory.category, memory.unit, memory.target, memory.checksum) = ("memory", Unit::Bytes, None, None);
        let text = emit(&report(vec![row("static", &[90.0, 95.5]), row("deep", &[130.0, 131.0]), memory]));
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("| bench")).collect();
        assert_eq!(heads.len(), 4, "two for each\n{text}");
        assert!(heads[0].contains("p50 (ns/op)") && heads[2].contains("p50 (bytes)"), "{text}");
        for part in ["abc1234", "Some CPU", "lattice 0.1.0", "GOOD", "POOR", "000000000000feed", "92.75 ± 34.94"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
            let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
            assert!(widths.iter().all(|&width| width == widths[0]), "{text}");
        }
    }

    #[test]
    fn a_bare_cost_has_columns_where_there_is_one() {
        let mut write = row("write", &[1.1, 1.2]);
        write.bare = Bare::of("a bare write", vec![1.0, 1.0], &write.samples);
        write.target = Some(Target::Ratio(1.1));
        let mut read = row("read", &[0.45, 0.55]);
        read.target = Some(Target::Figure(0.5));
        let text = emit(&report(vec![write, read]));
        for part in [
            "bare p50 (ns/op)",
            "| 1.15   |",
            "| 1.1 × bare ",
            "| 0.5 ",
            "static paths; bare: a bare write",
            "1.10–1.20",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!emit(&report(vec![row("read", &[1.0])])).contains("bare"), "no columns for nothing");
    }

    #[test]
    fn a_comparison_is_a_sentence() {
        let compare = |percent, p, verdict| {
            let comparison = Comparison { baseline: 0.0, mean: 7.0, percent, p, verdict };
            standing(&Standing::Compared(comparison), Unit::Nanoseconds)
        };
        assert_eq!(compare(Some(-15.34), 0.012, Verdict::Better), "15.3 % faster (p = 0.012)");
        assert_eq!(compare(Some(5.0), 0.0001, Verdict::Worse), "5.0 % slower (p < 0.001)");
        assert_eq!(compare(Some(50.0), 0.0, Verdict::Regression), "50.0 % slower (p < 0.001): REGRESSION");
        assert_eq!(compare(Some(1.0), 0.4, Verdict::Same), "no significant change (p = 0.400)");
        assert_eq!(compare(None, 0.0, Verdict::Regression), "7 from none: slower (p < 0.001): REGRESSION");
    }

    #[test]
    fn outliers_are_counted_and_the_first_listed() {
        assert_eq!(outliers(&[]), "0");
        assert_eq!(outliers(&[5.5, 7.0]), "2 (5.50, 7)");
        assert_eq!(outliers(&[1.0, 2.0, 3.0, 4.0]), "4 (1, 2, 3, …)");
    }

    #[test]
    fn a_cell_stays_in_its_cell() {
        let text = table(&["a".to_string()], &[vec!["x | y\nz".to_string()]]);
        assert_eq!(text, "| a        |\n|----------|\n| x \\| y z |\n");
    }

    #[test]
    fn parts_have_their_share() {
        let part = |name: &str, bytes| Part { name: name.into(), bytes, about: "code" };
        let text = parts(&[part(".text", 750), part(".data", 250)]);
        assert!(text.contains("| .text   | 750          | 75.0      | code"), "{text}");
    }
}
