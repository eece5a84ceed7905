//! A small REST service: shared state, JSON in and out, a group behind a key, errors of one's own.
//! `cargo run --example rest -- 127.0.0.1:8080`

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lattice::{
    App, Error, IntoResponse, Json, Path, Query, Request, RequestId, Response, SecurityHeaders, Slow, State,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Deserialize, Serialize)]
struct Note {
    title: String,
    #[serde(default)]
    done: bool,
}

#[derive(Default)]
struct Notes(Mutex<(u64, BTreeMap<u64, Note>)>);

impl Notes {
    fn with<T>(&self, work: impl FnOnce(&mut u64, &mut BTreeMap<u64, Note>) -> T) -> T {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, notes) = &mut *notes;
        work(next, notes)
    }
}

#[derive(Deserialize)]
struct Filter {
    done: Option<bool>,
}

fn list(notes: State<'_, Notes>, Query(filter): Query<Filter>) -> Json<BTreeMap<u64, Note>> {
    let is_wanted = |note: &Note| filter.done.is_none_or(|done| done == note.done);
    Json(notes.with(|_, notes| {
        notes.iter().filter(|(_, note)| is_wanted(note)).map(|(id, note)| (*id, note.clone())).collect()
    }))
}

fn create(notes: State<'_, Notes>, Json(note): Json<Note>) -> impl IntoResponse {
    let id = notes.with(|next, notes| {
        *next += 1;
        notes.insert(*next, note.clone());
        *next
    });
    (201, [("Location", format!("/api/notes/{id}"))], Json(note))
}

fn read(notes: State<'_, Notes>, Path(id): Path<u64>) -> Option<Json<Note>> {
    notes.with(|_, notes| notes.get(&id).cloned()).map(Json)
}

fn remove(notes: State<'_, Notes>, Path(id): Path<u64>) -> Result<(), Error> {
    let removed = notes.with(|_, notes| notes.remove(&id));
    removed.map(drop).ok_or_else(|| Error::new(404, "no such note").because(format!("there is no note {id}")))
}

/// Work that is slow on purpose does not belong onto the loop.
fn digest(text: String) -> impl IntoResponse {
    Slow(move || {
        let sum =
            (0..1_000).fold(0u64, |sum, _| text.bytes().fold(sum, |sum, byte| sum.rotate_left(5) ^ u64::from(byte)));
        format!("{sum:016x}")
    })
}

fn fail() -> Result<&'static str, Error> {
    Err(std::io::Error::other("the database is gone"))?
}

/// The key would come from the environment in earnest.
fn show_the_key(request: &mut Request<'_>) -> Option<Response> {
    let is_known = request.header("authorization") == Some("Bearer open-sesame");
    (!is_known).then(|| Response::error(401, "show a key", None).with_header("WWW-Authenticate", "Bearer"))
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    App::new()
        .state(Notes::default())
        .middleware(RequestId)
        .middleware(SecurityHeaders::new())
        .group("/api", |api| {
            api.before(show_the_key)
                .get("/notes", list)
                .post("/notes", create)
                .get("/notes/{id}", read)
                .delete("/notes/{id}", remove)
        })
        .post("/digest", digest)
        .get("/fail", fail)
        .not_found(|request: &Request<'_>| Response::error(404, "not here", Some(request.path())))
        .on_error(|request, failure| {
            eprintln!("{} failed: {failure}", request.path());
            Response::error(500, "something broke; we were told", None)
        })
        .on_refusal(|refusal| {
            let error = serde_json::json!({ "error": refusal.error(), "code": refusal.name() });
            Response::new("application/json", error.to_string())
        })
        .on_slow(Duration::from_millis(500), |slow| eprintln!("{} took {:?}", slow.path, slow.elapsed))
        .on_start(|address| println!("listening on http://{address}"))
        .on_drain(|| println!("ending"))
        .on_stop(|| println!("ended"))
        .run(address)
}
