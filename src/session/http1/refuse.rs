//! Requests that are refused without a slice: all but one end their connection, since what follows them
//! cannot be trusted or will not be read.

use crate::app::refusal::{Refusal, RefusalKind};
use crate::app::reply::Terms;
use crate::app::{Reply, Value};
use crate::session::Turn;
use crate::session::http1::Http1;
use crate::wire::http1::Head;

impl Http1 {
    /// Refuses what cannot be gone on with: the connection ends after this answer.
    #[cold]
    pub(super) fn refuse(&mut self, kind: RefusalKind, turn: &mut Turn<'_>) {
        let refusal = Refusal { kind, peer: turn.peer };
        turn.app.refused(refusal.status(), turn.peer);
        let words = turn.app.words(&refusal);
        let terms = Terms { date: turn.date, head_only: self.head_only, close: true, http10: false };
        refusal.write(words.as_ref(), &mut Reply::new(turn.out, terms));
        self.finish(true, true);
    }

    /// A body that goes to a sink must say where it ends. None came: the connection may go on.
    #[cold]
    pub(super) fn refuse_lengthless(&mut self, head: &Head<'_, '_>, after: &[u8], turn: &mut Turn<'_>) -> usize {
        let refusal = Refusal { kind: RefusalKind::LengthRequired, peer: turn.peer };
        let words = turn.app.words(&refusal);
        self.answer_early(head, after, turn, |reply| refusal.write(words.as_ref(), reply))
    }

    /// There is no memory for it now.
    #[cold]
    pub(super) fn shed(&mut self, turn: &mut Turn<'_>) {
        self.shed = true;
        self.refuse(RefusalKind::Overloaded, turn);
    }

    /// The lane of its job is full: the slice says so if it wanted to, but may not wait again.
    #[cold]
    pub(super) fn on_busy(&mut self, turn: &mut Turn<'_>) {
        let Some(instead) = self.take_instead() else { return self.refuse(RefusalKind::Busy, turn) };
        self.resume(instead, turn);
        if self.waits() {
            self.own().work = None;
            self.refuse(RefusalKind::Busy, turn);
        }
    }

    /// What the slice answers with: as after a refusal, nothing more is begun on this connection.
    fn take_instead(&mut self) -> Option<Value> {
        let owned = self.owned.as_mut()?;
        let instead = owned.instead.take()?;
        owned.body_unread = true;
        Some(instead)
    }
}
