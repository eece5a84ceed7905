//! The live config, as slices see it.
//!
//! Every slice is told the [`Flags`] in force, at the start and whenever they change, before the first
//! request that may not miss the change. The slice that shows and changes the config has a [`LiveConfig`],
//! to be used in jobs. What the fields are called and may be is in [`field`], how they are written for
//! programs in [`show`]; the command line uses both as well.
//!
//! Pure: where the 13 bytes come from is the node's to know.

pub mod field;
pub mod show;

use crate::config::{Config, Error, Flags, Slot};

/// What is in force where nothing else was said: a new config begins with it, and servers without a config
/// have it for ever.
pub const USUAL: Flags = Flags(
    Flags::CACHE_ENABLED.0 | Flags::METRICS.0 | Flags::LOGGING.0 | Flags::BINARY_PROTOCOL.0 | Flags::PROXY_MODE.0,
);

/// The config file of the node. Both calls may block.
pub trait LiveConfig: Send + Sync {
    /// The config as it is now.
    fn read(&self) -> Result<Slot, Error>;

    /// Replaces it if its sequence is still `expected`; on the disk when this returns, if it is to be
    /// `durable`.
    fn replace(&self, config: Config, expected: u64, durable: bool) -> Result<Slot, Error>;
}

/// The config that a node begins with.
pub fn first(public_url: &str) -> Config {
    Config::new().with_registry_hash(registry_hash(public_url)).with_flags(USUAL)
}

/// What `registry_hash` is for the registry of this URL, which has no slash at its end: FNV-1a of its
/// bytes, 32 bits.
pub fn registry_hash(public_url: &str) -> u32 {
    public_url.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the list of the algorithm's authors.
        assert_eq!(registry_hash(""), 0x811c_9dc5);
        assert_eq!(registry_hash("a"), 0xe40c_292c);
        assert_eq!(registry_hash("foobar"), 0xbf9c_f968);
    }

    #[test]
    fn a_new_config_has_the_usual_flags() {
        let config = first("http://127.0.0.1:4873");
        assert_eq!(config.flags(), Flags(0b1111_1000));
        assert_eq!(config.registry_hash(), registry_hash("http://127.0.0.1:4873"));
        assert!(config.is_known() && config.terminal_mode().is_ok());
    }
}
