//! The page: what is in `page/`, compiled in.
//!
//! Everybody gets it, also of a private registry: nothing of the config stands in it, and who is not logged
//! in has to be able to. It loads nothing from elsewhere, and no other page may frame it. Its files refer to
//! each other by relative paths, so that it works below a public URL with a path, too.

use std::sync::LazyLock;

use aws_lc_rs::digest;

use crate::app::compress::{Effort, compress};
use crate::app::representation::{Representation, Variant};
use crate::app::{Body, BodyPolicy, Reply, Request, RouteSpec};
use crate::wire::http::accept::Coding;
use crate::wire::http1::Method;

/// What the page may do: run its own scripts, use its own style, speak with this node.
const POLICY: &[u8] = b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file, as it is compiled in.
struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

static FILES: [File; 5] = [
    File { path: "/_dashboard", content_type: HTML, bytes: include_bytes!("page/index.html") },
    File {
        path: "/_dashboard/style.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("page/style.css"),
    },
    File { path: "/_dashboard/app.js", content_type: SCRIPT, bytes: include_bytes!("page/app.js") },
    File { path: "/_dashboard/socket.js", content_type: SCRIPT, bytes: include_bytes!("page/socket.js") },
    File { path: "/_dashboard/frames.js", content_type: SCRIPT, bytes: include_bytes!("page/frames.js") },
];

/// What is sent of a file. Made once for all threads, when the page is first asked for.
struct Rendered {
    tag: String,
    /// Compressed, and its tag.
    gzip: Option<(Vec<u8>, String)>,
}

static RENDERED: LazyLock<[Rendered; FILES.len()]> = LazyLock::new(|| FILES.each_ref().map(render));

fn render(file: &File) -> Rendered {
    let hash = digest::digest(&digest::SHA256, file.bytes);
    let hash: String = hash.as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    // It fails only when there is no memory; the page is served as it is then.
    let gzip = compress(Coding::Gzip, Effort::Kept, file.bytes).ok();
    let gzip = gzip.map(|bytes| (bytes, format!("\"{hash}-gzip\"")));
    Rendered { tag: format!("\"{hash}\""), gzip }
}

/// The routes of its files, numbered from `first` on.
pub(super) fn routes(first: u16) -> impl Iterator<Item = RouteSpec> {
    (first..).zip(&FILES).map(|(id, file)| RouteSpec {
        method: Method::Get,
        pattern: file.path,
        id,
        body: BodyPolicy::Discard,
        open: true,
    })
}

/// Answers with the file of this number.
pub(super) fn answer(number: u16, request: &Request<'_>, reply: &mut Reply<'_>) {
    let number = usize::from(number);
    // A path that ends with a slash is one level deeper for the references within.
    if request.head.path.ends_with(b"/") {
        let name = FILES[number].path.rsplit('/').next().unwrap_or_default();
        reply.status(308).header("Location", format!("../{name}").as_bytes()).empty();
        return;
    }
    let (file, rendered) = (&FILES[number], &RENDERED[number]);
    let plain = Variant { coding: None, etag: Some(&rendered.tag), body: Body::Bytes(file.bytes) };
    let gzip = rendered.gzip.as_ref().map(|(bytes, tag)| Variant {
        coding: Some(Coding::Gzip),
        etag: Some(tag),
        body: Body::Bytes(bytes),
    });
    let representation = Representation {
        content_type: file.content_type,
        cache_control: Some("no-cache"),
        modified: None,
        fields: &[
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", b"nosniff"),
            ("X-Frame-Options", b"DENY"),
            ("Referrer-Policy", b"no-referrer"),
        ],
        variants: &std::iter::once(plain).chain(gzip).collect::<Vec<_>>(),
    };
    representation.answer(request, reply);
}
