//! Where a node listens: at a TCP address, or at the path of a Unix socket.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::Settings;
use crate::limits::{LISTENERS_MAX, SOCKET_PATH_BYTES_MAX};

/// What the key may be, for people.
pub(super) const ALLOWED: &str = "an IP address and a port, \"unix:\" and a path, or a list of them: \"127.0.0.1:4873\", \
     \"0.0.0.0:4873\", [\"[::1]:4873\", \"unix:/run/lattice.sock\"]";

/// One place to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
}

impl Listen {
    /// Reads a place; `localhost` is understood without asking anybody.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return parse_path(path).map(Listen::Unix);
        }
        let local = text.strip_prefix("localhost:").map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
        let address = local.as_deref().unwrap_or(text).parse().map(Listen::Tcp);
        address.map_err(|_| "is not an IP address with a port".into())
    }

    /// The address, unless it is a file.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Listen::Tcp(address) => Some(*address),
            Listen::Unix(_) => None,
        }
    }
}

fn parse_path(path: &str) -> Result<PathBuf, String> {
    match path {
        "" => Err("names no file".into()),
        path if path.contains('\0') => Err("is not a path".into()),
        path if path.len() > SOCKET_PATH_BYTES_MAX => {
            Err(format!("has a path longer than {SOCKET_PATH_BYTES_MAX} bytes"))
        }
        path => Ok(path.into()),
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => write!(formatter, "{address}"),
            Listen::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

pub(super) fn read(settings: &Settings) -> Vec<String> {
    settings.node.listen.iter().map(ToString::to_string).collect()
}

pub(super) fn write(settings: &mut Settings, texts: &[&str]) -> Result<(), String> {
    let places = texts.iter().map(|text| Listen::parse(text)).collect::<Result<Vec<_>, _>>()?;
    if places.is_empty() {
        return Err("names nothing to listen at".into());
    }
    if places.len() > LISTENERS_MAX {
        return Err(format!("names more than {LISTENERS_MAX} places"));
    }
    let free = |place: &Listen| place.address().is_some_and(|address| address.port() == 0);
    if places.iter().enumerate().any(|(index, place)| !free(place) && places[..index].contains(place)) {
        return Err("names a place twice".into());
    }
    settings.node.listen = places;
    Ok(())
}

pub(super) fn read_mode(settings: &Settings) -> String {
    format!("{:04o}", settings.node.socket_mode)
}

pub(super) fn write_mode(settings: &mut Settings, text: &str) -> Result<(), String> {
    let digits = text.len() >= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777);
    settings.node.socket_mode = mode.ok_or("is not an octal mode")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_addresses_or_files() {
        for (text, expected) in [
            ("localhost:80", "127.0.0.1:80"),
            ("[::]:0", "[::]:0"),
            (" 0.0.0.0:4873 ", "0.0.0.0:4873"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:a", "unix:a"),
        ] {
            assert_eq!(Listen::parse(text).map(|place| place.to_string()), Ok(expected.into()), "{text}");
        }
        for bad in ["", "4873", ":4873", "example.com:80", "127.0.0.1", "127.0.0.1:65536", "::1:80", "localhost:x"] {
            assert!(Listen::parse(bad).is_err(), "{bad}");
        }
        for bad in ["/run/a.sock", "unix:", "unix:a\0b", "Unix:/run/a"] {
            assert!(Listen::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_may_be_as_long_as_the_kernel_takes_it() {
        let path = |bytes: usize| format!("unix:/{}", "a".repeat(bytes - 1));
        assert!(Listen::parse(&path(SOCKET_PATH_BYTES_MAX - 1)).is_ok());
        assert!(Listen::parse(&path(SOCKET_PATH_BYTES_MAX)).is_ok());
        assert!(Listen::parse(&path(SOCKET_PATH_BYTES_MAX + 1)).is_err());
        let longest = "a".repeat(SOCKET_PATH_BYTES_MAX);
        assert!(std::os::unix::net::SocketAddr::from_pathname(longest).is_ok(), "the kernel's own bound");
    }

    #[test]
    fn a_list_has_one_place_at_least_and_none_twice() {
        let mut settings = Settings::default();
        let many: Vec<String> = (0..=LISTENERS_MAX).map(|port| format!("127.0.0.1:{}", 4000 + port)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(write(&mut settings, &many[..LISTENERS_MAX]), Ok(()));
        for bad in [&[][..], &["unix:a", "unix:a"], &["localhost:80", "127.0.0.1:80"], &many] {
            assert!(write(&mut settings, bad).is_err(), "{bad:?}");
        }
        assert_eq!(settings.node.listen.len(), LISTENERS_MAX, "a refusal changes nothing");
        assert_eq!(write(&mut settings, &["127.0.0.1:0", "127.0.0.1:0"]), Ok(()), "two free ports are two");
    }

    #[test]
    fn modes_are_octal() {
        let mut settings = Settings::default();
        for (text, mode) in [("600", 0o600), ("0777", 0o777), ("000", 0)] {
            assert_eq!(write_mode(&mut settings, text), Ok(()));
            assert_eq!(settings.node.socket_mode, mode);
        }
        for bad in ["", "6", "1000", "0o66", "+66", "668", "rw-"] {
            assert!(write_mode(&mut settings, bad).is_err(), "{bad}");
        }
    }
}
