//! Packages as npm would send them: a tarball, and the document around it.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A version about to be published.
#[derive(Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest: Value,
    files: Vec<(String, Vec<u8>)>,
    level: u32,
}

impl Package {
    pub(crate) fn new(name: &str, version: &str) -> Package {
        let manifest = json!({ "name": name, "version": version, "description": "made by a test" });
        Package { name: name.to_owned(), version: version.to_owned(), manifest, files: Vec::new(), level: 1 }
    }

    /// Sets a field of `package.json`, in the tarball and in the document.
    pub(crate) fn field(mut self, name: &str, value: Value) -> Package {
        self.manifest[name] = value;
        self
    }

    /// Adds a file below `package/`.
    pub(crate) fn file(mut self, path: &str, bytes: &[u8]) -> Package {
        self.files.push((path.to_owned(), bytes.to_vec()));
        self
    }

    /// Adds `count` bytes that do not compress; no two seeds give the same.
    pub(crate) fn noise(mut self, count: usize, seed: u64) -> Package {
        self.level = 0;
        self.files.push(("noise.bin".to_owned(), noise(count, seed)));
        self
    }

    /// The `.tgz`.
    pub(crate) fn tarball(&self) -> Vec<u8> {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(self.level));
        let mut tar = tar::Builder::new(gzip);
        let manifest = serde_json::to_vec(&self.manifest).expect("a JSON value");
        append(&mut tar, "package/package.json", &manifest);
        for (path, bytes) in &self.files {
            append(&mut tar, &format!("package/{path}"), bytes);
        }
        tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("memory takes all")
    }

    /// The document that publishes it with the tag `latest`.
    pub(crate) fn document(&self) -> Value {
        self.document_of(&self.tarball())
    }

    /// The same around other bytes.
    pub(crate) fn document_of(&self, tarball: &[u8]) -> Value {
        let file = format!("{}-{}.tgz", self.name, self.version);
        let mut manifest = self.manifest.clone();
        manifest["_id"] = json!(format!("{}@{}", self.name, self.version));
        manifest["dist"] = json!({
            "integrity": format!("sha512-{}", STANDARD.encode(sha512(tarball))),
            "tarball": format!("http://localhost/{}/-/{file}", self.name),
        });
        json!({
            "_id": self.name, "name": self.name, "access": null,
            "dist-tags": { "latest": self.version },
            "versions": { &self.version: manifest },
            "_attachments": { file: {
                "content_type": "application/octet-stream", "data": STANDARD.encode(tarball), "length": tarball.len(),
            } },
        })
    }

    /// The bytes of [`Self::document`].
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.document()).expect("a JSON value")
    }

    /// Where its document lives below the registry's URL.
    pub(crate) fn path(&self) -> String {
        format!("/{}", self.name.replace('/', "%2f"))
    }

    /// Where its tarball lives below the registry's URL.
    pub(crate) fn tarball_path(&self) -> String {
        let base = self.name.rsplit('/').next().expect("a split has a last part");
        format!("/{}/-/{base}-{}.tgz", self.name, self.version)
    }
}

fn append(tar: &mut tar::Builder<impl Write>, path: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append_data(&mut header, path, bytes).expect("memory takes all");
}

/// The SHA-512 of `bytes`.
pub(crate) fn sha512(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, bytes).as_ref().to_vec()
}

/// Bytes that do not compress: xorshift64*.
pub(crate) fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
