//! Every key that can be set, once: its section, name, bounds, and how it is read and written.
//!
//! `[[npm.packages]]` is the only thing in `registry.toml` that is not here: it is a list, see
//! `rules.rs`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::decimal::{Decimal, parse_thousandths};
use super::performance::{TARGET_BYTES_MAX, TARGET_NS_MAX, TARGET_RATIO_MAX};
use super::units::{parse_bytes, parse_number, show_bytes};
use super::{Settings, edge, listen, proxies, url, ws};
use crate::limits::{
    BODY_BUFFER_BYTES_MAX, BUFFER_BYTES_MIN, BUSY_POLL_US_MAX, HEAD_BYTES_MAX, HEAD_BYTES_MIN, HEADERS_MAX,
    TARBALL_BYTES_MAX, THREADS_MAX, WS_FRAGMENTS_MAX, WS_MESSAGE_BYTES_MAX,
};

/// The sections, in the order they are shown.
pub const SECTIONS: [&str; 5] = ["node", "http", "ws", "npm", "performance"];

/// One thing that can be set.
pub struct Key {
    /// The table it is in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What 0 or an empty text stands for, if that is not what it says.
    pub special: Option<&'static str>,
    slot: Slot,
}

/// Where a value lives and what it may be.
enum Slot {
    Flag {
        read: fn(&Settings) -> bool,
        write: fn(&mut Settings, bool),
    },
    Number {
        unit: Unit,
        least: u64,
        most: u64,
        read: fn(&Settings) -> u64,
        write: fn(&mut Settings, u64),
    },
    /// From 0 to a whole number.
    Decimal {
        most: u64,
        read: fn(&Settings) -> Decimal,
        write: fn(&mut Settings, Decimal),
    },
    Text {
        allowed: &'static str,
        read: fn(&Settings) -> String,
        write: fn(&mut Settings, &str) -> Result<(), String>,
    },
    /// A list of texts; one alone may stand without brackets.
    List {
        allowed: &'static str,
        read: fn(&Settings) -> Vec<String>,
        write: fn(&mut Settings, &[&str]) -> Result<(), String>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Count,
    Bytes,
    Seconds,
}

/// A value as its source gives it, before a key has judged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'v> {
    /// A truth value of a file.
    Flag(bool),
    /// A whole number of a file.
    Number(i128),
    /// A number with a fraction of a file, as it is written.
    Decimal(&'v str),
    /// A text of a file.
    Text(&'v str),
    /// A list of texts of a file.
    List(&'v [&'v str]),
    /// What an environment variable or a flag says: the key decides what kind it is.
    Bare(&'v str),
    /// A value of a file that no key takes: what it is.
    Other(&'static str),
}

/// The key of this section and name.
pub fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

impl Key {
    /// Section and name as messages show them.
    pub fn title(&self) -> String {
        format!("[{}] {}", self.section, self.name)
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("LATTICE_{}_{}", self.section, self.name).to_uppercase()
    }

    /// What it may be, for people.
    pub fn allowed(&self) -> String {
        let kind = match self.slot {
            Slot::Flag { .. } => "true or false".to_string(),
            Slot::Number { unit: Unit::Count, least, most, .. } => format!("a whole number from {least} to {most}"),
            Slot::Number { unit: Unit::Seconds, least, most, .. } => format!("whole seconds from {least} to {most}"),
            Slot::Number { unit: Unit::Bytes, least, most, .. } => {
                format!("\"{}\" to \"{}\", or the same as a number of bytes", show_bytes(least), show_bytes(most))
            }
            Slot::Decimal { most, .. } => format!("a number from 0 to {most}, with up to three decimals"),
            Slot::Text { allowed, .. } | Slot::List { allowed, .. } => allowed.to_string(),
        };
        self.special.map_or(kind.clone(), |special| format!("{kind}; {special}"))
    }

    /// Its value in these settings, as TOML.
    pub fn show(&self, settings: &Settings) -> String {
        match self.slot {
            Slot::Flag { read, .. } => read(settings).to_string(),
            Slot::Number { unit: Unit::Bytes, read, .. } => quote(&show_bytes(read(settings))),
            Slot::Number { read, .. } => read(settings).to_string(),
            Slot::Decimal { read, .. } => read(settings).to_string(),
            Slot::Text { read, .. } => quote(&read(settings)),
            Slot::List { read, .. } => show_list(&read(settings)),
        }
    }

    /// Sets it, or says why it may not be set so: a phrase that follows the value.
    pub fn set(&self, settings: &mut Settings, given: Given<'_>) -> Result<(), String> {
        match self.slot {
            Slot::Flag { write, .. } => write(settings, flag(given)?),
            Slot::Number { unit, least, most, write, .. } => write(settings, number(given, unit, least, most)?),
            Slot::Decimal { most, write, .. } => write(settings, decimal(given, most)?),
            Slot::Text { write, .. } => write(settings, text(given)?)?,
            Slot::List { write, .. } => write(settings, &texts(given)?)?,
        }
        Ok(())
    }
}

fn flag(given: Given<'_>) -> Result<bool, String> {
    match given {
        Given::Flag(on) => Ok(on),
        Given::Bare("true") => Ok(true),
        Given::Bare("false") => Ok(false),
        other => Err(wrong_kind(other, "neither true nor false")),
    }
}

fn number(given: Given<'_>, unit: Unit, least: u64, most: u64) -> Result<u64, String> {
    let value = match given {
        Given::Number(value) => Some(value),
        Given::Bare(text) | Given::Text(text) if unit == Unit::Bytes => parse_bytes(text.trim()),
        Given::Bare(text) => parse_number(text.trim()),
        _ => None,
    };
    within(value.ok_or_else(|| wrong_kind(given, "not a whole number"))?, least, most)
}

fn decimal(given: Given<'_>, most: u64) -> Result<Decimal, String> {
    let thousandths = match given {
        Given::Number(whole) => Some(whole.saturating_mul(1000)),
        Given::Bare(text) | Given::Decimal(text) => parse_thousandths(text.trim()),
        _ => None,
    };
    let thousandths = thousandths.ok_or_else(|| match given {
        Given::Decimal(_) => "is not a number with at most three decimals".into(),
        other => wrong_kind(other, "not a number with at most three decimals"),
    })?;
    within(thousandths, 0, most.saturating_mul(1000)).map(Decimal::of_thousandths)
}

fn within(value: i128, least: u64, most: u64) -> Result<u64, String> {
    if value < i128::from(least) {
        return Err("is too small".into());
    }
    u64::try_from(value).ok().filter(|value| *value <= most).ok_or_else(|| "is too large".into())
}

fn text(given: Given<'_>) -> Result<&str, String> {
    match given {
        Given::Text(text) | Given::Bare(text) => Ok(text),
        other => Err(wrong_kind(other, "not a text")),
    }
}

/// A variable or a flag separates by commas, and says `[]` for none.
fn texts(given: Given<'_>) -> Result<Vec<&str>, String> {
    match given {
        Given::List(texts) => Ok(texts.to_vec()),
        Given::Text(text) => Ok(vec![text]),
        Given::Bare("[]") => Ok(Vec::new()),
        Given::Bare(text) => Ok(text.split(',').map(str::trim).collect()),
        other => Err(wrong_kind(other, "not a list of texts")),
    }
}

fn wrong_kind(given: Given<'_>, bare: &str) -> String {
    match given {
        Given::Bare(_) => format!("is {bare}"),
        Given::Flag(_) => "is of the wrong type, a boolean".into(),
        Given::Number(_) => "is of the wrong type, a number".into(),
        Given::Decimal(_) => "is of the wrong type, a number with a fraction".into(),
        Given::Text(_) => format!("is of the wrong type, a text: {bare}"),
        Given::List(_) => "is of the wrong type, a list".into(),
        Given::Other(kind) => format!("is of the wrong type, {kind}"),
    }
}

/// One text as such, others as a list.
fn show_list(texts: &[String]) -> String {
    match texts {
        [text] => quote(text),
        texts => format!("[{}]", texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", ")),
    }
}

/// A text as a TOML string.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(control))),
            plain => quoted.push(plain),
        }
    }
    quoted + "\""
}

