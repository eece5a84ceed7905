//! From texts to settings, and from mistakes to messages.

use std::ffi::OsString;
use std::net::SocketAddr;

use super::keys::KEYS;
use super::show::show;
use super::{Document, Flag, Listen, Problems, Settings, Sources, load};
use crate::service::npm::settings::Party;

const DOCUMENTED: &str = include_str!("../../registry.toml");

fn document(text: &str) -> Sources {
    Sources { document: Some(Document { name: "registry.toml".into(), text: text.into() }), ..Sources::default() }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn with_env(pairs: &[(&str, &str)]) -> Sources {
    Sources { variables: variables(pairs), ..Sources::default() }
}

fn from_file(text: &str) -> Settings {
    load(&document(text)).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

fn from_env(pairs: &[(&str, &str)]) -> Settings {
    load(&with_env(pairs)).unwrap_or_else(|problems| panic!("{pairs:?}\n{problems}"))
}

/// The messages about a file, which must be wrong.
fn mistakes(text: &str) -> Vec<String> {
    messages(load(&document(text)), text)
}

fn env_mistakes(pairs: &[(&str, &str)]) -> Vec<String> {
    messages(load(&with_env(pairs)), &format!("{pairs:?}"))
}

fn messages(result: Result<Settings, Problems>, about: &str) -> Vec<String> {
    let problems = result.err().unwrap_or_else(|| panic!("this was taken: {about}"));
    problems.0.iter().map(ToString::to_string).collect()
}

/// One message that has all of these parts.
#[track_caller]
fn assert_one(messages: &[String], parts: &[&str]) {
    assert_eq!(messages.len(), 1, "{messages:#?}");
    for part in parts {
        assert!(messages[0].contains(part), "{part} in {}", messages[0]);
    }
}

/// `registry.toml` with every key in force: a `#` right before a word or bracket is taken away.
fn uncommented() -> String {
    let in_force = |line: &'static str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_lowercase() || first == '[') => rest,
        _ => line,
    };
    DOCUMENTED.lines().map(in_force).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_said_is_the_default() {
    assert_eq!(load(&Sources::default()), Ok(Settings::default()));
    assert_eq!(from_file(""), Settings::default());
    assert_eq!(from_file(DOCUMENTED), Settings::default());
    assert_eq!(from_file("\u{feff}[node]\r\nthreads = 0\r\n"), Settings::default());
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    assert_eq!(from_file(&uncommented()), Settings::default());
    let default = Settings::default();
    for key in KEYS {
        let line = format!("#{} = {}\n", key.name, key.show(&default));
        assert_eq!(DOCUMENTED.matches(&line).count(), 1, "registry.toml documents {} as {line}", key.title());
    }
}

#[test]
fn every_key_is_documented_with_its_variable_and_bounds() {
    for key in KEYS {
        let end =
            DOCUMENTED.find(&format!("\n#{} = ", key.name)).unwrap_or_else(|| panic!("{} is documented", key.title()));
        let start = DOCUMENTED[..end].rfind("\n\n").expect("a blank line stands before it");
        let prose = &DOCUMENTED[start..end];
        assert!(prose.contains(&key.variable()), "{} names its variable", key.title());
        let bounds: Vec<String> = key
            .allowed()
            .split([' ', ',', ';'])
            .filter(|word| word.contains(|c: char| c.is_ascii_digit()))
            .map(String::from)
            .collect();
        let bounded = key.allowed().starts_with("a whole")
            || key.allowed().starts_with("whole")
            || key.allowed().starts_with('"');
        for bound in bounds.iter().filter(|_| bounded) {
            assert!(prose.contains(bound.trim_matches('"')), "{} names its bound {bound}", key.title());
        }
    }
}

#[test]
fn no_key_is_documented_that_does_not_exist() {
    let keys = uncommented().lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(keys, KEYS.len() + 4, "every key once, and the four of [[npm.packages]]");
}

#[test]
fn what_is_shown_makes_the_same_settings() {
    let settings = from_file(
        "[node]\npublic_url = 'https://a.b/npm/'\ndata = 'a \"b\"'\n[npm]\nanonymous_reads = false\n[[npm.packages]]\npattern = '@a/*'\npublish = ['bob']",
    );
    assert_eq!(from_file(&show(&settings)), settings);
    assert_eq!(from_file(&show(&Settings::default())), Settings::default());
}

#[test]
fn values_reach_their_place() {
    let settings = from_file(
        "[node]\nlisten = '[::1]:80'\nthreads = 0x10\npin = false\n[http]\nhead_bytes = '8 KiB'\nbody_bytes = 2_048\n[npm]\ntarball_bytes = '1 GiB'\ncheck_owners = false",
    );
    assert_eq!(settings.node.listen, [Listen::Tcp("[::1]:80".parse().expect("an address"))]);
    assert_eq!((settings.node.threads, settings.node.pin), (16, false));
    assert_eq!((settings.http.head_bytes, settings.http.body_bytes), (8192, 2048));
    assert_eq!((settings.npm.tarball_bytes, settings.npm.check_owners), (1 << 30, false));
    assert_eq!(settings.npm.public_url, "http://[::1]:80");
}

#[test]
fn a_mistake_names_file_line_key_value_and_what_is_allowed() {
    let messages = mistakes("# a\n[http]\n\n  head_bytes = 99_999_999\n");
    assert_one(
        &messages,
        &["registry.toml:4:16: [http] head_bytes = 99_999_999 is too large", "\"1 KiB\" to \"16 KiB\""],
    );
}

#[test]
fn numbers_are_held_at_below_and_above_their_bounds() {
    for (key, good, bad) in [
        ("[node]\nthreads", ["0", "256"], ["-1", "257"]),
        ("[node]\nbusy_poll_us", ["0", "10000"], ["-1", "10001"]),
        ("[node]\ndrain_s", ["0", "600"], ["-1", "601"]),
        ("[http]\nheaders", ["8", "100"], ["7", "101"]),
        ("[http]\nhead_bytes", ["1024", "'16 KiB'"], ["1023", "16385"]),
        ("[http]\nhead_timeout_s", ["1", "600"], ["0", "601"]),
        ("[npm]\ntarball_bytes", ["'1 KiB'", "'4 GiB'"], ["'1 B'", "'5 GiB'"]),
    ] {
        for value in good {
            from_file(&format!("{key} = {value}"));
        }
        for (value, why) in bad.into_iter().zip(["is too small", "is too large"]) {
            assert_one(&mistakes(&format!("{key} = {value}")), &["registry.toml:2:", value, why, "allowed: "]);
        }
    }
    assert_one(&mistakes("[node]\nthreads = 0xffffffffffffffffffffffffffffffffffffff"), &["too large"]);
}

#[test]
fn types_are_named() {
    for (line, kind) in [
        ("pin = 'true'", "a text"),
        ("pin = 1", "a number"),
        ("threads = 1.5", "a number with a fraction"),
        ("threads = '4'", "a text"),
        ("threads = []", "a list"),
        ("threads = {}", "a table"),
        ("threads = 2026-01-01", "a date or time"),
        ("listen = 4873", "a number"),
        ("data = true", "a boolean"),
    ] {
        assert_one(
            &mistakes(&format!("[node]\n{line}")),
            &["registry.toml:2:", "is of the wrong type", kind, "allowed: "],
        );
    }
}

#[test]
fn unknown_names_are_met_with_the_nearest_known_one() {
    assert_one(
        &mistakes("[node]\nlisten_on = ''"),
        &["registry.toml:2:1", "no key listen_on in [node]", "did you mean listen?"],
    );
    assert_one(&mistakes("[node]\nhead_bytes = 1"), &["no key head_bytes in [node]", "belongs under [http]"]);
    assert_one(&mistakes("[http]\nxyzzy = 1"), &["the keys of [http] are head_bytes, headers"]);
    assert_one(&mistakes("\n[htp]\nheaders = 1"), &["registry.toml:2:2", "no table [htp]", "did you mean [http]?"]);
    assert_one(&mistakes("[[nod]]"), &["no table [nod]", "did you mean [node]?"]);
    assert_one(&mistakes("listen = ''"), &["registry.toml:1:1", "listen is in no table", "belongs under [node]"]);
    assert_one(&mistakes("npm = 3"), &["npm = 3 is a number, not a table", "write [npm]"]);
    assert_one(&mistakes("[[node]]\npin = true"), &["is a list, not a table"]);
}

#[test]
fn what_is_written_twice_is_refused() {
    assert_one(&mistakes("[node]\npin = true\npin = true"), &["registry.toml:3:1", "pin is there twice"]);
    assert_one(
        &mistakes("[node]\npin = true\n[http]\n[node]\necho = true"),
        &["registry.toml:4:", "node", "is there twice"],
    );
    assert_one(&mistakes("node.pin = true\nnode.pin = false"), &["registry.toml:2:", "is there twice"]);
}

#[test]
fn what_is_not_toml_is_refused_where_it_is() {
    for text in [
        "[node]\nthreads = \n",
        "[node]\nthreads 4\n",
        "[node]\nlisten = \"127.0.0.1\n",
        "[node\n",
        "[node]\npin = yes\n",
        "[node]\ndata = 'a\0b'",
    ] {
        let messages = mistakes(text);
        let line = if text.starts_with("[node\n") { "registry.toml:1:" } else { "registry.toml:2:" };
        assert!(messages.iter().all(|message| message.contains(line)), "{text}: {messages:#?}");
        assert!(messages[0].contains("not valid TOML"), "{text}: {messages:#?}");
    }
}

#[test]
fn a_broken_line_hides_no_mistake_after_it() {
    let messages = mistakes("[node]\nbad line\npin = true\npin = 1\n[node]\n[http]\nheaders = 1\nworse\nheaders = 9");
    let lines: Vec<&str> = messages.iter().filter_map(|message| message.split(':').nth(1)).collect();
    assert_eq!(lines, ["2", "4", "5", "7", "8", "9"], "{messages:#?}");
}

#[test]
fn a_file_of_nothing_but_mistakes_is_given_up_soon() {
    let bytes = 1 << 20;
    let inline = |section: &str| {
        let keys: Vec<String> = (0..bytes / 10).map(|index| format!("x{index}=1")).collect();
        format!("{section} = {{{}}}", keys.join(","))
    };
    let lines = |line: &str| line.repeat(bytes / line.len());
    let keys: String = (0..bytes / 10).map(|index| format!("x{index}=1\n")).collect();
    for text in
        [lines("a\n"), lines("a=\n"), lines("[node]\n"), lines("[a.b]\n"), keys, inline("node"), inline("npm.x")]
    {
        assert!((1..=100).contains(&mistakes(&text).len()));
    }
    let rule =
        format!("[[npm.packages]]\n{}", (0..bytes / 10).map(|index| format!("x{index}=1\n")).collect::<String>());
    assert_eq!(mistakes(&rule).len(), 100);
}

#[test]
fn all_mistakes_are_told_at_once_in_order() {
    let mut sources =
        document("[http]\nheaders = 1\n[node]\nthreads = true\nbad line\npins = 1\n[npm]\ncache_bytes = 'x'");
    sources.variables = variables(&[("LATTICE_NODE_THREADS", "many"), ("LATTICE_NODE_THREADZ", "4")]);
    sources.flags = vec![Flag { name: "--threads", section: "node", key: "threads", value: "999".into() }];
    let messages = messages(load(&sources), "all of it");
    let starts: Vec<&str> = messages.iter().map(|message| message.split_once(": ").expect("a place").0).collect();
    let variable = |name: &str| format!("environment variable {name}");
    assert_eq!(
        starts,
        [
            "registry.toml:2:11",
            "registry.toml:4:11",
            "registry.toml:5:5",
            "registry.toml:6:1",
            "registry.toml:8:15",
            &variable("LATTICE_NODE_THREADS"),
            &variable("LATTICE_NODE_THREADZ"),
            "flag --threads"
        ],
        "{messages:#?}"
    );
}

#[test]
fn a_message_is_short_and_harmless_whatever_the_file_holds() {
    let long = "x".repeat(10_000);
    for text in [
        format!("[node]\n{long} = 1"),
        format!("[node]\nlisten = '{long}'"),
        format!("[{long}]"),
        format!("{long} = 1"),
        format!("[npm]\npackages = ['{long}']"),
        "[node]\ndata = '''a\n\u{7f}'''\nlisten = \"\u{9b}31m\"".into(),
    ] {
        for message in mistakes(&text) {
            assert!(message.len() < 600, "{message}");
            assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message:?}");
        }
    }
}

#[test]
fn no_cut_of_the_file_makes_it_panic() {
    let text = format!("{}\n[http]\n\"ü\" = \"ö\"", uncommented());
    for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
        drop(load(&document(&text[..cut])));
        drop(load(&document(&text[cut..])));
    }
}

#[test]
fn every_address_needs_a_name() {
    for listen in ["0.0.0.0:4873", "[::]:4873"] {
        let text = format!("[node]\nlisten = '{listen}'");
        assert_one(
            &mistakes(&text),
            &["registry.toml:2:10", listen, "public_url is not set", "LATTICE_NODE_PUBLIC_URL"],
        );
        let settings = from_file(&format!("{text}\npublic_url = 'https://npm.example.com/'"));
        assert_eq!(settings.npm.public_url, "https://npm.example.com");
    }
    assert_one(
        &env_mistakes(&[("REGISTRY_HOST", "0.0.0.0")]),
        &["environment variable REGISTRY_HOST", "public_url is not set"],
    );
    from_env(&[("REGISTRY_HOST", "::"), ("LATTICE_NODE_PUBLIC_URL", "http://a")]);
}

#[test]
fn a_node_without_an_address_needs_a_name_too() {
    let text = "[node]\nlisten = ['unix:/run/a.sock', 'unix:b']";
    assert_one(&mistakes(text), &["registry.toml:2:10", "at Unix sockets only", "public_url is not set"]);
    let settings = from_file(&format!("{text}\npublic_url = 'https://npm.example.com'"));
    assert_eq!(settings.npm.public_url, "https://npm.example.com");
    assert_eq!(settings.node.listen, [Listen::Unix("/run/a.sock".into()), Listen::Unix("b".into())]);
    assert_eq!(from_file(&show(&settings)), settings);
}

#[test]
fn lists_are_read_from_each_source() {
    let expected = ["127.0.0.1:80", "unix:/run/a.sock"];
    let shown = |settings: Settings| settings.node.listen.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(from_file("[node]\nlisten = ['localhost:80', 'unix:/run/a.sock']")), expected);
    assert_eq!(shown(from_env(&[("LATTICE_NODE_LISTEN", "localhost:80,unix:/run/a.sock")])), expected);
    assert_one(&mistakes("[node]\nlisten = ['localhost:80', 1]"), &["is of the wrong type, a list", "allowed: "]);
    assert_one(&mistakes("[node]\nlisten = []"), &["names nothing to listen at"]);
}

