//! hyper 1 on tokio's current_thread runtime. It has neither routes nor middleware: a match and a header.

use std::convert::Infallible;

use bench_peers::{MARK, PLAINTEXT, User, address};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Answer = Response<Full<Bytes>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(address()).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection =
            http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(connection);
    }
}

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    Ok(match request.uri().path() {
        "/plaintext" => typed("text/plain", Bytes::from_static(PLAINTEXT.as_bytes())),
        path => path.strip_prefix("/users/").map_or_else(missing, user),
    })
}

fn user(id: &str) -> Answer {
    let json = serde_json::to_vec(&User::new(id)).expect("a user is JSON");
    let mut answer = typed("application/json", Bytes::from(json));
    answer.headers_mut().insert(HeaderName::from_static(MARK.0), HeaderValue::from_static(MARK.1));
    answer
}

fn typed(kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn missing() -> Answer {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}
