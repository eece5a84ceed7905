//! Bodies that are read whole, up to `body_bytes` of [`Settings`](crate::web::Settings).

use std::convert::Infallible;
use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{Extract, FromRequest, Rejection};
use crate::web::request::Request;

/// JSON: a body when taken, an answer when returned.
///
/// A body must say that it is `application/json` (or `…+json`); otherwise it is answered 415, one
/// that is no JSON 400, and one of another shape 422.
///
/// ```
/// use lattice::{App, Json};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, Serialize)]
/// struct Point { x: i32, y: i32 }
///
/// fn swap(Json(point): Json<Point>) -> Json<Point> {
///     Json(Point { x: point.y, y: point.x })
/// }
///
/// let app = App::new().post("/swap", swap).test();
/// let answer = app.post("/swap").json(&Point { x: 1, y: 2 }).send();
/// assert_eq!(answer.text(), r#"{"x":2,"y":1}"#);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Rejection = Rejection;

    fn from_request(request: &Request<'_>) -> Result<Self, Rejection> {
        if !request.header("content-type").is_some_and(is_json) {
            return Err(Rejection::MediaType("application/json"));
        }
        serde_json::from_slice(request.body()).map(Json).map_err(|error| match error.classify() {
            Category::Data => Rejection::BodyShape(error.to_string()),
            Category::Eof | Category::Io | Category::Syntax => Rejection::BodySyntax(error.to_string()),
        })
    }
}

/// `application/json` or `application/….+json`, with or without parameters.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let Some((kind, name)) = media_type.split_once('/') else { return false };
    let suffix = name.rsplit_once('+').map_or(name, |(_, suffix)| suffix);
    kind.eq_ignore_ascii_case("application") && suffix.eq_ignore_ascii_case("json")
}

/// The body as it came; nothing is copied.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'r>(pub &'r [u8]);

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl Extract for Bytes<'_> {
    type Item<'r> = Bytes<'r>;
    type Rejection = Infallible;

    fn extract<'r>(request: &'r Request<'r>) -> Result<Bytes<'r>, Infallible> {
        Ok(Bytes(request.body()))
    }
}

/// A copy of the body.
impl FromRequest for Vec<u8> {
    type Rejection = Infallible;

    fn from_request(request: &Request<'_>) -> Result<Self, Infallible> {
        Ok(request.body().to_vec())
    }
}

/// The body as text; one that is not UTF-8 is answered 400.
impl FromRequest for String {
    type Rejection = Rejection;

    fn from_request(request: &Request<'_>) -> Result<Self, Rejection> {
        let text = std::str::from_utf8(request.body());
        text.map(str::to_owned).map_err(|error| Rejection::BodySyntax(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn json_is_told_by_its_media_type() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "json", "text/json", "application/jsonx", "application/xml", "application/json+xml"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
