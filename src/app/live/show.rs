//! The config for programs: as JSON, and as variables for shells and `.env` files.
//!
//! The variables begin with `LIVE_CONFIG_`: names that begin with `LATTICE_` would be taken for settings of
//! a node that is started with them.

use serde_json::{Map, Value};

use super::field::FIELDS;
use crate::config::{Config, Flags, Slot};

/// What the names of variables begin with.
const PREFIX: &str = "LIVE_CONFIG_";

/// How variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `NAME="value"`, for files that programs read at their start.
    Dotenv,
    /// One object of texts.
    Json,
    /// `export NAME='value'`, to be evaluated.
    Shell,
}

impl Style {
    /// The style of this name.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "dotenv" => Some(Style::Dotenv),
            "json" => Some(Style::Json),
            "shell" => Some(Style::Shell),
            _ => None,
        }
    }
}

/// Every field, the flags by name, and the bytes.
pub fn json(slot: &Slot) -> Value {
    let config = &slot.config;
    let mut all = Map::new();
    all.insert("sequence".into(), slot.sequence.into());
    for field in FIELDS {
        all.insert(field.name.into(), field.value(config).into());
    }
    let flags = Flags::NAMES.iter().enumerate();
    let flags = flags.map(|(bit, name)| ((*name).to_owned(), Value::Bool(is_on(config, bit)))).collect();
    all.insert("flags".into(), Value::Object(flags));
    all.insert("hex".into(), hex(config).into());
    Value::Object(all)
}

/// The 13 bytes as digits.
pub fn hex(config: &Config) -> String {
    config.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same as variables, in the order of the fields.
pub fn variables(slot: &Slot) -> Vec<(String, String)> {
    let config = &slot.config;
    let named = |name: &str, value: String| (format!("{PREFIX}{}", name.to_uppercase()), value);
    let fields = FIELDS.iter().map(|field| named(field.name, field.value(config).to_string()));
    let flags = Flags::NAMES.iter().enumerate().map(|(bit, name)| named(name, is_on(config, bit).to_string()));
    let sequence = [named("sequence", slot.sequence.to_string())];
    sequence.into_iter().chain(fields).chain(flags).chain([named("hex", hex(config))]).collect()
}

fn is_on(config: &Config, bit: usize) -> bool {
    config.flags().contains(Flags(1 << bit))
}

/// Variables as text that gives exactly these values back, whatever they contain.
pub fn environment(variables: &[(String, String)], style: Style) -> String {
    match style {
        Style::Dotenv => variables.iter().map(|(name, value)| format!("{name}={}\n", quoted_twice(value))).collect(),
        Style::Shell => {
            variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted_once(value))).collect()
        }
        Style::Json => {
            let texts = variables.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
            format!("{}\n", Value::Object(texts.collect()))
        }
    }
}

/// Between single quotes a shell changes nothing; a single quote itself stands outside of them.
fn quoted_once(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Between double quotes, with a backslash before what would mean something there.
fn quoted_twice(value: &str) -> String {
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '\\' | '$' | '`' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn slot() -> Slot {
        let bytes = [1, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 2, 24, 80, 0xee];
        Slot { config: Config::from_bytes(bytes), sequence: 7 }
    }

    #[test]
    fn json_has_every_field_every_flag_and_the_bytes() {
        let expected = json!({
            "sequence": 7, "version": 1, "registry_hash": 0x1234_5678, "feature_flags": 0xc000_00a5_u32,
            "terminal_mode": 2, "rows": 24, "cols": 80, "reserved": 0xee,
            "flags": {
                "PREMIUM_TYPES": true, "PRIVATE_REGISTRY": false, "DEBUG": true, "PROXY_MODE": false,
                "BINARY_PROTOCOL": false, "CACHE_ENABLED": true, "METRICS": false, "LOGGING": true,
            },
            "hex": "0178563412a50000c0021850ee",
        });
        assert_eq!(json(&slot()), expected);
    }

    #[test]
    fn no_variable_is_taken_for_a_setting() {
        let variables = variables(&slot());
        assert!(variables.iter().all(|(name, _)| name.starts_with(PREFIX) && !name.starts_with("LATTICE_")));
        assert_eq!(variables.len(), 1 + FIELDS.len() + Flags::NAMES.len() + 1);
        assert!(variables.contains(&("LIVE_CONFIG_ROWS".into(), "24".into())));
        assert!(variables.contains(&("LIVE_CONFIG_DEBUG".into(), "true".into())));
    }

    #[test]
    fn a_value_means_nothing_to_whoever_reads_it() {
        let nasty = [("A".to_owned(), "it's $(id) `id` \"x\" \\ \n y".to_owned())];
        assert_eq!(environment(&nasty, Style::Shell), "export A='it'\\''s $(id) `id` \"x\" \\ \n y'\n");
        assert_eq!(environment(&nasty, Style::Dotenv), "A=\"it's \\$(id) \\`id\\` \\\"x\\\" \\\\ \\n y\"\n");
        let object: Value = serde_json::from_str(&environment(&nasty, Style::Json)).unwrap();
        assert_eq!(object["A"], nasty[0].1);
        for (name, style) in [("shell", Style::Shell), ("json", Style::Json), ("dotenv", Style::Dotenv)] {
            assert_eq!(Style::find(name), Some(style));
        }
        assert_eq!(Style::find("bash"), None);
    }
}
