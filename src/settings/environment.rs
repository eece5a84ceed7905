//! Environment variables: `LATTICE_<SECTION>_<KEY>` for each key, and the few names that hosting
//! platforms use.
//!
//! An empty value counts as none, as compose files and unit files leave variables they do not fill.
//! A `LATTICE_` name that nothing reads is a mistake, except those Kubernetes sets by itself for a
//! service that happens to be called `lattice`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};

use super::keys::{Given, KEYS, Key, find, parse_host};
use super::load::Draft;
use super::problem::{Origin, excerpt};
use super::suggest::nearest;
use super::{Listen, PORT};

/// Another name for [`LATTICE_NODE_DATA`](super::keys), which wins over it.
const DATA: &str = "LATTICE_DATA";
/// Read by the commands, not here: which file to read.
const CONFIG: &str = "LATTICE_CONFIG";
const HOST: &str = "REGISTRY_HOST";
/// Names of the one port; all that are set must agree.
const PORTS: [&str; 2] = ["REGISTRY_PORT", "MCP_PORT"];

/// Takes everything the environment sets.
pub(crate) fn read(draft: &mut Draft, variables: &[(OsString, OsString)]) {
    let variables = ours(draft, variables);
    read_address(draft, &variables);
    if let Some(data) = variables.get(DATA) {
        set(draft, find("node", "data").expect("a key of the table"), DATA, data);
    }
    for (name, value) in &variables {
        match KEYS.iter().find(|key| key.variable() == *name) {
            Some(key) => set(draft, key, name, value),
            None if name.starts_with("LATTICE_") && !is_known(name) => report_unknown(draft, name),
            None => {}
        }
    }
}

/// The variables that mean the node, and mean something.
fn ours(draft: &mut Draft, variables: &[(OsString, OsString)]) -> BTreeMap<String, String> {
    let mut ours = BTreeMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
        match value.to_str() {
            Some(value) if value.is_empty() || is_of_kubernetes(name, value) => {}
            Some(value) => drop(ours.insert(name.to_string(), value.to_string())),
            None => draft.report(variable(name), "the value is not UTF-8", "allowed: text in UTF-8"),
        }
    }
    ours
}

fn is_ours(name: &str) -> bool {
    name == HOST || PORTS.contains(&name) || name.starts_with("LATTICE_")
}

fn is_known(name: &str) -> bool {
    matches!(name, DATA | CONFIG) || name.starts_with("LATTICE_TEST_")
}

/// `LATTICE_SERVICE_HOST=10.0.0.1`, `LATTICE_PORT=tcp://10.0.0.1:80`, `LATTICE_PORT_80_TCP_ADDR=…`:
/// what Kubernetes tells every container about a service.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let about_port = name.contains("_PORT") && value.contains("://");
    let detail = ["_TCP_", "_UDP_", "_SCTP_"].iter().any(|protocol| name.contains(protocol));
    about_port
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.contains("_PORT_") && detail)
}

fn variable(name: &str) -> Origin {
    Origin::Variable(name.to_string())
}

fn set(draft: &mut Draft, key: &Key, name: &str, value: &str) {
    draft.set(key, variable(name), &key.title(), Given::Bare(value), value);
}

/// Host and port replace their half of `listen`; a whole `LATTICE_NODE_LISTEN` comes later and wins.
fn read_address(draft: &mut Draft, variables: &BTreeMap<String, String>) {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let address = draft.settings.node.listen.iter().find_map(Listen::address).unwrap_or(usual);
    let host = variables.get(HOST).and_then(|text| read_host(draft, text));
    let port = read_port(draft, variables);
    let origin = host.map(|_| variable(HOST)).or(port.map(|(name, _)| variable(name)));
    if let Some(origin) = origin {
        let ip = host.unwrap_or(address.ip());
        draft.listen(SocketAddr::new(ip, port.map_or(address.port(), |(_, port)| port)), origin);
    }
}

fn read_host(draft: &mut Draft, text: &str) -> Option<std::net::IpAddr> {
    let host = parse_host(text);
    if host.is_none() {
        let what = format!("the host {} is not an IP address", excerpt(text));
        draft.report(variable(HOST), what, "allowed: an IP address without a port: 127.0.0.1, 0.0.0.0, ::1");
    }
    host
}

fn read_port(draft: &mut Draft, variables: &BTreeMap<String, String>) -> Option<(&'static str, u16)> {
    let mut first: Option<(&'static str, u16)> = None;
    for name in PORTS {
        let Some(text) = variables.get(name) else { continue };
        match (text.trim().parse::<u16>(), first) {
            (Err(_), _) => {
                let what = format!("the port {} is not a number from 0 to 65535", excerpt(text));
                draft.report(variable(name), what, "allowed: a whole number from 0 to 65535; 0 = any free port");
            }
            (Ok(port), Some((other, taken))) if port != taken => {
                let what = format!("the port {port} is not that of {other}, which is {taken}");
                draft.report(variable(name), what, "one port serves everything: set one of the two, or both alike");
            }
            (Ok(port), None) => first = Some((name, port)),
            (Ok(_), Some(_)) => {}
        }
    }
    first
}

fn report_unknown(draft: &mut Draft, name: &str) {
    if name.starts_with("LATTICE_NPM_PACKAGES") {
        let what = "rules for packages cannot be set by a variable";
        return draft.report(variable(name), what, "write them into registry.toml as [[npm.packages]]");
    }
    let names: Vec<String> = KEYS.iter().map(Key::variable).chain([DATA.into(), CONFIG.into()]).collect();
    let remedy = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "variables that begin with LATTICE_ name a key as LATTICE_<SECTION>_<KEY>; `lattice config check` lists them".into(),
    };
    draft.report(variable(name), "there is no such setting", remedy);
}
