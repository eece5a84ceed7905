//! Each flag, by each way it can be turned: the next request of every thread follows.

use std::time::Duration;

use lattice::config::Flags;

use super::{LONG, Site, WAYS, ask, config_of};
use crate::support::Setup;

#[test]
fn private_registry_closes_and_opens_with_the_next_request_of_every_thread() {
    let site = Site::start();
    let mut connections = site.connections();
    for way in WAYS {
        for (on, status) in [(true, 401), (false, 200)] {
            way(&site, "PRIVATE_REGISTRY", Flags::PRIVATE_REGISTRY, on);
            for connection in &mut connections {
                let answer = ask(connection, "/open");
                assert_eq!((answer.status, answer.header("WWW-Authenticate").is_some()), (status, on), "{answer:?}");
            }
        }
    }
}

#[test]
fn a_private_registry_is_closed_in_all_its_parts_and_open_to_users() {
    let site = Site::start();
    site.config(&["flag", "PRIVATE_REGISTRY", "on"]);
    let user = site.bearer(&site.user);
    for path in ["/open", "/open/1.0.0", "/open/-/open-1.0.0.tgz", "/-/v1/search?text=open", "/_dashboard/api/config"] {
        assert_eq!(site.node.get(path).status, 401, "{path}");
        assert_eq!(site.node.http("GET", path, &[("Authorization", &user)], b"").status, 200, "{path}");
    }
    for path in ["/-/ping", "/healthz", "/readyz"] {
        assert_eq!(site.node.get(path).status, 200, "{path}");
    }
}

#[test]
fn what_registry_toml_closes_no_flag_opens() {
    let site = Site::with(Setup::new().config("[npm]\nanonymous_reads = false\n"));
    for value in ["0", "0xfffffffd"] {
        site.config(&["set", "feature_flags", value]);
        assert_eq!(site.node.get("/open").status, 401, "{value}");
        assert_eq!(site.node.get("/_dashboard/api/config").status, 401, "{value}");
    }
}

#[test]
fn without_cache_every_document_is_made_anew() {
    let site = Site::start();
    let mut connections = site.connections();
    for connection in &mut connections {
        assert_eq!(ask(connection, "/open").status, 200);
    }
    for way in WAYS {
        for on in [false, true] {
            way(&site, "CACHE_ENABLED", Flags::CACHE_ENABLED, on);
            // The first on each thread fills what is on again.
            connections.iter_mut().for_each(|connection| drop(ask(connection, "/open")));
            let before = site.node.meters().sum("jobs");
            for connection in &mut connections {
                assert_eq!(ask(connection, "/open").status, 200);
            }
            let jobs = site.node.meters().sum("jobs") - before;
            assert_eq!(jobs, if on { 0 } else { connections.len() as u64 }, "cache {on}");
        }
    }
}

#[test]
fn debug_logs_each_request_and_logging_off_logs_none() {
    let site = Site::start();
    let mut connections = site.connections();
    for (turn, way) in WAYS.into_iter().enumerate() {
        let path = |what: &str| format!("/-/ping?{what}{turn}");
        ask(&mut connections[0], &path("before"));
        way(&site, "DEBUG", Flags::DEBUG, true);
        let lines = |site: &Site| site.node.output().matches(" DEBUG GET /-/ping 200 in ").count();
        let before = lines(&site);
        for connection in &mut connections {
            assert_eq!(ask(connection, &path("on")).status, 200);
        }
        let wanted = before + connections.len();
        let is_told = |site: &Site| lines(site) == wanted;
        assert!(wait_until(&site, is_told), "{} of {wanted} lines:\n{}", lines(&site), site.node.output());
        way(&site, "LOGGING", Flags::LOGGING, false);
        connections.iter_mut().for_each(|connection| drop(ask(connection, &path("silent"))));
        way(&site, "LOGGING", Flags::LOGGING, true);
        way(&site, "DEBUG", Flags::DEBUG, false);
        connections.iter_mut().for_each(|connection| drop(ask(connection, &path("off"))));
        // The log has so many lines a second: another turn comes later.
        std::thread::sleep(Duration::from_millis(1100));
        let told = lines(&site);
        assert_eq!(told, wanted, "{}", site.node.output());
    }
}

fn wait_until(site: &Site, is_so: impl Fn(&Site) -> bool) -> bool {
    let deadline = std::time::Instant::now() + LONG;
    while !is_so(site) {
        if std::time::Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

#[test]
fn metrics_off_the_counters_are_not_told() {
    let site = Site::start();
    for way in WAYS {
        let off = "meters are off: `lattice config flag METRICS on`";
        let times = |site: &Site| site.node.output().matches(off).count();
        let before = times(&site);
        way(&site, "METRICS", Flags::METRICS, false);
        site.node.signal("USR1");
        assert!(wait_until(&site, |site| times(site) == before + 1), "{}", site.node.output());
        way(&site, "METRICS", Flags::METRICS, true);
        assert_eq!(site.node.meters().of_each_thread("wakes").len(), 2);
    }
}

#[test]
fn what_nothing_depends_on_is_kept_and_shown() {
    let site = Site::start();
    for (name, flag) in [
        ("PREMIUM_TYPES", Flags::PREMIUM_TYPES),
        ("PROXY_MODE", Flags::PROXY_MODE),
        ("BINARY_PROTOCOL", Flags::BINARY_PROTOCOL),
    ] {
        for way in WAYS {
            for on in [true, false] {
                way(&site, name, flag, on);
                let shown = site.node.get("/_dashboard/api/config").json();
                assert_eq!(shown["flags"][name], on, "{name}");
            }
        }
    }
}

#[test]
fn a_config_survives_the_node() {
    let site = Site::start();
    site.config(&["flag", "PRIVATE_REGISTRY", "on"]);
    let (setup, data) = (site.node.setup(), site.node.data().clone());
    site.node.terminate();
    let next = setup.start();
    assert_eq!(next.get("/open").status, 401, "as it was");
    assert!(config_of(&data).exists());
}
