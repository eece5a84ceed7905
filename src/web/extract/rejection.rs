//! Why an argument could not be made from a request.

use std::borrow::Cow;

/// Why an argument of a handler could not be made: answered as JSON, `{"error": …, "reason": …}`.
///
/// A handler that takes `Result<Json<T>, Rejection>` decides itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// 422: the body is JSON or a form, and not of the shape that is wanted; what is wrong.
    BodyShape(String),
    /// 400: the body is not what it says it is; what is wrong.
    BodySyntax(String),
    /// 415: the body is of another type; the one that is wanted.
    MediaType(&'static str),
    /// 404: there is nothing at a path with such a capture; what is wrong.
    Path(String),
    /// 400: the path has an escape that is none; the capture.
    PathEscape(String),
    /// 400: the query is not of the shape that is wanted; what is wrong.
    Query(String),
}

impl Rejection {
    /// The status it is answered with.
    pub fn status(&self) -> u16 {
        match self {
            Rejection::BodyShape(_) => 422,
            Rejection::MediaType(_) => 415,
            Rejection::Path(_) => 404,
            Rejection::BodySyntax(_) | Rejection::PathEscape(_) | Rejection::Query(_) => 400,
        }
    }

    /// What is wrong, in a few words.
    pub fn error(&self) -> &'static str {
        match self {
            Rejection::BodyShape(_) => "the body has not the shape that is wanted here",
            Rejection::BodySyntax(_) => "the body is malformed",
            Rejection::MediaType(_) => "unsupported media type",
            Rejection::Path(_) => "not found",
            Rejection::PathEscape(_) => "the path is malformed",
            Rejection::Query(_) => "the query is malformed",
        }
    }

    /// What is wrong, exactly.
    pub fn reason(&self) -> Cow<'_, str> {
        match self {
            Rejection::BodyShape(what) | Rejection::BodySyntax(what) | Rejection::Path(what) => what.into(),
            Rejection::MediaType(wanted) => format!("send Content-Type: {wanted}").into(),
            Rejection::PathEscape(name) => format!("{name}: its percent-encoding is not that of a text").into(),
            Rejection::Query(what) => what.into(),
        }
    }
}
