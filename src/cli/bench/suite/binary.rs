//! The executable: its size, and what fills it.

use super::super::super::output::Failure;
use super::super::{elf, machine};
use super::{Bench, Category, Subject, TargetKey};
use crate::measure::Part;

/// Sections that are listed; the others are one line.
const LISTED: usize = 12;

pub(super) fn benches() -> Vec<Bench> {
    vec![Bench {
        category: Category::Binary,
        name: "binary_file",
        about: "the executable",
        target: Some(TargetKey::Bytes(|targets| targets.binary_file_bytes)),
        subject: Subject::Figure { rounds_max: 2, read: |_| Ok(machine::executable()?.len() as f64) },
    }]
}

/// The sections of the program that runs, the largest first.
pub(in super::super) fn parts() -> Result<Vec<Part>, Failure> {
    let file = machine::executable()?;
    let sections = elf::sections(&file);
    let sections =
        sections.ok_or_else(|| Failure::Failed("/proc/self/exe is no 64-bit little-endian ELF file".into()))?;
    Ok(listed(sections, file.len() as u64))
}

fn listed(mut sections: Vec<elf::Section>, file_bytes: u64) -> Vec<Part> {
    sections.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
    let small = sections.split_off(sections.len().min(LISTED));
    let part = |section: elf::Section| Part { about: about(&section.name), name: section.name, bytes: section.bytes };
    let mut parts: Vec<Part> = sections.into_iter().map(part).collect();
    if !small.is_empty() {
        let bytes = small.iter().map(|section| section.bytes).sum();
        parts.push(Part { name: format!("{} others", small.len()), bytes, about: "the smallest sections" });
    }
    let known: u64 = parts.iter().map(|part| part.bytes).sum();
    let about = "headers, and gaps that align the sections";
    parts.push(Part { name: "no section".into(), bytes: file_bytes.saturating_sub(known), about });
    parts
}

fn about(section: &str) -> &'static str {
    match section {
        ".text" => "machine code",
        ".rodata" => "constants and texts",
        ".eh_frame" | ".eh_frame_hdr" | ".gcc_except_table" => "how to unwind after a panic",
        ".symtab" | ".strtab" | ".shstrtab" => "names, for debuggers and profilers; not loaded",
        ".data" => "variables with a first value",
        ".data.rel.ro" | ".got" | ".init_array" => "addresses, fixed at start",
        name if name.starts_with(".rela") || name == ".relr.dyn" => "which addresses to fix at start",
        name if name.starts_with(".debug") => "lines and types, for debuggers; not loaded",
        _ => "small tables",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_all_of_the_file_largest_first() {
        let section = |number: u64| elf::Section { name: format!(".s{number}"), bytes: number };
        for (count, lines) in [(LISTED as u64, LISTED + 1), (LISTED as u64 + 3, LISTED + 2)] {
            let parts = listed((1..=count).map(section).collect(), 1000);
            assert_eq!((parts.len(), parts[0].bytes), (lines, count));
            assert_eq!(parts.iter().map(|part| part.bytes).sum::<u64>(), 1000);
        }
    }
}
