//! Where a figure comes from: without it, the figure says nothing.

/// A machine in a line, from the texts of `/proc/cpuinfo` and `/proc/sys/kernel/osrelease`.
pub fn describe(cpuinfo: &str, osrelease: &str) -> String {
    let model = cpuinfo.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()));
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = if osrelease.trim().is_empty() { "unknown" } else { osrelease.trim() };
    format!("{}, {cores} cores, Linux {kernel}", model.unwrap_or("unknown processor"))
}

/// A commit in a few words, from what `git rev-parse` and `git status --porcelain` said, if anything.
pub fn commit(head: Option<&str>, changes: Option<&str>) -> String {
    let with = if changes.is_some_and(|changes| !changes.is_empty()) { " with changes" } else { "" };
    head.filter(|head| !head.is_empty()).map_or("unknown".into(), |head| format!("{head}{with}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_says_whether_it_is_all() {
        assert_eq!(commit(Some("abc"), Some("")), "abc");
        assert_eq!(commit(Some("abc"), Some(" M src/lib.rs")), "abc with changes");
        assert_eq!(commit(Some("abc"), None), "abc");
        assert_eq!((commit(None, None), commit(Some(""), None)), ("unknown".into(), "unknown".into()));
    }

    #[test]
    fn processor_cores_and_kernel_are_named() {
        let cpuinfo =
            "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nprocessor\t: 1\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(describe(cpuinfo, "6.1.0\n"), "Some CPU @ 2 GHz, 2 cores, Linux 6.1.0");
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        assert_eq!(describe("", ""), "unknown processor, 0 cores, Linux unknown");
    }
}
