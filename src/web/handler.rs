//! Functions as handlers.

use std::sync::Arc;

use super::answer::IntoResponse;
use super::extract::{Extract, Needs};
use super::request::Request;
use super::response::{JSON, Response, TEXT};
use crate::app::Rendered;

/// Answers requests: any function or closure of up to six arguments, each an
/// [`Extract`], whose result is an [`IntoResponse`]; or a [`Fixed`] answer.
///
/// An argument or a result that is none is what the compiler means by "the trait `Handler` is not
/// implemented". `Args` only tells functions of different arguments apart; it is never named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler",
    note = "a handler is a function of up to six extractors (`Path<T>`, `Json<T>`, `&Request`, …) that returns an `IntoResponse`",
    note = "the argument of a closure needs its type: `|request: &Request| …`"
)]
pub trait Handler<Args>: Send + Sync + 'static {
    /// Answers.
    fn call(&self, request: &Request<'_>) -> Response;

    /// What the arguments need.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// The answer, if it is the same for every request.
    fn fixed(&self) -> Option<Fixed> {
        None
    }
}

/// A function called with its arguments as a tuple, whatever it returns.
pub trait Function<Args> {
    /// What it returns.
    type Output;
    /// Calls it.
    fn apply(&self, args: Args) -> Self::Output;
}

macro_rules! handler {
    ($($arg:ident)*) => {
        impl<This, Output, $($arg),*> Function<($($arg,)*)> for This
        where
            This: Fn($($arg),*) -> Output,
        {
            type Output = Output;

            #[inline]
            #[allow(non_snake_case, reason = "the names of the types serve as those of the values")]
            fn apply(&self, ($($arg,)*): ($($arg,)*)) -> Output {
                self($($arg),*)
            }
        }

        impl<This, $($arg),*> Handler<fn($($arg),*)> for This
        where
            This: Send + Sync + 'static,
            $($arg: Extract,)*
            // The first bound tells the compiler which extractors the arguments are, the second is
            // what is called: with arguments that live as long as the request.
            This: Function<($($arg,)*)>,
            This: for<'r> Function<($($arg::Item<'r>,)*), Output: IntoResponse>,
        {
            #[inline]
            #[allow(non_snake_case, unused_variables, reason = "the names of the types serve as those of the values")]
            fn call(&self, request: &Request<'_>) -> Response {
                $(let $arg = match $arg::extract(request) {
                    Ok(value) => value,
                    Err(rejection) => return rejection.into_response(),
                };)*
                <This as Function<($($arg::Item<'_>,)*)>>::apply(self, ($($arg,)*)).into_response()
            }

            fn needs(&self) -> Needs {
                #[allow(unused_mut, reason = "not without arguments")]
                let mut needs = Needs::default();
                $(needs.of::<$arg>();)*
                needs
            }
        }
    };
}

handler! {}
handler! { A }
handler! { A B }
handler! { A B C }
handler! { A B C D }
handler! { A B C D E }
handler! { A B C D E F }

/// An answer that is the same for every request, rendered once.
///
/// As a handler it is the cheapest there is: where no middleware stands before it, its bytes are
/// copied out. It may also be returned.
///
/// ```
/// use lattice::{App, Fixed};
///
/// let app = App::new().get("/", Fixed::text("Hello, World!")).test();
/// assert_eq!(app.get("/").send().text(), "Hello, World!");
/// ```
#[derive(Clone)]
pub struct Fixed(Arc<Parts>);

struct Parts {
    status: u16,
    lines: Vec<u8>,
    rendered: Rendered,
}

impl Fixed {
    /// An answer of this status, these fields and this body.
    pub fn new(status: u16, fields: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let mut response = Response::empty(status);
        fields.iter().for_each(|(name, value)| response.add_header(name, value));
        Self::from_lines(status, response.fields.bytes().to_vec(), body.into())
    }

    /// 200 with plain text in UTF-8.
    pub fn text(text: &str) -> Self {
        Self::from_lines(200, TEXT.to_vec(), text.into())
    }

    /// 200 with JSON that is already encoded.
    pub fn json(json: &str) -> Self {
        Self::from_lines(200, JSON.to_vec(), json.into())
    }

    fn from_lines(status: u16, lines: Vec<u8>, body: Vec<u8>) -> Self {
        let response = Response::raw(status, &lines, super::Body::Empty);
        let fields: Vec<(&str, &[u8])> =
            response.headers().map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value)).collect();
        let rendered = Rendered::new(status, &fields, body.into());
        Self(Arc::new(Parts { status, lines, rendered }))
    }

    pub(super) fn rendered(&self) -> &Rendered {
        &self.0.rendered
    }
}

impl IntoResponse for &Fixed {
    fn into_response(self) -> Response {
        Response::raw(self.0.status, &self.0.lines, Arc::clone(self.0.rendered.body()).into())
    }
}

impl IntoResponse for Fixed {
    fn into_response(self) -> Response {
        (&self).into_response()
    }
}

impl Handler<Fixed> for Fixed {
    fn call(&self, _: &Request<'_>) -> Response {
        self.into_response()
    }

    fn fixed(&self) -> Option<Fixed> {
        // Those have no Content-Length, which a rendered head always has.
        (!matches!(self.0.status, 204 | 304)).then(|| self.clone())
    }
}