#[test]
fn proxies_are_believed_only_when_named() {
    let text =
        "[http]\ntrusted_proxies = ['10.0.0.0/8', '::1', 'unix']\nproxy_protocol = 'v1v2'\nforwarded = 'forwarded'";
    let settings = from_file(text);
    let http = &settings.http;
    assert_eq!((http.trusted_proxies.networks.len(), http.trusted_proxies.unix, http.proxy_protocol), (2, true, true));
    assert_eq!(from_file(&show(&settings)), settings);
    assert_eq!(
        from_env(&[("LATTICE_HTTP_TRUSTED_PROXIES", "10.0.0.0/8, ::1, unix")]).http.trusted_proxies,
        http.trusted_proxies
    );
    for (key, value) in [("proxy_protocol", "v1v2"), ("forwarded", "x-forwarded-for")] {
        assert_one(
            &mistakes(&format!("[http]\n{key} = '{value}'")),
            &["registry.toml:2:", key, "no proxy is believed"],
        );
        assert_one(&mistakes(&format!("[http]\n{key} = 'on'")), &["is not one of them", "allowed: \"off\""]);
    }
    assert_one(&mistakes("[http]\nhsts_s = 60"), &["registry.toml:2:", "hsts_s", "nobody tells"]);
    let told = "[http]\nhsts_s = 60\nforwarded = 'forwarded'\ntrusted_proxies = ['10.0.0.0/8']";
    assert_eq!(from_file(told).http.hsts_s, 60);
    assert_one(&mistakes("[http]\ntrusted_proxies = ['10.0.0.1/8']"), &["beyond the prefix length", "allowed: a list"]);
}

