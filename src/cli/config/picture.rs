//! The 13 bytes, drawn: where each stands, what it is, what it means.

use std::path::Path;

use super::super::output::{plain, table};
use super::get::{on_off, shown};
use crate::app::live::field::{FIELDS, Field};
use crate::config::{Flags, Slot};

const GREEN: &str = "\u{1b}[32m";
const RESET: &str = "\u{1b}[0m";

/// The config of a file for a person; features that are on in green if `coloured`.
pub(super) fn picture(path: &Path, slot: &Slot, coloured: bool) -> String {
    let title = format!("{}, sequence {}\n\n", plain(&path.display().to_string()), slot.sequence);
    let fields = table(["OFFSET", "BYTES", "FIELD", "VALUE"], &FIELDS.map(|field| row(&field, slot)));
    let flags: Vec<[String; 3]> =
        Flags::NAMES.iter().enumerate().map(|(bit, name)| flag_row(slot, bit, name)).collect();
    let flags = table(["BIT", "FEATURE", "STATE"], &flags);
    let flags = if coloured { flags.replace("  on\n", &format!("  {GREEN}on{RESET}\n")) } else { flags };
    format!("{title}{fields}\n{flags}{}", unnamed(slot))
}

fn row(field: &Field, slot: &Slot) -> [String; 4] {
    let bytes = &slot.config.to_bytes()[field.range()];
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let value = shown(field, field.value(&slot.config));
    [format!("0x{:02x}", field.offset), digits.join(" "), field.name.to_owned(), value]
}

fn flag_row(slot: &Slot, bit: usize, name: &str) -> [String; 3] {
    let on = slot.config.flags().contains(Flags(1 << bit));
    [bit.to_string(), name.to_owned(), on_off(on).to_owned()]
}

fn unnamed(slot: &Slot) -> String {
    match slot.config.flags().unnamed() {
        Flags(0) => String::new(),
        Flags(bits) => format!("on, and without a name: 0x{bits:08x}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn every_byte_stands_at_its_offset_with_its_meaning() {
        let bytes = [1, 0x78, 0x56, 0x34, 0x12, 0xa5, 0, 0, 0xc0, 2, 24, 80, 0xee];
        let slot = Slot { config: Config::from_bytes(bytes), sequence: 7 };
        let drawn = picture(Path::new("a/config.bin"), &slot, false);
        let expected = "\
a/config.bin, sequence 7

OFFSET  BYTES        FIELD          VALUE
0x00    01           version        1
0x01    78 56 34 12  registry_hash  0x12345678
0x05    a5 00 00 c0  feature_flags  0xc00000a5
0x09    02           terminal_mode  2
0x0a    18           rows           24
0x0b    50           cols           80
0x0c    ee           reserved       238

BIT  FEATURE           STATE
0    PREMIUM_TYPES     on
1    PRIVATE_REGISTRY  off
2    DEBUG             on
3    PROXY_MODE        off
4    BINARY_PROTOCOL   off
5    CACHE_ENABLED     on
6    METRICS           off
7    LOGGING           on
on, and without a name: 0xc0000000
";
        assert_eq!(drawn, expected);
        let coloured = picture(Path::new("a/config.bin"), &slot, true);
        assert_eq!(coloured.replace(GREEN, "").replace(RESET, ""), expected);
        assert_eq!(coloured.matches(GREEN).count(), 4);
    }
}