/// An address without a port.
pub(crate) fn parse_host(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if bare == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { bare.parse().ok() }
}

fn write_data(settings: &mut Settings, text: &str) -> Result<(), String> {
    if text.is_empty() || text.contains('\0') {
        return Err("names no directory".into());
    }
    settings.node.data = PathBuf::from(text);
    Ok(())
}

fn write_live_config(settings: &mut Settings, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("names no file".into());
    }
    settings.node.live_config = (!text.is_empty()).then(|| PathBuf::from(text));
    Ok(())
}

fn write_public_url(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.node.public_url = if text.is_empty() { None } else { Some(url::parse(text)?) };
    Ok(())
}

macro_rules! flag {
    ($section:ident . $name:ident, $($place:tt)+) => {
        Key {
            section: stringify!($section),
            name: stringify!($name),
            special: None,
            slot: Slot::Flag { read: |settings| settings.$($place)+, write: |settings, on| settings.$($place)+ = on },
        }
    };
    ($section:ident . $name:ident) => { flag!($section.$name, $section.$name) };
}

// The casts are exact: each upper bound fits the field's type, which a test holds.
macro_rules! number {
    ($section:ident . $name:ident, $unit:ident, $least:expr, $most:expr, $special:expr) => {
        Key {
            section: stringify!($section),
            name: stringify!($name),
            special: $special,
            slot: Slot::Number {
                unit: Unit::$unit,
                least: $least as u64,
                most: $most as u64,
                read: |settings| settings.$section.$name as u64,
                write: |settings, value| settings.$section.$name = value as _,
            },
        }
    };
    ($section:ident . $name:ident, $unit:ident, $least:expr, $most:expr) => {
        number!($section.$name, $unit, $least, $most, None)
    };
}