#[test]
fn a_public_url_may_have_a_path_and_nothing_after_it() {
    let settings = from_file("[node]\npublic_url = 'https://example.com/npm/'");
    assert_eq!(settings.npm.public_url, "https://example.com/npm");
    assert_one(
        &mistakes("[node]\npublic_url = 'https://example.com/?x'"),
        &["registry.toml:2:14", "has '?' in its path", "allowed: an http://"],
    );
}

#[test]
fn the_port_that_was_given_out_is_in_the_urls() {
    let bound: SocketAddr = "127.0.0.1:50123".parse().expect("an address");
    let mut settings = from_env(&[("REGISTRY_PORT", "0")]);
    let places = vec![Listen::Unix("a".into()), Listen::Tcp(bound)];
    settings.listening_on(places.clone());
    assert_eq!((settings.node.listen, settings.npm.public_url.as_str()), (places, "http://127.0.0.1:50123"));
    let mut named = from_env(&[("LATTICE_NODE_PUBLIC_URL", "http://a")]);
    named.listening_on(vec![Listen::Tcp(bound)]);
    assert_eq!(named.npm.public_url, "http://a");
}

#[test]
fn every_key_has_its_variable() {
    for key in KEYS {
        let value = key.show(&Settings::default());
        from_env(&[(&key.variable(), value.trim_matches('"'))]);
        let messages = env_mistakes(&[(&key.variable(), "\0")]);
        assert_one(&messages, &[&format!("environment variable {}: {} = ", key.variable(), key.title()), "allowed: "]);
    }
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let mut sources = document("[node]\nthreads = 2\ndrain_s = 2\nbacklog = 2");
    sources.variables = variables(&[("LATTICE_NODE_THREADS", "3"), ("LATTICE_NODE_DRAIN_S", "3"), ("PATH", "/bin")]);
    sources.flags = vec![Flag { name: "--threads", section: "node", key: "threads", value: "4".into() }];
    let node = load(&sources).expect("valid").node;
    assert_eq!((node.threads, node.drain_s, node.backlog, node.pool_threads), (4, 3, 2, 0));
}

