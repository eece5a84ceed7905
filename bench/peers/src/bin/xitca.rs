//! xitca-web with one worker.

use bench_peers::{MARK, PLAINTEXT, User, address};
use xitca_web::error::Error;
use xitca_web::handler::handler_service;
use xitca_web::handler::json::Json;
use xitca_web::handler::params::Params;
use xitca_web::http::{HeaderName, HeaderValue, WebResponse};
use xitca_web::route::get;
use xitca_web::service::{Service, ServiceExt};
use xitca_web::{App, WebContext};

async fn user(Params(id): Params<String>) -> Json<User<'static>> {
    Json(User::new(id))
}

fn main() -> std::io::Result<()> {
    App::new()
        .at("/plaintext", get(handler_service(async || PLAINTEXT)))
        .at("/users/{id}", get(handler_service(user).enclosed_fn(mark)))
        .serve()
        .worker_threads(1)
        .backlog(4096)
        .bind(address())?
        .run()
        .wait()
}

async fn mark<S, C>(next: &S, context: WebContext<'_, C>) -> Result<WebResponse, Error>
where
    S: for<'r> Service<WebContext<'r, C>, Response = WebResponse, Error = Error>,
{
    let mut response = next.call(context).await?;
    response.headers_mut().insert(HeaderName::from_static(MARK.0), HeaderValue::from_static(MARK.1));
    Ok(response)
}
