//! Tarballs, good and hostile, built here header by header.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use super::*;

/// A tar that is put together entry by entry, with any bytes as a name.
#[derive(Default, Clone)]
pub(crate) struct Pack(Vec<u8>);

impl Pack {
    pub(crate) fn file(self, path: &str, body: &[u8]) -> Self {
        self.entry(EntryType::Regular, path.as_bytes(), b"", body)
    }

    pub(crate) fn entry(mut self, kind: EntryType, path: &[u8], link: &[u8], body: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
        header.set_entry_type(kind);
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(body);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut body = String::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            body += &format!("{length} {key}={value}\n");
        }
        self.entry(EntryType::XHeader, b"pax", b"", body.as_bytes())
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn tgz(self) -> Vec<u8> {
        gzip(&self.raw(&[0; 1024]).0)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn look(tgz: &[u8]) -> Result<Contents, Error> {
    inspect(tgz, tgz.len() as u64)
}

fn error(pack: Pack) -> String {
    format!("{:?}", look(&pack.tgz()).expect_err("refused"))
}

fn package() -> Pack {
    Pack::default().file("package/package.json", b"{}")
}

#[test]
fn a_package_is_read_through() {
    let pack = Pack::default()
        .entry(EntryType::Directory, b"package/", b"", b"")
        .file("package/lib/readme.md", b"no")
        .file("package/README", b"three")
        .file("package/ReadMe.md", b"four")
        .file("package/readme.txt", b"one")
        .file("package/package.json", b"{\"name\":1}")
        .file("package/binding.gyp", b"")
        .file("package/npm-shrinkwrap.json", b"{}");
    let contents = look(&pack.tgz()).unwrap();
    assert_eq!(contents.manifest, b"{\"name\":1}");
    assert_eq!(contents.readme, Some(Readme { text: "four".into(), file: "ReadMe.md".into() }));
    assert_eq!((contents.files, contents.unpacked), (7, 26));
    assert!(contents.has_gyp && contents.has_shrinkwrap);
}

#[test]
fn the_root_may_have_any_name_and_paths_may_be_long() {
    let long = format!("package/{}/x.js", "d".repeat(200));
    let pack = Pack::default()
        .file("other-1.0.0/package.json", b"{}")
        .pax(&[("path", &long), ("size", "2"), ("mtime", "1")])
        .file("short", b"ab")
        .entry(EntryType::GNULongName, b"././@LongLink", b"", format!("{long}\0").as_bytes())
        .file("short", b"cd")
        .entry(EntryType::XGlobalHeader, b"g", b"", b"12 comment=\n");
    assert_eq!(look(&pack.tgz()).unwrap().files, 3);
}

#[test]
fn a_readme_is_cut_at_a_character() {
    let text = "é".repeat(README_BYTES_MAX);
    let contents = look(&package().file("package/readme.md", format!("x{text}").as_bytes()).tgz()).unwrap();
    let readme = contents.readme.unwrap().text;
    assert_eq!(readme.len(), README_BYTES_MAX - 1);
    assert!(readme.ends_with('é'));
    let exact = "y".repeat(README_BYTES_MAX);
    let contents = look(&package().file("package/readme.md", exact.as_bytes()).tgz()).unwrap();
    assert_eq!(contents.readme.unwrap().text, exact);
}

#[test]
fn paths_that_climb_or_are_not_plain_are_refused() {
    for path in ["../x", "package/../x", "package/..", ".."] {
        assert_eq!(error(package().file(path, b"")), "ParentPath", "{path}");
    }
    for path in ["/etc/passwd", "/", "C:/x", "c:x"] {
        assert_eq!(error(package().file(path, b"")), "AbsolutePath", "{path}");
    }
    for path in ["package\\..\\x", "package//x", "./package/x", "package/./x", "package/a\nb", "package/x\u{7f}", ""] {
        assert_eq!(error(package().file(path, b"")), "BadPath", "{path}");
    }
    assert_eq!(error(package().entry(EntryType::Regular, b"package/\xff", b"", b"")), "BadPath");
    assert_eq!(error(package().pax(&[("path", "package/a\0b")]).file("package/a", b"")), "BadPath");
    assert_eq!(error(package().pax(&[("path", "../x")]).file("package/a", b"")), "ParentPath");
    assert_eq!(error(package().file("x.js", b"")), "OutsideRoot");
    assert_eq!(error(Pack::default().file("package.json", b"{}")), "OutsideRoot");
}

#[test]
fn links_may_not_leave_the_package() {
    let link = |kind, path: &str, target: &str| package().entry(kind, path.as_bytes(), target.as_bytes(), b"");
    for target in ["../b", "./b", "b", "..//b"] {
        assert!(look(&link(EntryType::Symlink, "package/a/c", target).tgz()).is_ok(), "{target}");
    }
    for target in ["..", "../b", "a/../../b"] {
        assert_eq!(error(link(EntryType::Symlink, "package/a", target)), "LinkEscapes", "{target}");
    }
    assert_eq!(error(link(EntryType::Symlink, "package/a/b", "../../c")), "LinkEscapes");
    assert_eq!(error(link(EntryType::Symlink, "package/a", "/etc/passwd")), "AbsolutePath");
    assert_eq!(error(link(EntryType::Link, "package/a", "/etc/passwd")), "AbsolutePath");
    assert_eq!(error(link(EntryType::Link, "package/a", "package/../../b")), "ParentPath");
    assert_eq!(error(link(EntryType::Symlink, "package/a", "..\\b")), "BadPath");
    assert!(look(&link(EntryType::Link, "package/a", "package/package.json").tgz()).is_ok());
    assert_eq!(error(package().entry(EntryType::Symlink, b"package/a", b"b", b"body")), "UnknownKind");
}

#[test]
fn devices_and_unknown_kinds_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        assert_eq!(error(package().entry(kind, b"package/a", b"", b"")), "Device");
    }
    for kind in [EntryType::GNUSparse, EntryType::new(b'N'), EntryType::new(b'Z')] {
        assert_eq!(error(package().entry(kind, b"package/a", b"", b"")), "UnknownKind");
    }
}