#[test]
fn host_and_port_have_names_of_their_own() {
    let listen = |pairs: &[(&str, &str)]| from_env(pairs).node.listen[0].to_string();
    assert_eq!(listen(&[("REGISTRY_PORT", "80")]), "127.0.0.1:80");
    assert_eq!(listen(&[("MCP_PORT", "81")]), "127.0.0.1:81");
    assert_eq!(listen(&[("MCP_PORT", "81"), ("REGISTRY_PORT", "81")]), "127.0.0.1:81");
    assert_eq!(listen(&[("REGISTRY_HOST", "::1"), ("REGISTRY_PORT", "65535")]), "[::1]:65535");
    assert_eq!(listen(&[("REGISTRY_PORT", "80"), ("LATTICE_NODE_LISTEN", "127.0.0.2:90")]), "127.0.0.2:90");
    assert_eq!(listen(&[("REGISTRY_PORT", ""), ("MCP_PORT", "82")]), "127.0.0.1:82");
    let mut sources = document("[node]\nlisten = '127.0.0.3:70'");
    sources.variables = variables(&[("REGISTRY_PORT", "71")]);
    assert_eq!(load(&sources).expect("valid").node.listen[0].to_string(), "127.0.0.3:71");
}

#[test]
fn a_wrong_host_or_port_is_told_by_its_name() {
    assert_one(
        &env_mistakes(&[("REGISTRY_PORT", "65536")]),
        &["environment variable REGISTRY_PORT", "65536", "0 to 65535"],
    );
    assert_one(&env_mistakes(&[("MCP_PORT", "http")]), &["environment variable MCP_PORT", "http"]);
    assert_one(
        &env_mistakes(&[("REGISTRY_HOST", "example.com")]),
        &["environment variable REGISTRY_HOST", "example.com", "IP address"],
    );
    assert_one(
        &env_mistakes(&[("REGISTRY_PORT", "1"), ("MCP_PORT", "2")]),
        &["MCP_PORT", "one port serves everything"],
    );
}

