//! actix-web with one worker; the file by actix-files.

use actix_files::NamedFile;
use actix_web::http::header::ContentType;
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpResponse, HttpServer, web};
use bench_peers::{MARK, PLAINTEXT, User, address, file};

async fn plaintext() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body(PLAINTEXT)
}

async fn user(id: web::Path<String>) -> HttpResponse {
    HttpResponse::Ok().json(User::new(id.as_str()))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let path = file();
    let app = move || {
        let path = path.clone();
        App::new()
            .route("/plaintext", web::get().to(plaintext))
            .service(web::resource("/users/{id}").wrap(DefaultHeaders::new().add(MARK)).route(web::get().to(user)))
            .route("/file", web::get().to(move || std::future::ready(NamedFile::open(&path))))
    };
    HttpServer::new(app).workers(1).backlog(4096).bind(address())?.run().await
}