#[test]
fn there_is_exactly_one_manifest() {
    assert_eq!(error(Pack::default().file("package/x", b"")), "NoManifest");
    assert_eq!(error(Pack::default()), "NoManifest");
    assert_eq!(error(package().file("package/package.json", b"{}")), "DuplicateManifest");
    assert_eq!(error(package().file("other/package.json", b"{}")), "DuplicateManifest");
    for path in [
        "package/Package.json",
        "package/package.json.",
        "package/package.json ",
        "package/package.json::$DATA",
        "package/PACKAGE.JSON",
        "package/pac\u{212a}age.json",
        "package/package.j\u{17f}on",
    ] {
        assert_eq!(error(package().file(path, b"{}")), "ManifestKind", "{path}");
    }
    let link = package().entry(EntryType::Link, b"other/package.json", b"package/x", b"");
    assert_eq!(error(link), "ManifestKind");
    assert_eq!(error(Pack::default().entry(EntryType::Directory, b"package/package.json/", b"", b"")), "ManifestKind");
    assert!(look(&package().file("package/lib/package.json", b"{}").tgz()).is_ok());
}

#[test]
fn a_manifest_may_have_1_mib() {
    let of = |bytes: usize| look(&Pack::default().file("package/package.json", &vec![b' '; bytes]).tgz());
    assert_eq!(of(MANIFEST_BYTES_MAX - 1).unwrap().manifest.len(), MANIFEST_BYTES_MAX - 1);
    assert_eq!(of(MANIFEST_BYTES_MAX).unwrap().manifest.len(), MANIFEST_BYTES_MAX);
    assert!(matches!(of(MANIFEST_BYTES_MAX + 1), Err(Error::ManifestTooLarge)));
}