#[test]
fn unknown_variables_of_ours_are_refused_and_others_are_not() {
    assert_one(
        &env_mistakes(&[("LATTICE_NODE_LISTN", "x")]),
        &["environment variable LATTICE_NODE_LISTN", "did you mean LATTICE_NODE_LISTEN?"],
    );
    assert_one(&env_mistakes(&[("LATTICE_NPM_PACKAGES", "x")]), &["[[npm.packages]]"]);
    assert_one(&env_mistakes(&[("LATTICE_WHATEVER_THIS_IS", "x")]), &["LATTICE_<SECTION>_<KEY>"]);
    from_env(&[
        ("LATTICE_CONFIG", "x.toml"),
        ("LATTICE_TEST_X", "1"),
        ("NO_COLOR", "1"),
        ("LATTICEX", "1"),
        ("LATTICE_NODE_THREADS", ""),
    ]);
}

#[test]
fn what_kubernetes_says_about_a_service_named_lattice_is_passed_over() {
    from_env(&[
        ("LATTICE_SERVICE_HOST", "10.0.0.1"),
        ("LATTICE_SERVICE_PORT", "4873"),
        ("LATTICE_SERVICE_PORT_HTTP", "4873"),
        ("LATTICE_PORT", "tcp://10.0.0.1:4873"),
        ("LATTICE_PORT_4873_TCP", "tcp://10.0.0.1:4873"),
        ("LATTICE_PORT_4873_TCP_PROTO", "tcp"),
        ("LATTICE_PORT_4873_TCP_PORT", "4873"),
        ("LATTICE_PORT_4873_TCP_ADDR", "10.0.0.1"),
        ("REGISTRY_PORT", "tcp://10.0.0.1:4873"),
    ]);
}

