//! Every key that can be set, once: its section, name, bounds, and how it is read and written.
//!
//! `[[npm.packages]]` is the only thing in `registry.toml` that is not here: it is a list, see
//! `rules.rs`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::performance::{TARGET_BYTES_MAX, TARGET_NS_MAX};
use super::units::{parse_bytes, parse_number, show_bytes};
use super::{Settings, url};
use crate::limits::{
    BODY_BUFFER_BYTES_MAX, HEAD_BYTES_MAX, HEAD_BYTES_MIN, HEADERS_MAX, TARBALL_BYTES_MAX, THREADS_MAX,
};

/// The sections, in the order they are shown.
pub const SECTIONS: [&str; 4] = ["node", "http", "npm", "performance"];

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
    Flag { read: fn(&Settings) -> bool, write: fn(&mut Settings, bool) },
    Number { unit: Unit, least: u64, most: u64, read: fn(&Settings) -> u64, write: fn(&mut Settings, u64) },
    Text { allowed: &'static str, read: fn(&Settings) -> String, write: fn(&mut Settings, &str) -> Result<(), String> },
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
    /// A text of a file.
    Text(&'v str),
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
            Slot::Text { allowed, .. } => allowed.to_string(),
        };
        self.special.map_or(kind.clone(), |special| format!("{kind}; {special}"))
    }

    /// Its value in these settings, as TOML.
    pub fn show(&self, settings: &Settings) -> String {
        match self.slot {
            Slot::Flag { read, .. } => read(settings).to_string(),
            Slot::Number { unit: Unit::Bytes, read, .. } => quote(&show_bytes(read(settings))),
            Slot::Number { read, .. } => read(settings).to_string(),
            Slot::Text { read, .. } => quote(&read(settings)),
        }
    }

    /// Sets it, or says why it may not be set so: a phrase that follows the value.
    pub fn set(&self, settings: &mut Settings, given: Given<'_>) -> Result<(), String> {
        match self.slot {
            Slot::Flag { write, .. } => write(settings, flag(given)?),
            Slot::Number { unit, least, most, write, .. } => write(settings, number(given, unit, least, most)?),
            Slot::Text { write, .. } => write(settings, text(given)?)?,
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
    let value = value.ok_or_else(|| wrong_kind(given, "not a whole number"))?;
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

fn wrong_kind(given: Given<'_>, bare: &str) -> String {
    match given {
        Given::Bare(_) => format!("is {bare}"),
        Given::Flag(_) => "is of the wrong type, a boolean".into(),
        Given::Number(_) => "is of the wrong type, a number".into(),
        Given::Text(_) => format!("is of the wrong type, a text: {bare}"),
        Given::Other(kind) => format!("is of the wrong type, {kind}"),
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

/// An address to listen on; `localhost` is understood without asking anybody.
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let local = text.strip_prefix("localhost:").map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
    local.as_deref().unwrap_or(text).parse().map_err(|_| "is not an IP address with a port".into())
}

/// An address without a port.
pub(crate) fn parse_host(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if bare == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { bare.parse().ok() }
}

fn write_listen(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.node.listen = parse_listen(text)?;
    Ok(())
}

fn write_data(settings: &mut Settings, text: &str) -> Result<(), String> {
    if text.is_empty() || text.contains('\0') {
        return Err("names no directory".into());
    }
    settings.node.data = PathBuf::from(text);
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

macro_rules! target {
    ($name:ident, Count) => {
        number!(performance.$name, Count, 0, TARGET_NS_MAX, Some("0 = no target"))
    };
    ($name:ident, Bytes) => {
        number!(performance.$name, Bytes, 0, TARGET_BYTES_MAX, Some("0 = no target"))
    };
}

const LISTEN: &str = "an IP address and a port: \"127.0.0.1:4873\", \"[::1]:4873\", \"0.0.0.0:4873\"";

/// All keys, in the order they are shown.
pub static KEYS: &[Key] = &[
    text!(node.listen, LISTEN, None, |settings| settings.node.listen.to_string(), write_listen),
    text!(
        node.data,
        "a directory, from the working directory unless it begins with a slash",
        None,
        |settings| settings.node.data.display().to_string(),
        write_data
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
    number!(node.pool_threads, Count, 0, 1024, Some("0 = twice the cores, at least 4")),
    number!(node.connections, Count, 16, 1_000_000),
    number!(node.backlog, Count, 1, 65_535),
    flag!(node.defer_accept),
    number!(node.drain_s, Seconds, 0, 600),
    flag!(node.echo),
    number!(http.head_bytes, Bytes, HEAD_BYTES_MIN, HEAD_BYTES_MAX),
    number!(http.headers, Count, 8, HEADERS_MAX),
    number!(http.body_bytes, Bytes, 1024, BODY_BUFFER_BYTES_MAX),
    number!(http.head_timeout_s, Seconds, 1, 600),
    number!(http.body_timeout_s, Seconds, 1, 3600),
    number!(http.idle_timeout_s, Seconds, 1, 3600),
    number!(http.write_timeout_s, Seconds, 1, 3600),
    number!(http.requests_per_connection, Count, 0, 1_000_000_000, Some("0 = any number")),
    flag!(npm.allow_signup),
    flag!(npm.anonymous_reads, anonymous_reads),
    flag!(npm.check_owners),
    number!(npm.tarball_bytes, Bytes, 1024, TARBALL_BYTES_MAX),
    number!(npm.cache_bytes, Bytes, 1 << 20, 1_u64 << 36),
    target!(routing_static_ns, Count),
    target!(routing_package_ns, Count),
    target!(http_parse_ns, Count),
    target!(http_session_ns, Count),
    target!(http_pipelined_ns, Count),
    target!(http_chunked_ns, Count),
    target!(config_update_ns, Count),
    target!(cookie_parse_ns, Count),
    target!(memory_session_bytes, Bytes),
    target!(memory_connection_bytes, Bytes),
    target!(binary_file_bytes, Bytes),
    target!(integration_ping_ns, Count),
    target!(integration_pipelined_ns, Count),
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
    fn addresses_are_addresses() {
        for (text, expected) in
            [("localhost:80", "127.0.0.1:80"), ("[::]:0", "[::]:0"), (" 0.0.0.0:4873 ", "0.0.0.0:4873")]
        {
            assert_eq!(parse_listen(text), Ok(expected.parse().expect("an address")), "{text}");
        }
        for bad in ["", "4873", ":4873", "example.com:80", "127.0.0.1", "127.0.0.1:65536", "::1:80", "localhost:x"] {
            assert!(parse_listen(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_host("[::1]"), parse_host("::1"));
        assert_eq!(parse_host("localhost"), parse_host("127.0.0.1"));
        assert_eq!(parse_host("example.com"), None);
    }

    #[test]
    fn a_quoted_text_is_one_toml_string() {
        assert_eq!(quote("a\"b\\c\n"), r#""a\"b\\c\u000A""#);
    }
}
