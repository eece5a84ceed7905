//! Uploads of any size in bounded memory, checked against the digest behind them (RFC 9530) if there is
//! one, and downloads the same way.
//! `cargo run --example upload -- 127.0.0.1:8080 DIRECTORY`
#![allow(clippy::disallowed_methods, reason = "the files are this program's own; it opens them on the pool")]

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lattice::{App, Blocking, Error, IntoResponse, Json, Method, Path, Receive, State, Stream, Trailers, Upload};

/// Where the files are, and how many were begun.
struct Folder {
    root: PathBuf,
    begun: AtomicU64,
}

impl Folder {
    /// Names with anything but letters, digits, `-`, `_` and single dots inside never become paths.
    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(allowed) {
            return Err(Error::new(400, "a name has letters, digits, '-', '_' and '.'"));
        }
        Ok(self.root.join(name))
    }
}

/// A file under a temporary name, which goes away unless it is finished.
struct Partial {
    file: Option<File>,
    path: PathBuf,
    to: PathBuf,
    bytes: u64,
    digest: Context,
}

impl Receive for Partial {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.file.is_none() {
            self.file = Some(File::create(&self.path)?);
        }
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
        Ok(self.file.iter_mut().try_for_each(|file| file.write_all(bytes))?)
    }

    fn trailers(&mut self, trailers: &Trailers) -> Result<(), Error> {
        let digest = STANDARD.encode(self.digest.clone().finish());
        match trailers.get("Content-Digest") {
            Some(told) if told != format!("sha-256=:{digest}:").as_bytes() => {
                Err(Error::new(422, "the body is not what its digest says"))
            }
            _ => Ok(()),
        }
    }

    fn finish(self) -> impl IntoResponse {
        self.publish()
    }
}

impl Partial {
    fn publish(mut self) -> Result<impl IntoResponse, Error> {
        self.write(b"")?;
        if let Some(file) = &self.file {
            file.sync_all()?;
        }
        std::fs::rename(&self.path, &self.to)?;
        Ok((201, Json(serde_json::json!({ "bytes": self.bytes }))))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is none.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn store(folder: State<'_, Folder>, Path(name): Path<String>) -> Result<Upload, Error> {
    let to = folder.path(&name)?;
    let number = folder.begun.fetch_add(1, Ordering::Relaxed);
    let path = to.with_file_name(format!(".{name}.{number}"));
    Ok(Upload::to(Partial { file: None, path, to, bytes: 0, digest: Context::new(&SHA256) }))
}

fn fetch(folder: State<'_, Folder>, Path(name): Path<String>) -> Result<impl IntoResponse, Error> {
    let path = folder.path(&name)?;
    Ok(Blocking(move || -> Result<Option<Stream>, Error> {
        // A directory can be opened too, and a pipe would keep its reader waiting.
        if !path.is_file() {
            return Ok(None);
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Some(Stream::blocking(file).length(length)))
    }))
}

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let root = PathBuf::from(args.next().unwrap_or_else(|| ".".into()));
    App::new()
        .state(Folder { root, begun: AtomicU64::new(0) })
        .upload(Method::Put, "/files/{name}", 1 << 30, store)
        .get("/files/{name}", fetch)
        .on_start(|address| println!("listening on http://{address}"))
        .run(address)
}
