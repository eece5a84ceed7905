//! `lattice bench`, the real binary: its reports, its verdicts, its mistakes. No time is asserted.
#![allow(clippy::disallowed_methods, reason = "tests write and read files")]

use std::path::PathBuf;
use std::process::{Command, Output};

use lattice::limits::{BASELINE_BYTES_MAX, BENCH_SAMPLES_MAX, BENCH_WARMUP_MAX};
use lattice::settings::keys::KEYS;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A working directory whose `registry.toml` sets no target: the binary under test is a debug build.
struct Room {
    directory: TempDir,
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Room {
    fn new() -> Self {
        let room = Self { directory: TempDir::new().expect("a temporary directory") };
        let targets = KEYS.iter().filter(|key| key.section == "performance");
        let none: String = targets.map(|key| format!("{} = 0\n", key.name)).collect();
        room.write("registry.toml", &format!("[performance]\n{none}"));
        std::fs::create_dir(room.path("tmp")).expect("a directory");
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the file is written");
    }

    fn json(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.path(name)).expect("the file is there");
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// `lattice bench --quick --warmup 0` with these arguments.
    fn bench(&self, args: &str) -> Ran {
        self.bench_with(args, &[])
    }

    fn bench_with(&self, args: &str, variables: &[(&str, &str)]) -> Ran {
        let usual = if args.contains("--instructions") { "bench --quick" } else { "bench --quick --warmup 0" };
        let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
        command.args(usual.split(' ')).args(args.split(' ')).current_dir(self.directory.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TMPDIR", self.path("tmp"));
        let Output { status, stdout, stderr } =
            command.envs(variables.iter().copied()).output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what it says is UTF-8");
        Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn complains(self, parts: &[&str]) {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} in: {}", self.stderr);
        }
    }
}

fn names(report: &Value) -> Vec<&str> {
    let benches = report["benches"].as_array().expect("a list");
    benches.iter().map(|bench| bench["name"].as_str().expect("a name")).collect()
}

fn is_checksum(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[test]
fn both_reports_say_what_was_measured_and_where() {
    let room = Room::new();
    let args = "--samples 3 --category routing --category cookie --json r.json --markdown r.md";
    let ran = room.bench(args).ends(0);
    assert_eq!(ran.stderr, "", "no bar in a pipe");
    assert_eq!(ran.stdout, std::fs::read_to_string(room.path("r.md")).expect("the file is there"));
    let report = room.json("r.json");
    assert_eq!(report["format"], "lattice-bench-1");
    for field in ["machine", "commit", "binary", "method"] {
        assert!(report[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        assert!(ran.stdout.contains(report[field].as_str().expect("a text")), "{field}");
    }
    assert!(names(&report).contains(&"routing_static") && names(&report).contains(&"cookie_parse"));
    assert!(names(&report).iter().all(|name| name.starts_with("routing_") || name.starts_with("cookie_")));
    for bench in report["benches"].as_array().expect("a list") {
        let samples = bench["samples"].as_array().expect("a list");
        assert_eq!((samples.len(), &bench["count"], &bench["unit"]), (3, &json!(3), &json!("ns/op")));
        for field in ["min", "mean", "mean_margin_95", "p50", "p95", "p99", "p99_9", "max", "stddev", "variation"] {
            assert!(bench[field].is_number(), "{field} of {bench}");
        }
        assert!(is_checksum(&bench["checksum"]) && bench["target"].is_null() && bench["tier"].is_null(), "{bench}");
        assert!(ran.stdout.contains(bench["checksum"].as_str().expect("a text")));
    }
}

#[test]
fn the_work_has_the_same_checksum_each_time() {
    let room = Room::new();
    let checksums = |file: &str| -> Vec<Value> {
        let args = format!("--samples 1 --category routing --category http --category config --json {file}");
        room.bench(&args).ends(0);
        let report = room.json(file);
        report["benches"].as_array().expect("a list").iter().map(|bench| bench["checksum"].clone()).collect()
    };
    let first = checksums("1.json");
    assert!(first.len() > 10 && first.iter().all(is_checksum), "{first:?}");
    assert_eq!(first, checksums("2.json"));
}

/// The benches of the config that have a bare cost.
const BESIDE: [&str; 8] = [
    "config_slot_decode",
    "config_frame_decode",
    "config_cached",
    "config_snapshot",
    "config_publish",
    "config_write",
    "config_write_locked",
    "config_open",
];

#[test]
fn the_config_stands_beside_its_bare_cost() {
    let room = Room::new();
    let targets =
        [("LATTICE_PERFORMANCE_CONFIG_WRITE_RATIO", "0.001"), ("LATTICE_PERFORMANCE_CONFIG_CACHED_NS", "9999999.5")];
    let ran = room.bench_with("--samples 3 --category config --json r.json", &targets).ends(1);
    let report = room.json("r.json");
    let benches = report["benches"].as_array().expect("a list");
    let bench = |name: &str| benches.iter().find(|bench| bench["name"] == name).expect("it was measured");
    for name in BESIDE {
        let bare = &bench(name)["bare"];
        assert_eq!(bare["samples"].as_array().map(Vec::len), Some(3), "{name}");
        let ratio = ["ratio_min", "ratio_p50", "ratio_max"].map(|figure| bare[figure].as_f64().expect("a number"));
        assert!(ratio[0] > 0.0 && ratio.is_sorted(), "{name}: {ratio:?}");
        assert!(ran.stdout.contains(&format!("; bare: {}", bare["about"].as_str().expect("a text"))), "{name}");
    }
    let judged = |name: &str| ["target", "target_unit", "tier"].map(|field| bench(name)[field].clone());
    assert_eq!(judged("config_cached"), [json!(9_999_999.5), json!("ns/op"), json!("EXCELLENT")]);
    assert_eq!(judged("config_write"), [json!(0.001), json!("× bare"), json!("POOR")]);
    assert!(ran.stdout.contains("| 9999999.5 ") && ran.stdout.contains("| × bare "), "{}", ran.stdout);
    let left = std::fs::read_dir(room.path("tmp")).expect("a directory").count();
    assert_eq!(left, 0, "directories of files");
    ran.complains(&["config_write is POOR: ", " × bare, and its target is 0.001 × bare"]);
}

#[test]
fn every_budget_of_the_config_is_a_target() {
    let settings = lattice::settings::Settings::default();
    for (name, value) in [
        ("config_slot_decode_ns", "25"),
        ("config_frame_decode_ns", "8"),
        ("config_cached_ns", "0.5"),
        ("config_snapshot_ns", "20"),
        ("config_publish_ns", "45"),
        ("config_write_ratio", "1.1"),
        ("config_open_ratio", "1.2"),
    ] {
        let key = KEYS.iter().find(|key| (key.section, key.name) == ("performance", name)).expect(name);
        assert_eq!(key.show(&settings), value, "{name}");
    }
}

#[test]
fn a_real_node_is_measured_and_leaves_nothing_behind() {
    let room = Room::new();
    room.bench("--samples 2 --category integration --category memory --json r.json").ends(0);
    let report = room.json("r.json");
    for name in ["integration_ping", "integration_lookup", "memory_session", "memory_connection", "memory_request"] {
        assert!(names(&report).contains(&name), "{name} in {:?}", names(&report));
    }
    let session = report["benches"].as_array().expect("a list").iter().find(|bench| bench["name"] == "memory_session");
    let bytes = size_of::<lattice::session::http1::Http1>();
    assert_eq!(session.expect("it was measured")["p50"], json!(bytes as f64));
    let left = std::fs::read_dir(room.path("tmp")).expect("a directory").count();
    assert_eq!(left, 0, "directories of nodes");
}

#[test]
fn the_executable_is_taken_apart() {
    let room = Room::new();
    let ran = room.bench("--category binary --json r.json").ends(0);
    let report = room.json("r.json");
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_lattice")).expect("it is there").len();
    assert_eq!(report["benches"][0]["p50"], json!(size as f64));
    let sections = report["sections"].as_array().expect("a list");
    let bytes = |section: &Value| section["bytes"].as_u64().expect("a number");
    assert_eq!(sections.iter().map(bytes).sum::<u64>(), size, "every byte is somewhere");
    assert!(sections.iter().any(|section| section["name"] == ".text" && bytes(section) > 100_000));
    assert!(ran.stdout.contains("| .text "));
}

#[test]
fn a_regression_against_the_baseline_ends_with_1() {
    let room = Room::new();
    room.bench("--category binary --filter file --save before").ends(0);
    let file = ".lattice/baselines/before.json";
    let ran = room.bench("--category binary --compare before --json same.json").ends(0);
    assert!(ran.stdout.contains("no significant change"), "{}", ran.stdout);
    assert_eq!(room.json("same.json")["benches"][0]["comparison"]["verdict"], "same");

    let whole = room.json(file);
    let with_samples = |factor: f64| {
        let mut edited = whole.clone();
        for sample in edited["benches"][0]["samples"].as_array_mut().expect("a list") {
            *sample = json!(sample.as_f64().expect("a number") * factor);
        }
        room.write(file, &edited.to_string());
    };
    with_samples(0.5);
    let ran = room.bench("--category binary --compare before --json worse.json").ends(1);
    assert!(ran.stdout.contains("100.0 % larger (p < 0.001): REGRESSION"), "{}", ran.stdout);
    assert_eq!(room.json("worse.json")["benches"][0]["comparison"]["verdict"], "regression", "written all the same");
    ran.complains(&["binary_file: 100.0 % larger"]);
    room.bench("--category binary --compare before --threshold 100").ends(0);
    room.bench("--category binary --compare before --threshold 99.9").ends(1);
    with_samples(2.0);
    let ran = room.bench("--category binary --compare before").ends(0);
    assert!(ran.stdout.contains("50.0 % smaller"), "{}", ran.stdout);
}

#[test]
fn other_work_is_not_compared() {
    let room = Room::new();
    room.bench("--samples 2 --filter config_decode --save before --baselines b").ends(0);
    let mut baseline = room.json("b/before.json");
    baseline["benches"][0]["checksum"] = json!("0000000000000001");
    room.write("b/before.json", &baseline.to_string());
    let ran = room.bench("--samples 2 --filter config_ --compare before --baselines b").ends(0);
    assert!(ran.stdout.contains("the baseline did other work"), "{}", ran.stdout);
    assert!(ran.stdout.contains("not in the baseline"), "{}", ran.stdout);
}

#[test]
fn a_poor_bench_ends_with_1_whichever_source_sets_its_target() {
    let room = Room::new();
    let variable = [("LATTICE_PERFORMANCE_ROUTING_STATIC_NS", "1")];
    let ran = room.bench_with("--samples 2 --filter routing_static --json r.json", &variable).ends(1);
    let report = room.json("r.json");
    assert_eq!((&report["benches"][0]["tier"], &report["benches"][0]["target"]), (&json!("POOR"), &json!(1.0)));
    ran.complains(&["routing_static is POOR", "its target is 1"]);
    room.write("other.toml", "[performance]\nbinary_file_bytes = 1\n");
    room.bench("--category binary --config other.toml").ends(1).complains(&["binary_file is POOR"]);
    room.write("other.toml", "[performance]\nbinary_file_bytes = \"1024 GiB\"\n");
    let ran = room.bench("--category binary --config other.toml").ends(0);
    assert!(ran.stdout.contains("EXCELLENT"), "{}", ran.stdout);
}

#[test]
fn a_baseline_that_is_none_is_explained_before_any_work() {
    let room = Room::new();
    let compare = |name: &str| room.bench(&format!("--filter binary --baselines b --compare {name}"));
    compare("main").ends(1).complains(&["no baseline main", "b/main.json", "`--save main`", "no other either"]);
    std::fs::create_dir(room.path("b")).expect("a directory");
    room.write("b/other.json", "{}");
    compare("main").ends(1).complains(&["no baseline main", "there is other"]);
    compare("other").ends(1).complains(&["b/other.json is no baseline", "missing field `format`"]);
    room.write("b/other.json", "not JSON");
    compare("other").ends(1).complains(&["b/other.json is no baseline", "line 1 column"]);
    std::fs::create_dir(room.path("b/folder.json")).expect("a directory");
    compare("folder").ends(1).complains(&["b/folder.json cannot be read"]);
    compare("../main").ends(2).complains(&["--compare", "../main", "allowed: 1 to 64"]);
}

#[test]
fn a_baseline_may_be_as_large_as_the_limit() {
    let room = Room::new();
    room.bench("--filter binary --baselines b --save x").ends(0);
    let text = std::fs::read_to_string(room.path("b/x.json")).expect("the file is there");
    let padding = " ".repeat(BASELINE_BYTES_MAX as usize - text.len());
    room.write("b/x.json", &(text.clone() + &padding));
    room.bench("--filter binary --baselines b --compare x").ends(0);
    room.write("b/x.json", &(text + &padding + " "));
    room.bench("--filter binary --baselines b --compare x").ends(1).complains(&["larger than 33554432 bytes"]);
}

#[test]
fn counts_of_samples_and_rounds_have_bounds() {
    let room = Room::new();
    let run = |args: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lattice"));
        command.args(["bench", "--category", "binary"]).args(args.split(' ')).current_dir(room.path("."));
        command.env_clear().output().expect("the binary runs").status.code()
    };
    assert_eq!(run(&format!("--samples {BENCH_SAMPLES_MAX} --warmup {BENCH_WARMUP_MAX}")), Some(0));
    assert_eq!(run("--samples 1 --warmup 0"), Some(0));
    assert_eq!(run(&format!("--samples {}", BENCH_SAMPLES_MAX + 1)), Some(2));
    assert_eq!(run(&format!("--warmup {}", BENCH_WARMUP_MAX + 1)), Some(2));
    assert_eq!(run("--samples 0"), Some(2));
    assert_eq!(run("--threshold 1000.5"), Some(2));
    assert_eq!(run("--threshold NaN"), Some(2));
}

#[test]
fn mistakes_are_told_apart() {
    let room = Room::new();
    room.bench("--category none").ends(2).complains(&["none", "routing", "integration"]);
    room.bench("--instructions --samples 5").ends(2).complains(&["--samples"]);
    room.bench("--filter nothing-like-it").ends(1).complains(&["no bench is left", "routing_static"]);
    room.bench("--instructions --category memory").ends(1).complains(&["no bench is left", "--instructions counts"]);
    room.bench("--filter binary --json no/such/folder.json")
        .ends(1)
        .complains(&["no/such/folder.json cannot be written"]);
    room.bench("--filter binary --baselines registry.toml --save x").ends(1).complains(&["cannot be saved"]);
    room.write("registry.toml", "[performance]\nrouting_ns = 1\n");
    room.bench("--filter binary").ends(78).complains(&["no key routing_ns in [performance]"]);
}

#[test]
fn instructions_are_counted_under_valgrind() {
    let room = Room::new();
    room.bench("--instructions --filter config_decode --json r.json").ends(0);
    let report = room.json("r.json");
    assert_eq!(names(&report), ["config_decode"]);
    let bench = &report["benches"][0];
    assert_eq!((&bench["unit"], &bench["count"]), (&json!("instructions/op"), &json!(2)));
    let count = bench["p50"].as_f64().expect("a number");
    assert!((5.0..5000.0).contains(&count), "{count} instructions for 13 bytes");
    assert_eq!(bench["allocations_per_op"], json!(0.0), "it allocates nothing");
    assert!(is_checksum(&bench["checksum"]));
}

#[test]
fn instructions_of_a_file_that_is_mapped_are_counted_too() {
    let room = Room::new();
    room.bench("--instructions --filter config_cached --json r.json").ends(0);
    let report = room.json("r.json");
    let bench = &report["benches"][0];
    let count = bench["p50"].as_f64().expect("a number");
    assert!((2.0..1000.0).contains(&count), "{count} instructions for two loads");
    assert_eq!((&bench["allocations_per_op"], &bench["bare"]), (&json!(0.0), &json!(null)));
}

#[test]
fn without_valgrind_it_says_what_to_install() {
    let room = Room::new();
    let nowhere = room.path("tmp");
    let nowhere = nowhere.to_str().expect("a temporary path is UTF-8");
    let ran = room.bench_with("--instructions --filter config_decode", &[("PATH", nowhere)]).ends(1);
    ran.complains(&["valgrind", "not installed", "apt-get install valgrind"]);
}

#[test]
fn the_help_says_how_it_ends() {
    let output = Command::new(env!("CARGO_BIN_EXE_lattice")).args(["bench", "--help"]).output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("help is text");
    for part in ["--category", "--instructions", "[performance]", "Exits 1", "Welch"] {
        assert!(help.contains(part), "{part} in {help}");
    }
    assert!(!help.contains("run-one"), "how it calls itself is nobody's business");
}