#[test]
fn extension_headers_are_short_and_do_not_contradict() {
    assert_eq!(error(package().pax(&[("size", "9")]).file("package/a", b"")), "Extension");
    assert_eq!(error(package().pax(&[("size", "x")]).file("package/a", b"")), "Extension");
    assert_eq!(
        error(package().pax(&[("path", "package/a"), ("path", "package/b")]).file("package/a", b"")),
        "Extension"
    );
    let both = package().pax(&[("path", "package/a")]).entry(EntryType::GNULongName, b"l", b"", b"package/b\0");
    assert_eq!(error(both.file("package/c", b"")), "Extension");
    assert_eq!(error(package().pax(&[("path", "package/a")])), "Extension");
    assert_eq!(
        error(package().entry(EntryType::XHeader, b"pax", b"", b"99 path=x\n").file("package/a", b"")),
        "Extension"
    );
    let global = package().entry(EntryType::XGlobalHeader, b"g", b"", b"18 path=package/a\n");
    assert_eq!(error(global), "Extension");
    let long = |bytes: u64| package().entry(EntryType::XHeader, b"pax", b"", &vec![b'x'; bytes as usize]);
    assert_eq!(error(long(EXTENSION_BYTES_MAX + 1)), "Extension");
}

#[test]
fn what_is_no_gzipped_tar_is_refused() {
    let good = package().tgz();
    for bad in
        [b"".as_slice(), b"hello", &gzip(b"hello"), &package().0, &good[..good.len() / 2], &good[..good.len() - 4]]
    {
        assert!(matches!(look(bad), Err(Error::Tar | Error::NoManifest)), "{} bytes", bad.len());
    }
    let mut wrong = package();
    wrong.0[0] ^= 1;
    assert_eq!(error(wrong), "Tar");
    let mut crc = good.clone();
    let at = crc.len() - 8;
    crc[at] ^= 1;
    assert!(matches!(look(&crc), Err(Error::Tar)));
}

#[test]
fn nothing_may_follow_the_end() {
    let second = package().raw(&[0; 512]).file("package/evil.js", b"x");
    assert_eq!(error(second), "Trailing");
    assert!(matches!(look(&[package().tgz(), b"junk".to_vec()].concat()), Err(Error::Tar)));
    assert!(look(&[package().tgz(), gzip(&[0; 512])].concat()).is_ok());
    assert!(matches!(look(&[package().tgz(), package().tgz()].concat()), Err(Error::Trailing)));
    assert!(look(&gzip(&package().0)).is_ok());
}

#[test]
fn a_gzip_bomb_ends_while_it_unfolds() {
    let bomb = |bytes: usize| package().file("package/zeros", &vec![0; bytes]).tgz();
    assert!(look(&bomb(UNPACKED_FREE_BYTES as usize - 16 * 1024)).is_ok());
    let tgz = bomb(UNPACKED_FREE_BYTES as usize);
    assert!((tgz.len() as u64) * TAR_RATIO_MAX < UNPACKED_FREE_BYTES, "the test's own premise");
    assert!(matches!(look(&tgz), Err(Error::Bomb)));
    // The same bytes are no bomb if they were packed less tightly.
    assert!(inspect(tgz.as_slice(), UNPACKED_FREE_BYTES).is_ok());
}

#[test]
fn a_tarball_may_have_100000_entries() {
    let of = |entries: usize| {
        let mut pack = package();
        let one = Pack::default().file("package/x", b"").0;
        pack.0.reserve(one.len() * entries);
        (1..entries).for_each(|_| pack.0.extend_from_slice(&one));
        inspect(pack.tgz().as_slice(), u64::MAX)
    };
    assert_eq!(of(TAR_ENTRIES_MAX).unwrap().files, TAR_ENTRIES_MAX as u64);
    assert!(matches!(of(TAR_ENTRIES_MAX + 1), Err(Error::TooManyEntries)));
}

#[test]
fn a_store_that_fails_is_not_the_tarballs_fault() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
    assert!(matches!(inspect(Broken, 10), Err(Error::Store(error)) if error.kind() == io::ErrorKind::StorageFull));
}