#[test]
fn the_data_directory_has_a_short_name() {
    let data = |pairs: &[(&str, &str)]| from_env(pairs).node.data.display().to_string();
    assert_eq!(data(&[("LATTICE_DATA", "/a")]), "/a");
    assert_eq!(data(&[("LATTICE_DATA", "/a"), ("LATTICE_NODE_DATA", "/b")]), "/b");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf8_is_told() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(vec![b'/', 0xff]);
    let sources =
        Sources { variables: vec![("LATTICE_DATA".into(), odd.clone()), (odd.clone(), odd)], ..Sources::default() };
    assert_one(&messages(load(&sources), "not UTF-8"), &["environment variable LATTICE_DATA", "UTF-8"]);
}

#[test]
fn rules_replace_the_default_and_keep_their_order() {
    let text = "[[npm.packages]]\npattern = '@a/*'\naccess = ['$authenticated']\npublish = ['bob', 'amy']\n[[npm.packages]]\npattern = '**'\nunpublish = []";
    let rules = from_file(text).npm.rules;
    assert_eq!(rules.len(), 2);
    assert_eq!((rules[0].pattern.as_str(), &rules[0].access), ("@a/*", &vec![Party::Authenticated]));
    assert_eq!(rules[0].publish, [Party::User("bob".into()), Party::User("amy".into())]);
    assert_eq!(rules[0].unpublish, rules[0].publish, "unpublish follows publish");
    assert_eq!(
        (&rules[1].access, &rules[1].publish, &rules[1].unpublish),
        (&vec![Party::All], &vec![Party::Authenticated], &vec![])
    );
}

