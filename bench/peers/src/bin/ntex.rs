//! ntex on tokio with one worker.

use bench_peers::{MARK, PLAINTEXT, User, address};
use ntex::web::middleware::DefaultHeaders;
use ntex::web::{self, App, HttpResponse, HttpServer};

async fn plaintext() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(PLAINTEXT)
}

async fn user(id: web::types::Path<String>) -> HttpResponse {
    HttpResponse::Ok().json(&User::new(id.as_str()))
}

#[ntex::main]
async fn main() -> std::io::Result<()> {
    let app = async || {
        let mark = DefaultHeaders::new().header(MARK.0, MARK.1);
        App::new()
            .route("/plaintext", web::get().to(plaintext))
            .service(web::resource("/users/{id}").middleware(mark).route(web::get().to(user)))
    };
    HttpServer::new(app).workers(1).backlog(4096).bind(address())?.run().await
}
