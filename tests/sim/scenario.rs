//! What a simulation is about: the slices that are served, and the requests that are made.

use lattice::app::App;
use lattice::session::Settings;

use crate::rng::Rng;
use crate::wanted::Expected;

/// Slices and the requests made of them. What it holds outside its apps plays the world: a store.
pub(crate) trait Scenario {
    /// The app of one more thread.
    fn app(&self) -> App;

    /// The app that says what the right answers are: it shares nothing with the others.
    fn reference(&self) -> App;

    /// The settings of every connection.
    fn settings(&self, rng: &mut Rng) -> Settings;

    /// How many connections there are.
    fn connections(&self, rng: &mut Rng) -> u64 {
        rng.between(1, 4)
    }

    /// The requests of one more connection, in order, and what each is answered.
    fn script(&self, settings: &Settings, reference: &mut App, rng: &mut Rng) -> (Vec<Ask>, Vec<Expected>);

    /// Something happens outside of the node that bodies wait for; whether more of it is to come.
    fn stir(&self, _rng: &mut Rng) -> bool {
        false
    }

    /// Whether there are bodies that wait for that.
    fn is_restless(&self) -> bool {
        false
    }

    /// The client sends its bytes in two pieces, cut here, and everything else is quick.
    fn cut(&self) -> Option<usize> {
        None
    }

    /// All connections are gone and the pool is empty: is everything else?
    fn ended(&self) -> Result<(), String>;
}

/// One request, and what may come of it.
pub(crate) struct Ask {
    /// All its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Bytes of its head.
    pub(crate) head: usize,
    /// Bytes without which no answer may be given.
    pub(crate) needs: usize,
    /// The client asks whether to send the body; the node may say 100 first.
    pub(crate) asks_first: bool,
    /// A 100 before the answer would be wrong.
    pub(crate) refused: bool,
    /// The answer may end the connection, depending on how much of the body had arrived.
    pub(crate) may_close: bool,
    /// It has not ended when its bytes have.
    pub(crate) is_open: bool,
    /// An answer has no body.
    pub(crate) head_only: bool,
    /// The slice breaks on it: the connection may be cut at any point.
    pub(crate) breaks: bool,
    pub(crate) expect: Expect,
}

/// What the answer must be.
pub(crate) enum Expect {
    /// Byte for byte what the reference answers.
    Reference,
    /// What a model of the world allows.
    Model(Box<dyn Model>),
}

/// Judges the answer of one request by what the client knew and what the world was.
pub(crate) trait Model {
    /// The request has arrived at the node, whole.
    fn arrived(&mut self);

    /// The client has the answer.
    fn answered(&mut self, status: u16, body: &[u8]) -> Result<(), String>;
}
