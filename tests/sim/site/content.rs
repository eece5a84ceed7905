//! What the site has: data alone, for those who serve it and those who say what is right.

use std::io::Write;
use std::sync::LazyLock;

/// Something with validators, in one coding or several.
pub(crate) struct Document {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: Option<&'static str>,
    /// A date of [`DATES`].
    pub(crate) modified: Option<Modified>,
    pub(crate) no_sniff: bool,
    /// First as it is.
    pub(crate) variants: Vec<Variant>,
}

#[derive(Clone, Copy)]
pub(crate) struct Modified {
    pub(crate) text: &'static str,
    pub(crate) unix_s: u64,
    pub(crate) is_strong: bool,
}

pub(crate) struct Variant {
    pub(crate) coding: Option<&'static str>,
    pub(crate) etag: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

/// Dates that requests say, and the second each names, if it names one.
pub(crate) const DATES: &[(&str, Option<u64>)] = &[
    ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
    ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
    ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
    ("Sun, 06 Nov 1994 08:49:36 GMT", Some(784_111_776)),
    ("Sun, 06 Nov 1994 08:49:38 GMT", Some(784_111_778)),
    ("Sat, 21 Nov 2026 10:00:00 GMT", Some(1_795_255_200)),
    ("yesterday", None),
    ("Sun, 06 Nov 1994 08:49:37", None),
    ("784111777", None),
    ("", None),
];

const MODIFIED: Modified = Modified { text: DATES[0].0, unix_s: 784_111_777, is_strong: true };

/// Bytes that are none of their neighbours.
pub(crate) fn pattern(start: usize, count: usize) -> Vec<u8> {
    (start..start + count).map(|at| (at % 251) as u8).collect()
}

fn text(lines: usize) -> Vec<u8> {
    (0..lines).flat_map(|line| format!("line {line} of a text that repeats itself\n").into_bytes()).collect()
}

/// `bytes` in a coding, made with its own library.
pub(crate) fn packed(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "br" => {
            let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            writer.write_all(bytes).expect("a Vec takes everything");
            writer.into_inner()
        }
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            writer.write_all(bytes).expect("a Vec takes everything");
            writer.finish().expect("a Vec takes everything")
        }
        _ => zstd::stream::encode_all(bytes, 3).expect("a Vec takes everything"),
    }
}

fn coded(name: &'static str, bytes: Vec<u8>, codings: &[&'static str]) -> Vec<Variant> {
    let etag = |suffix: &str| Some(format!("\"{name}-1{suffix}\""));
    let coded = codings.iter().map(|coding| Variant {
        coding: Some(coding),
        etag: etag(&format!("-{coding}")),
        bytes: packed(coding, &bytes),
    });
    let coded: Vec<Variant> = coded.collect();
    [Variant { coding: None, etag: etag(""), bytes }].into_iter().chain(coded).collect()
}

fn plain(etag: Option<&str>, bytes: Vec<u8>) -> Vec<Variant> {
    vec![Variant { coding: None, etag: etag.map(str::to_owned), bytes }]
}

fn document(name: &'static str, content_type: &'static str, variants: Vec<Variant>) -> Document {
    Document { name, content_type, cache_control: None, modified: Some(MODIFIED), no_sniff: false, variants }
}

/// Below `/doc/`.
pub(crate) static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let text_type = "text/plain; charset=utf-8";
    vec![
        Document {
            cache_control: Some("max-age=60"),
            ..document("text", text_type, coded("text", text(120), &["br", "zstd", "gzip"]))
        },
        document("page", "text/html", coded("page", text(9), &["gzip"])),
        document("image", "image/png", plain(Some("\"image-1\""), pattern(7, 20_000))),
        Document {
            modified: Some(Modified { is_strong: false, ..MODIFIED }),
            ..document("weak", text_type, plain(Some("W/\"weak-1\""), text(20)))
        },
        Document { modified: None, ..document("bare", "application/json", plain(None, b"{\"bare\":true}".to_vec())) },
        document("empty", text_type, plain(Some("\"empty-1\""), Vec::new())),
        document("long", "video/mp4", plain(Some("\"long-1\""), pattern(3, 200_000))),
    ]
});

/// A file below `/files/`, as the directory has it.
pub(crate) struct File {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) inode: u64,
    pub(crate) bytes: Vec<u8>,
}

/// When every file was last modified: the second of the documents, and some nanoseconds.
pub(crate) const FILES_MODIFIED_NS: u64 = 784_111_777 * 1_000_000_000 + 5;
/// Files up to this size are in memory.
pub(crate) const FILE_MEMORY_BYTES: u64 = 3000;

pub(crate) static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let script = text(50);
    let file = |path, content_type, inode, bytes| File { path, content_type, inode, bytes };
    vec![
        file("index.html", "text/html; charset=utf-8", 16, text(3)),
        file("app.js.br", "application/octet-stream", 18, packed("br", &script)),
        file("app.js.gz", "application/gzip", 19, packed("gzip", &script)),
        file("app.js", "text/javascript; charset=utf-8", 17, script),
        file("small.bin", "application/octet-stream", 20, pattern(1, 900)),
        file("large.bin", "application/octet-stream", 21, pattern(2, 90_000)),
        file("sub/index.html", "text/html; charset=utf-8", 22, b"<p>sub</p>".to_vec()),
        file(".hidden", "application/octet-stream", 23, b"secret".to_vec()),
    ]
});

/// Below `/live/`: what is compressed while it is sent.
pub(crate) fn live(name: &str) -> Option<(&'static str, Vec<u8>)> {
    match name {
        "text" => Some(("text/plain", text(300))),
        "short" => Some(("application/json", b"{\"short\":1}".to_vec())),
        "image" => Some(("image/png", pattern(9, 5000))),
        _ => None,
    }
}

/// Longest body that `/sink` takes.
pub(crate) const SINK_BYTES_MAX: u64 = 300 * 1024;

/// A body of `/stream/`, as the path says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) lane: &'static str,
    pub(crate) how: &'static str,
    pub(crate) pieces: usize,
    pub(crate) piece_bytes: usize,
}

pub(crate) const LANES: [&str; 3] = ["loop", "pool", "slow"];
pub(crate) const HOWS: [&str; 7] = ["chunked", "counted", "short", "beyond", "broken", "feed", "forever"];

impl Stream {
    /// `pool-counted-5-1000`
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('-').collect();
        let &[lane, how, pieces, piece_bytes] = parts.as_slice() else { return None };
        Some(Self {
            lane: LANES.into_iter().find(|known| *known == lane)?,
            how: HOWS.into_iter().find(|known| *known == how)?,
            pieces: pieces.parse().ok()?,
            piece_bytes: piece_bytes.parse().ok()?,
        })
    }

    /// Whether its bytes come one line after the other, when something happens.
    pub(crate) fn is_fed(&self) -> bool {
        matches!(self.how, "feed" | "forever")
    }

    pub(crate) fn piece(&self, index: usize) -> Vec<u8> {
        match self.is_fed() {
            true => format!("tick {index}\n").into_bytes(),
            false => pattern(index * 31, self.piece_bytes),
        }
    }

    /// The length that its head promises.
    pub(crate) fn promised(&self) -> Option<u64> {
        let length = (self.pieces * self.piece_bytes) as u64;
        match self.how {
            "counted" => Some(length),
            "short" => Some(length + 10),
            "beyond" => Some(length.saturating_sub(1)),
            _ => None,
        }
    }
}
