//! What handlers share: one value of each type, for all threads.

use std::any::{Any, TypeId};
use std::ops::Deref;
use std::sync::Arc;

use super::error::Failure;
use super::extract::{Extract, Needs};
use super::request::Request;
use super::response::Response;

/// The states of an app, found by their type.
#[derive(Default)]
pub(super) struct States(Vec<(TypeId, Box<dyn Any + Send + Sync>)>);

impl States {
    /// # Panics
    /// When there is one of this type already.
    pub(super) fn add<T: Send + Sync + 'static>(&mut self, state: Arc<T>) {
        let id = TypeId::of::<T>();
        assert!(!self.has(id), "two states of the type {}: wrap one in a type of its own", std::any::type_name::<T>());
        self.0.push((id, Box::new(state)));
    }

    pub(super) fn has(&self, id: TypeId) -> bool {
        self.0.iter().any(|(known, _)| *known == id)
    }

    #[inline]
    pub(super) fn find<T: Send + Sync + 'static>(&self) -> Option<&Arc<T>> {
        let id = TypeId::of::<T>();
        self.0.iter().find(|(known, _)| *known == id)?.1.downcast_ref()
    }
}

/// Extracts the state of this type; it derefs to it.
///
/// That an app lacks the state one of its handlers asks for is found when it starts.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use lattice::{App, State};
///
/// #[derive(Default)]
/// struct Visits(AtomicU64);
///
/// fn visit(visits: State<Visits>) -> String {
///     format!("visit {}", visits.0.fetch_add(1, Ordering::Relaxed) + 1)
/// }
///
/// let app = App::new().state(Visits::default()).get("/", visit).test();
/// assert_eq!(app.get("/").send().text(), "visit 1");
/// assert_eq!(app.get("/").send().text(), "visit 2");
/// ```
pub struct State<'r, T>(&'r Arc<T>);

impl<T> State<'_, T> {
    /// The state, to take along: into a closure for the pool, for one.
    pub fn share(&self) -> Arc<T> {
        Arc::clone(self.0)
    }
}

impl<T> Deref for State<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0
    }
}

impl<T: Send + Sync + 'static> Extract for State<'_, T> {
    type Item<'r> = State<'r, T>;
    type Rejection = Response;
    const BODY: bool = false;

    #[inline]
    fn extract<'r>(request: &'r Request<'r>) -> Result<State<'r, T>, Response> {
        let missing = || Failure::Panic(format!("no state of the type {}", std::any::type_name::<T>()));
        request.states().find().map(State).ok_or_else(|| Response::failed(missing()))
    }

    fn needs(needs: &mut Needs) {
        needs.state::<T>();
    }
}