#[test]
fn closed_reads_admit_users_only() {
    let rules =
        "[[npm.packages]]\npattern = '@a/*'\naccess = ['$anonymous', 'bob']\n[[npm.packages]]\npattern = '**'\n";
    assert_eq!(from_file("npm.anonymous_reads = false").npm.rules[0].access, [Party::Authenticated]);
    let settings = from_file(&format!("[npm]\nanonymous_reads = false\n{rules}"));
    assert_eq!(settings.npm.rules[0].access, [Party::Authenticated, Party::User("bob".into())]);
    assert_eq!(settings.npm.rules[1].access, [Party::Authenticated]);
}

#[test]
fn rules_that_could_not_work_are_refused() {
    let rule = |lines: &str| mistakes(&format!("[[npm.packages]]\n{lines}"));
    assert_one(&rule("access = []"), &["registry.toml:1:", "has no pattern"]);
    assert_one(&rule("pattern = 3"), &["registry.toml:2:11", "is of the wrong type, a number"]);
    assert_one(&rule("pattern = ''"), &["1 to 214 bytes"]);
    assert_one(&rule(&format!("pattern = '{}'", "x".repeat(215))), &["1 to 214 bytes"]);
    assert_one(&rule("pattern = 'a b'"), &["has ' '"]);
    assert_one(&rule("pattern = '*********'"), &["more than 8 wildcards"]);
    assert_one(&rule("pattern = '@team'"), &["fits no package: write \"@team/*\""]);
    assert_one(&rule("pattern = 'team/*'"), &["fits no package", "@scope"]);
    assert_one(&rule("pattern = '@a/b/c'"), &["fits no package"]);
    assert_one(&rule("pattern = 'a'\naccess = '$all'"), &["registry.toml:3:10", "is a text, not a list"]);
    assert_one(&rule("pattern = 'a'\naccess = [1]"), &["access: 1 is a number"]);
    assert_one(&rule("pattern = 'a'\naccess = ['$al']"), &["is no group", "did you mean \"$all\"?"]);
    assert_one(&rule("pattern = 'a'\naccess = ['a b']"), &["is no user name"]);
    assert_one(&rule("pattern = 'a'\npublish = ['$all']"), &["registry.toml:3:12", "not logged in", "$authenticated"]);
    assert_one(&rule("pattern = 'a'\nunpublish = ['$anonymous']"), &["not logged in"]);
    assert_one(&rule("pattern = 'a'\nacces = []"), &["registry.toml:3:1", "no key acces", "did you mean access?"]);
    assert_one(
        &rule("pattern = '**'\n[[npm.packages]]\npattern = 'a'"),
        &["registry.toml:4:11", "the rule for \"**\" stands above it"],
    );
    assert_one(&rule("pattern = 'a'\n[[npm.packages]]\npattern = 'a'"), &["registry.toml:4:11", "stands above it"]);
    assert_one(&mistakes("[npm.packages]\npattern = 'a'"), &["is a table, not a list", "two brackets"]);
    assert_one(&mistakes("[npm]\npackages = [1]"), &["a rule of npm.packages is a number"]);
}

#[test]
fn lists_are_bounded() {
    let rules =
        |count: usize| (0..count).map(|index| format!("[[npm.packages]]\npattern = 'p{index}'\n")).collect::<String>();
    assert_eq!(from_file(&rules(1000)).npm.rules.len(), 1000);
    assert_one(&mistakes(&rules(1001)), &["there are 1001 rules", "up to 1000"]);
    let parties = |count: usize| format!("[[npm.packages]]\npattern = 'a'\naccess = [{}]", "'u',".repeat(count));
    assert_eq!(from_file(&parties(1000)).npm.rules[0].access.len(), 1000);
    assert_one(&mistakes(&parties(1001)), &["names 1001 parties"]);
}