macro_rules! text {
    ($section:ident . $name:ident, $allowed:expr, $special:expr, $read:expr, $write:expr) => {
        Key {
            section: stringify!($section),
            name: stringify!($name),
            special: $special,
            slot: Slot::Text { allowed: $allowed, read: $read, write: $write },
        }
    };
}

macro_rules! list {
    ($section:ident . $name:ident, $allowed:expr, $read:expr, $write:expr) => {
        Key {
            section: stringify!($section),
            name: stringify!($name),
            special: None,
            slot: Slot::List { allowed: $allowed, read: $read, write: $write },
        }
    };
}

macro_rules! target {
    ($name:ident, Bytes) => {
        number!(performance.$name, Bytes, 0, TARGET_BYTES_MAX, Some("0 = no target"))
    };
    ($name:ident, $most:expr) => {
        Key {
            section: "performance",
            name: stringify!($name),
            special: Some("0 = no target"),
            slot: Slot::Decimal {
                most: $most,
                read: |settings| settings.performance.$name,
                write: |settings, value| settings.performance.$name = value,
            },
        }
    };
}

/// All keys, in the order they are shown.
pub static KEYS: &[Key] = &[
    list!(node.listen, listen::ALLOWED, listen::read, listen::write),
    text!(node.socket_mode, "an octal mode: \"0600\", \"0660\", \"0666\"", None, listen::read_mode, listen::write_mode),
    text!(
        node.data,
        "a directory, from the working directory unless it begins with a slash",
        None,
        |settings| settings.node.data.display().to_string(),
        write_data
    ),
    text!(
        node.live_config,
        "a file, from the working directory unless it begins with a slash",
        Some("\"\" = config.bin in data"),
        |settings| settings.node.live_config.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
        write_live_config
    ),
    text!(
        node.public_url,
        url::ALLOWED,
        Some("\"\" = http:// and the address of listen"),
        |settings| settings.node.public_url.clone().unwrap_or_default(),
        write_public_url
    ),
    number!(node.threads, Count, 0, THREADS_MAX, Some("0 = one per core")),
    flag!(node.pin),
    number!(node.busy_poll_us, Count, 0, BUSY_POLL_US_MAX, Some("0 = sleep at once")),
    number!(node.pool_threads, Count, 0, 1024, Some("0 = twice the cores, at least 4")),
    number!(node.connections, Count, 16, 1_000_000),
    number!(node.connections_per_ip, Count, 0, 1_000_000, Some("0 = any number")),
    number!(node.buffer_bytes, Bytes, BUFFER_BYTES_MIN, 1_u64 << 40),
    number!(node.backlog, Count, 1, 65_535),
    flag!(node.defer_accept),
    flag!(node.steer),
    number!(node.drain_s, Seconds, 0, 600),
    flag!(node.echo),
    number!(http.head_bytes, Bytes, HEAD_BYTES_MIN, HEAD_BYTES_MAX),
    number!(http.headers, Count, 8, HEADERS_MAX),
    number!(http.body_bytes, Bytes, 1024, BODY_BUFFER_BYTES_MAX),
    number!(http.head_timeout_s, Seconds, 1, 600),
    number!(http.body_timeout_s, Seconds, 1, 3600),
    number!(http.idle_timeout_s, Seconds, 1, 3600),
    number!(http.write_timeout_s, Seconds, 1, 3600),
    number!(http.body_rate, Count, 0, 1_000_000_000, Some("0 = any")),
    number!(http.write_rate, Count, 0, 1_000_000_000, Some("0 = any")),
    number!(http.requests_per_connection, Count, 0, 1_000_000_000, Some("0 = any number")),
    list!(http.trusted_proxies, proxies::TRUSTED_ALLOWED, proxies::read_trusted, proxies::write_trusted),
    text!(http.proxy_protocol, proxies::PROTOCOL_ALLOWED, None, proxies::read_protocol, proxies::write_protocol),
    text!(http.forwarded, proxies::FORWARDED_ALLOWED, None, proxies::read_forwarded, proxies::write_forwarded),
    list!(http.cors_origins, edge::ORIGINS_ALLOWED, edge::read_origins, edge::write_origins),
    flag!(http.request_ids),
    flag!(http.server_timing),
    number!(http.hsts_s, Seconds, 0, 63_072_000, Some("0 = do not say")),
    number!(ws.message_bytes, Bytes, 125, WS_MESSAGE_BYTES_MAX),
    number!(ws.fragments, Count, 1, WS_FRAGMENTS_MAX),
    number!(ws.queue_bytes, Bytes, 1024, 1_u64 << 30),
    number!(ws.ping_s, Seconds, 1, 3600),
    text!(ws.compression, ws::COMPRESSION_ALLOWED, None, ws::read_compression, ws::write_compression),
    list!(ws.origins, edge::ORIGINS_ALLOWED, ws::read_origins, ws::write_origins),
    flag!(npm.allow_signup),
    flag!(npm.anonymous_reads, anonymous_reads),
    flag!(npm.check_owners),
    number!(npm.tarball_bytes, Bytes, 1024, TARBALL_BYTES_MAX),
    number!(npm.cache_bytes, Bytes, 1 << 20, 1_u64 << 36),
    target!(routing_static_ns, TARGET_NS_MAX),
    target!(routing_package_ns, TARGET_NS_MAX),
    target!(http_parse_ns, TARGET_NS_MAX),
    target!(http_session_ns, TARGET_NS_MAX),
    target!(http_pipelined_ns, TARGET_NS_MAX),
    target!(http_chunked_ns, TARGET_NS_MAX),
    target!(config_update_ns, TARGET_NS_MAX),
    target!(config_slot_decode_ns, TARGET_NS_MAX),
    target!(config_frame_decode_ns, TARGET_NS_MAX),
    target!(config_cached_ns, TARGET_NS_MAX),
    target!(config_snapshot_ns, TARGET_NS_MAX),
    target!(config_publish_ns, TARGET_NS_MAX),
    target!(config_write_ratio, TARGET_RATIO_MAX),
    target!(config_open_ratio, TARGET_RATIO_MAX),
    target!(cookie_parse_ns, TARGET_NS_MAX),
    target!(memory_session_bytes, Bytes),
    target!(memory_connection_bytes, Bytes),
    target!(binary_file_bytes, Bytes),
    target!(integration_ping_ns, TARGET_NS_MAX),
    target!(integration_pipelined_ns, TARGET_NS_MAX),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_kept_exactly_at_both_of_its_bounds_and_refused_beyond() {
        for key in KEYS {
            let Slot::Number { least, most, read, .. } = key.slot else { continue };
            let mut settings = Settings::default();
            for bound in [least, most] {
                assert_eq!(key.set(&mut settings, Given::Number(bound.into())), Ok(()), "{}", key.title());
                assert_eq!(read(&settings), bound, "{}", key.title());
            }
            let below = key.set(&mut settings, Given::Number(i128::from(least) - 1));
            let above = key.set(&mut settings, Given::Number(i128::from(most) + 1));
            assert_eq!((below, above), (Err("is too small".into()), Err("is too large".into())), "{}", key.title());
            assert_eq!(read(&settings), most, "{}: a refusal changes nothing", key.title());
            assert!(key.set(&mut settings, Given::Number(i128::MAX)).is_err());
        }
    }

    #[test]
    fn every_decimal_is_kept_exactly_at_both_of_its_bounds_and_refused_beyond() {
        let decimals = KEYS.iter().filter_map(|key| match key.slot {
            Slot::Decimal { most, read, .. } => Some((key, most, read)),
            _ => None,
        });
        for (key, most, read) in decimals {
            let mut settings = Settings::default();
            let (above, below) = (format!("{most}.001"), "-0.001");
            for (given, kept) in [
                (Given::Number(most.into()), Decimal::of(most)),
                (Given::Decimal("0.001"), Decimal::of_thousandths(1)),
                (Given::Bare("0.25"), Decimal::of_thousandths(250)),
                (Given::Number(0), Decimal::of(0)),
            ] {
                assert_eq!((key.set(&mut settings, given), read(&settings)), (Ok(()), kept), "{}", key.title());
            }
            for (given, why) in [
                (Given::Decimal(&above), "is too large"),
                (Given::Number(i128::MAX), "is too large"),
                (Given::Bare(below), "is too small"),
                (Given::Decimal("0.0001"), "is not a number with at most three decimals"),
                (Given::Decimal("inf"), "is not a number with at most three decimals"),
                (Given::Bare("many"), "is not a number with at most three decimals"),
                (Given::Flag(true), "is of the wrong type, a boolean"),
            ] {
                assert_eq!(key.set(&mut settings, given), Err(why.into()), "{}", key.title());
            }
            assert_eq!(read(&settings), Decimal::of(0), "{}: a refusal changes nothing", key.title());
        }
    }

    #[test]
    fn every_key_is_in_a_section_and_there_once() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(SECTIONS.contains(&key.section), "{}", key.title());
            assert!(!KEYS[..index].iter().any(|other| other.variable() == key.variable()), "{}", key.title());
        }
    }

    #[test]
    fn every_default_is_allowed_and_read_back_as_shown() {
        for key in KEYS {
            let mut settings = Settings::default();
            let shown = key.show(&settings);
            assert_eq!(key.set(&mut settings, Given::Bare(shown.trim_matches('"'))), Ok(()), "{}", key.title());
            assert_eq!(settings, Settings::default(), "{}", key.title());
        }
    }

    #[test]
    fn kinds_are_not_mixed_up() {
        let mut settings = Settings::default();
        let mut set = |section, name, given| find(section, name).expect("a key").set(&mut settings, given);
        assert!(set("node", "pin", Given::Text("true")).is_err());
        assert!(set("node", "pin", Given::Number(1)).is_err());
        assert!(set("node", "pin", Given::Bare("yes")).is_err());
        assert!(set("node", "threads", Given::Text("4")).is_err());
        assert!(set("node", "threads", Given::Flag(true)).is_err());
        assert!(set("node", "listen", Given::Number(4873)).is_err());
        assert!(set("npm", "tarball_bytes", Given::Text("1 MiB")).is_ok());
        assert!(set("http", "head_timeout_s", Given::Text("10")).is_err());
    }

    #[test]
    fn a_list_is_one_text_or_several() {
        let key = find("node", "listen").expect("a key");
        let set = |given| {
            let mut settings = Settings::default();
            key.set(&mut settings, given).map(|()| key.show(&settings))
        };
        assert_eq!(set(Given::Text("[::1]:80")), Ok("\"[::1]:80\"".into()));
        let two = Ok("[\"[::1]:80\", \"unix:a\"]".to_owned());
        assert_eq!(set(Given::List(&["[::1]:80", "unix:a"])), two);
        assert_eq!(set(Given::Bare("[::1]:80, unix:a")), two);
        assert!(set(Given::Text("[::1]:80, unix:a")).is_err(), "a file has lists of its own");
        assert!(set(Given::Bare("[]")).is_err() && set(Given::List(&[])).is_err(), "this list needs one at least");
        assert!(find("node", "data").expect("a key").set(&mut Settings::default(), Given::List(&["a"])).is_err());
    }

    #[test]
    fn hosts_are_addresses() {
        assert_eq!(parse_host("[::1]"), parse_host("::1"));
        assert_eq!(parse_host("localhost"), parse_host("127.0.0.1"));
        assert_eq!(parse_host("example.com"), None);
    }

    #[test]
    fn a_quoted_text_is_one_toml_string() {
        assert_eq!(quote("a\"b\\c\n"), r#""a\"b\\c\u000A""#);
    }
}
