//! Earlier results, as JSON files in a directory: what `--save` keeps and `--compare` reads.

use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use super::super::output::{Failure, plain};
use crate::limits::{BASELINE_BYTES_MAX, BASELINE_NAME_BYTES_MAX};
use crate::measure::report::json::FORMAT;
use crate::measure::{Baseline, report::BaselineRow};

/// No figure of ours comes near it; beyond it squares would overflow.
const FIGURE_MAX: f64 = 1e18;

/// The name of a baseline: it becomes a file's, so it has no slash and does not begin with a dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        let fits = (1..=BASELINE_NAME_BYTES_MAX).contains(&text.len());
        if fits && !text.starts_with(['.', '-']) && text.bytes().all(is_plain) {
            Ok(Self(text.to_string()))
        } else {
            Err(format!(
                "allowed: 1 to {BASELINE_NAME_BYTES_MAX} of a-z, A-Z, 0-9, '.', '_' and '-', not beginning with '.' or '-'"
            ))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Where baselines are.
pub(super) struct Directory<'p>(&'p Path);

/// The part of a report that is compared with.
#[derive(Deserialize)]
struct Document {
    format: String,
    benches: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    unit: String,
    checksum: Option<String>,
    samples: Vec<f64>,
}

impl<'p> Directory<'p> {
    pub(super) fn new(path: &'p Path) -> Self {
        Self(path)
    }

    /// Reads the baseline of this name.
    pub(super) fn load(&self, name: &Name) -> Result<Baseline, Failure> {
        let path = self.path(name);
        let text = read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing(name, &path),
            _ => Failure::Failed(format!("the baseline {} cannot be read: {error}", path.display())),
        })?;
        let rows = parse(&text).map_err(|why| {
            let path = path.display();
            Failure::Failed(format!("{path} is no baseline of this program: {why}; `--save {name}` makes it anew"))
        })?;
        Ok(Baseline { name: name.to_string(), rows })
    }

    /// Keeps a report under this name, in place of an earlier one.
    pub(super) fn save(&self, name: &Name, json: &str) -> Result<(), Failure> {
        let path = self.path(name);
        let fresh = path.with_extension("json.new");
        let saved = fs::create_dir_all(self.0).and_then(|()| fs::write(&fresh, json));
        // Renamed when it is whole: a full disk does not cost the baseline before it.
        let saved = saved.and_then(|()| fs::rename(&fresh, &path));
        saved.map_err(|error| Failure::Failed(format!("the baseline {} cannot be saved: {error}", path.display())))
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }

    fn missing(&self, name: &Name, path: &Path) -> Failure {
        let entries = fs::read_dir(self.0).into_iter().flatten().flatten();
        let named = |entry: fs::DirEntry| Some(plain(entry.file_name().to_str()?.strip_suffix(".json")?));
        let mut names: Vec<String> = entries.filter_map(named).collect();
        names.sort();
        let others = if names.is_empty() { "no other either".into() } else { names.join(", ") };
        let path = path.display();
        Failure::Failed(format!(
            "there is no baseline {name}: {path} does not exist; `--save {name}` makes it; there is {others}"
        ))
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(BASELINE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BASELINE_BYTES_MAX {
        return Err(std::io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it is larger than {BASELINE_BYTES_MAX} bytes"),
        ));
    }
    Ok(text)
}

/// The rows of a report in JSON, or why it is none.
fn parse(text: &str) -> Result<Vec<BaselineRow>, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if document.format != FORMAT {
        return Err(format!("its format is \"{}\", not \"{FORMAT}\"", plain(&document.format)));
    }
    document.benches.into_iter().map(parse_row).collect()
}

fn parse_row(row: Row) -> Result<BaselineRow, String> {
    let name = plain(&row.name);
    let checksum = row.checksum.map(|text| u64::from_str_radix(&text, 16)).transpose();
    let checksum = checksum.map_err(|_| format!("the checksum of {name} is no hexadecimal number"))?;
    if row.samples.iter().any(|sample| sample.abs() > FIGURE_MAX) {
        return Err(format!("a sample of {name} is beyond {FIGURE_MAX:e}"));
    }
    Ok(BaselineRow { name: row.name, unit: row.unit, checksum, samples: row.samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_plain_file_name() {
        let longest = "x".repeat(BASELINE_NAME_BYTES_MAX);
        for name in ["main", "v1.2_a-b", "0", &longest] {
            assert_eq!(name.parse(), Ok(Name(name.to_string())));
        }
        for bad in ["", ".", "..", "../x", "a/b", "a b", ".x", "-x", "é", "a\0", &format!("{longest}x")] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_report_is_a_baseline_and_anything_else_says_why_not() {
        let document = |format: &str, bench: &str| format!(r#"{{"format":"{format}","benches":[{bench}],"more":1}}"#);
        let bench = r#"{"name":"x","unit":"ns/op","checksum":"00ff","samples":[1.5, 2],"p50":1}"#;
        let rows = parse(&document(FORMAT, bench)).expect("a baseline");
        let expected =
            BaselineRow { name: "x".into(), unit: "ns/op".into(), checksum: Some(0xff), samples: vec![1.5, 2.0] };
        assert_eq!(rows, [expected]);
        for (text, why) in [
            (String::new(), "EOF"),
            ("[]".into(), "line 1 column"),
            (document("lattice-bench-0", bench), "its format is \"lattice-bench-0\""),
            (document(FORMAT, "{}"), "missing field `name`"),
            (document(FORMAT, &bench.replace("00ff", "xyz")), "checksum of x"),
            (document(FORMAT, &bench.replace("1.5", "1e19")), "beyond 1e18"),
            (document(FORMAT, &bench.replace("1.5", "1e999")), "out of range"),
            (document(FORMAT, &bench.replace("1.5", "\"1\"")), "invalid type"),
        ] {
            let error = parse(&text).expect_err(&text);
            assert!(error.contains(why), "{error}");
        }
    }
}
