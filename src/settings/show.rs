//! Settings as a `registry.toml` that would make them.

use super::keys::{KEYS, Key, SECTIONS};
use super::{Settings, rules};

/// Every key with its value, the variable that sets it, and whether that is the default.
pub fn show(settings: &Settings) -> String {
    let default = Settings::default();
    let sections = SECTIONS.map(|section| show_section(settings, &default, section));
    sections.join("\n") + &rules::show(&settings.npm.rules)
}

fn show_section(settings: &Settings, default: &Settings, section: &str) -> String {
    let keys = KEYS.iter().filter(|key| key.section == section);
    let lines: String = keys.map(|key| show_key(key, settings, default)).collect();
    format!("[{section}]\n{lines}")
}

fn show_key(key: &Key, settings: &Settings, default: &Settings) -> String {
    let value = key.show(settings);
    let usual = key.show(default);
    let note = if value == usual { "default".to_string() } else { format!("default {usual}") };
    let line = format!("{} = {value}", key.name);
    format!("{line:<42} # {}, {note}\n", key.variable())
}
