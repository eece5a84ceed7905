//! Where a figure comes from: without it, the figure says nothing.

/// A machine in a line, from the texts of `/proc/cpuinfo` and `/proc/sys/kernel/osrelease`.
pub fn describe(cpuinfo: &str, osrelease: &str) -> String {
    let model = cpuinfo.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()));
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = if osrelease.trim().is_empty() { "unknown" } else { osrelease.trim() };
    format!("{}, {cores} cores, Linux {kernel}", model.unwrap_or("unknown processor"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
