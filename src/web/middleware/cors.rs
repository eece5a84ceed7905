//! Answers for scripts of other sites, by a policy.

use super::Middleware;
use crate::web::request::Request;
use crate::web::response::Response;
use crate::wire::http::cors::{AnswerFields, Names, Origins, Policy};
use crate::wire::http1::Method;

/// Says which other sites' scripts may read the answers (the CORS protocol), and answers preflights
/// before anything further inside is asked. Put it outside of whatever demands credentials: a preflight
/// has none.
///
/// ```
/// use lattice::{App, Cors, Method};
///
/// let cors = Cors::origins(["https://app.example"]).methods([Method::Put]).headers(["Content-Type"]);
/// let app = App::new().middleware(cors).put("/", || "done").test();
/// let answer = app.put("/").header("Origin", "https://app.example").send();
/// assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
/// let answer = app.put("/").header("Origin", "https://other.example").send();
/// assert_eq!(answer.header("access-control-allow-origin"), None);
/// ```
#[derive(Debug, Clone)]
pub struct Cors(Policy);

impl Cors {
    /// Every site; never with credentials.
    pub fn any() -> Self {
        Self::with(Origins::Any)
    }

    /// These sites, as browsers send them: `https://app.example`, with a port unless it is the scheme's
    /// own.
    ///
    /// # Panics
    /// When one is no origin.
    pub fn origins<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Self {
        Self::with(Origins::These(boxed(origins)))
    }

    fn with(origins: Origins) -> Self {
        let (headers, exposed) = (Names::These(Vec::new()), Vec::new());
        Self(Policy { origins, methods: Vec::new(), headers, exposed, credentials: false, max_age_s: 600 }).checked()
    }

    /// With these methods, beside GET, HEAD and POST, which always may.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.0.methods = methods.into_iter().collect();
        self
    }

    /// With these fields, beside those that always may.
    ///
    /// # Panics
    /// When one is no name of a field.
    pub fn headers<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.0.headers = Names::These(boxed(names));
        self.checked()
    }

    /// With whatever fields are asked for.
    pub fn any_headers(mut self) -> Self {
        self.0.headers = Names::Any;
        self
    }

    /// Lets scripts read these fields of answers, beside those that they always may.
    ///
    /// # Panics
    /// When one is no name of a field.
    pub fn expose<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.0.exposed = boxed(names);
        self.checked()
    }

    /// With cookies and the like.
    ///
    /// # Panics
    /// For [`Self::any`]: every site could act in the name of every visitor.
    pub fn credentials(mut self) -> Self {
        self.0.credentials = true;
        self.checked()
    }

    /// How long a browser may remember the answer to a preflight, in seconds; 600 unless told.
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.0.max_age_s = seconds;
        self
    }

    fn checked(self) -> Self {
        match self.0.check() {
            Ok(()) => self,
            Err(error) => panic!("a policy that cannot be held, {error:?}: {:?}", self.0),
        }
    }
}

impl Middleware for Cors {
    fn before(&self, request: &mut Request<'_>) -> Option<Response> {
        if request.method() != Method::Options {
            return None;
        }
        let mut response = Response::empty(204);
        add(&mut response, self.0.preflight(request.core().head.fields)?);
        Some(response)
    }

    fn after(&self, request: &Request<'_>, response: &mut Response) {
        add(response, self.0.answer(request.core().head.fields));
    }
}

fn add(response: &mut Response, fields: AnswerFields) {
    fields.iter().for_each(|(name, value)| response.add_header(name, value.as_bytes()));
}

fn boxed<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Vec<Box<str>> {
    texts.into_iter().map(|text| text.as_ref().into()).collect()
}
