//! What fills an executable: the section headers of an ELF file (64-bit, little-endian).
//!
//! Bytes in, names and sizes out. The file may be anything: every offset is checked, nothing is
//! followed twice, and what is no such file is `None`.

/// Bytes of one section header.
const HEADER_BYTES: usize = 64;
/// The type of a section that is not there.
const TYPE_NULL: u32 = 0;
/// The type of a section that takes no bytes of the file.
const TYPE_NOBITS: u32 = 8;

/// A section that takes bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// The sections of an ELF file, in its order.
pub(super) fn sections(file: &[u8]) -> Option<Vec<Section>> {
    // The magic, then 2 for 64 bits and 1 for little-endian.
    file.strip_prefix(b"\x7fELF\x02\x01")?;
    let start = usize::try_from(u64_at(file, 0x28)?).ok()?;
    let (size, count, names) = (u16_at(file, 0x3a)?, u16_at(file, 0x3c)?, u16_at(file, 0x3e)?);
    if usize::from(size) != HEADER_BYTES {
        return None;
    }
    let header = |index: u16| {
        let from = start.checked_add(usize::from(index) * HEADER_BYTES)?;
        file.get(from..from.checked_add(HEADER_BYTES)?)
    };
    let names = contents(file, header(names)?)?;
    let mut sections = Vec::new();
    for index in 0..count {
        let header = header(index)?;
        if !matches!(u32_at(header, 4)?, TYPE_NULL | TYPE_NOBITS) {
            let bytes = contents(file, header)?.len() as u64;
            sections.push(Section { name: name_at(names, u32_at(header, 0)?)?, bytes });
        }
    }
    Some(sections)
}

/// The bytes a section header points at.
fn contents<'f>(file: &'f [u8], header: &[u8]) -> Option<&'f [u8]> {
    let from = usize::try_from(u64_at(header, 0x18)?).ok()?;
    let length = usize::try_from(u64_at(header, 0x20)?).ok()?;
    file.get(from..from.checked_add(length)?)
}

/// The text up to the next NUL.
fn name_at(names: &[u8], offset: u32) -> Option<String> {
    let rest = names.get(usize::try_from(offset).ok()?..)?;
    let name = rest.split(|&octet| octet == 0).next()?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Three sections and the empty first one: code of 5 bytes, zeroed data, names.
    fn file() -> Vec<u8> {
        let names = b"\0.text\0.bss\0.shstrtab\0";
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(64, 0);
        file.extend_from_slice(b"code!");
        file.extend_from_slice(names);
        let start = file.len() as u64;
        file[0x28..0x30].copy_from_slice(&start.to_le_bytes());
        for (at, value) in [(0x3a, 64u16), (0x3c, 4), (0x3e, 3)] {
            file[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        let size = names.len() as u64;
        for (name, kind, offset, size) in
            [(0u32, 0u32, 0u64, 0u64), (1, 1, 64, 5), (7, 8, 0, 1 << 40), (12, 3, 69, size)]
        {
            let mut header = [0; HEADER_BYTES];
            header[..4].copy_from_slice(&name.to_le_bytes());
            header[4..8].copy_from_slice(&kind.to_le_bytes());
            header[0x18..0x20].copy_from_slice(&offset.to_le_bytes());
            header[0x20..0x28].copy_from_slice(&size.to_le_bytes());
            file.extend_from_slice(&header);
        }
        file
    }

    #[test]
    fn sections_have_their_names_and_the_bytes_they_take() {
        let section = |name: &str, bytes| Section { name: name.into(), bytes };
        assert_eq!(sections(&file()), Some(vec![section(".text", 5), section(".shstrtab", 22)]));
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_none() {
        let file = file();
        for end in 0..file.len() {
            assert_eq!(sections(&file[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn another_kind_of_file_is_none() {
        for (at, byte) in [(0, 0), (4, 1), (5, 2), (0x3a, 63), (0x3e, 4)] {
            let mut file = file();
            file[at] = byte;
            assert_eq!(sections(&file), None, "{byte} at {at}");
        }
    }

    #[test]
    fn the_program_that_runs_has_code() {
        let file = std::fs::read("/proc/self/exe").expect("the tests run on Linux");
        let sections = sections(&file).expect("an ELF file");
        assert!(sections.iter().any(|section| section.name == ".text" && section.bytes > 100_000), "{sections:?}");
        assert!(sections.iter().map(|section| section.bytes).sum::<u64>() <= file.len() as u64);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(at in 0..64usize, octets in prop::collection::vec(any::<u8>(), 1..16)) {
            let mut file = file();
            let end = (at + octets.len()).min(file.len());
            file[at..end].copy_from_slice(&octets[..end - at]);
            let _ = sections(&file);
        }
    }
}
