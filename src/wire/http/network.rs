//! Networks of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// A network (RFC 4632, RFC 4291 §2.3). IPv4 addresses mapped into IPv6 are IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkError {
    /// What stands before the slash is no address.
    Address,
    /// The address has bits beyond the prefix: which network was meant cannot be told.
    HostBits,
    /// What stands after the slash is no number, or more than the address has bits.
    Prefix,
}

impl NetworkError {
    /// As a sentence for the operator.
    pub const fn explain(self) -> &'static str {
        match self {
            NetworkError::Address => "expected an IP address, or one with a prefix length such as 10.0.0.0/8",
            NetworkError::HostBits => "the address has bits set beyond the prefix length",
            NetworkError::Prefix => "the prefix length is a number up to 32 for IPv4 and 128 for IPv6",
        }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.explain())
    }
}

impl core::error::Error for NetworkError {}

impl Network {
    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (u32::from(first) ^ u32::from(address)) & mask4(self.prefix_bits) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (u128::from(first) ^ u128::from(address)) & mask6(self.prefix_bits) == 0
            }
            _ => false,
        }
    }

    fn new(address: IpAddr, prefix_bits: u8) -> Result<Self, NetworkError> {
        let has_host_bits = match address {
            IpAddr::V4(address) if prefix_bits <= 32 => u32::from(address) & !mask4(prefix_bits) != 0,
            IpAddr::V6(address) if prefix_bits <= 128 => u128::from(address) & !mask6(prefix_bits) != 0,
            _ => return Err(NetworkError::Prefix),
        };
        if has_host_bits { Err(NetworkError::HostBits) } else { Ok(Self { first: address, prefix_bits }) }
    }
}

fn mask4(bits: u8) -> u32 {
    u32::MAX.checked_shl(Ipv4Addr::BITS - u32::from(bits)).unwrap_or(0)
}

fn mask6(bits: u8) -> u128 {
    u128::MAX.checked_shl(Ipv6Addr::BITS - u32::from(bits)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = IpAddr::from_str(address).map_err(|_| NetworkError::Address)?;
        let Some(prefix) = prefix else {
            let address = address.to_canonical();
            return Self::new(address, if address.is_ipv4() { 32 } else { 128 });
        };
        let is_number = !prefix.is_empty() && prefix.len() <= 3 && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let bits = prefix.parse::<u8>().ok().filter(|_| is_number).ok_or(NetworkError::Prefix)?;
        Self::new(address, bits)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.first, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"][..], &["9.255.255.255", "11.0.0.0"][..]),
            ("192.168.1.128/25", &["192.168.1.128", "192.168.1.255"], &["192.168.1.127", "192.168.2.128"]),
            ("127.0.0.1", &["127.0.0.1"], &["127.0.0.2", "::1"]),
            ("0.0.0.0/0", &["1.2.3.4", "255.255.255.255"], &["::1"]),
            ("fd00::/8", &["fd00::", "fdff:ffff::1"], &["fe00::", "fc00::", "10.0.0.1"]),
            ("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::1"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            ("::/0", &["::1", "fd00::1"], &["1.2.3.4", "::ffff:1.2.3.4"]),
            ("::ffff:10.0.0.1", &["10.0.0.1", "::ffff:10.0.0.1"], &["10.0.0.2"]),
        ] {
            let is_in = |address: &&&str| network(text).contains(address.parse().unwrap());
            assert!(inside.iter().all(|address| is_in(&address)), "{text}");
            assert!(!outside.iter().any(|address| is_in(&address)), "{text}");
        }
    }

    #[test]
    fn what_is_no_network() {
        use NetworkError::{Address, HostBits, Prefix};
        for (text, error) in [
            ("", Address),
            ("localhost", Address),
            ("10.0.0/8", Address),
            ("10.0.0.0.0/8", Address),
            ("010.0.0.0/8", Address),
            ("10.0.0.0/33", Prefix),
            ("10.0.0.0/", Prefix),
            ("10.0.0.0/+8", Prefix),
            ("10.0.0.0/0008", Prefix),
            ("10.0.0.0/8/8", Prefix),
            ("::/129", Prefix),
            ("10.0.0.1/8", HostBits),
            ("fd00::1/8", HostBits),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_says_itself(address: u32, bits in 0u8..=32) {
            let first = Ipv4Addr::from(address & mask4(bits));
            let made = network(&alloc::format!("{first}/{bits}"));
            prop_assert_eq!(network(&made.to_string()), made);
            prop_assert!(made.contains(Ipv4Addr::from(address).into()));
        }
    }
}
