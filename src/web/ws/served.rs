//! A channel with its hooks, whose panics end its own connection and no other.

use std::any::{Any, type_name};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::app::Value;
use crate::app::ws::{Channel, Closed, Failed, Link, Message};
use crate::web::error::Failure;
use crate::wire::ws::Code;

type OnOpen = Box<dyn FnOnce(&mut Link<'_>) + Send>;
type OnClose = Box<dyn FnOnce(&Closed) + Send>;

/// What is called beside the channel.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) open: Option<OnOpen>,
    pub(super) close: Option<OnClose>,
}

/// A channel of the program's.
pub(super) struct Served<C> {
    channel: C,
    hooks: Hooks,
    failures: Arc<AtomicU64>,
}

impl<C: Channel> Served<C> {
    pub(super) fn new(channel: C, hooks: Hooks, failures: Arc<AtomicU64>) -> Self {
        Self { channel, hooks, failures }
    }

    /// Calls what may panic. The core calls nothing but [`Channel::on_close`] once the end was said.
    fn call(&mut self, link: &mut Link<'_>, call: impl FnOnce(&mut Self, &mut Link<'_>)) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| call(self, link))) {
            self.count(&*payload);
            link.close(Code::INTERNAL, "the server failed on this message");
        }
    }

    #[cold]
    fn count(&self, payload: &(dyn Any + Send)) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        log::error!("WebSocket, {}: {}", type_name::<C>(), Failure::from_panic(payload));
    }
}

impl<C: Channel> Channel for Served<C> {
    fn on_open(&mut self, link: &mut Link<'_>) {
        self.call(link, |served, link| {
            if let Some(hook) = served.hooks.open.take() {
                hook(link);
            }
            served.channel.on_open(link);
        });
    }

    fn on_message(&mut self, message: Message<'_>, link: &mut Link<'_>) {
        self.call(link, |served, link| served.channel.on_message(message, link));
    }

    fn on_done(&mut self, value: Value, link: &mut Link<'_>) {
        self.call(link, |served, link| served.channel.on_done(value, link));
    }

    fn on_failed(&mut self, failed: Failed, link: &mut Link<'_>) {
        if failed == Failed::Panicked {
            self.failures.fetch_add(1, Ordering::Relaxed);
            log::error!("WebSocket, {}: its job panicked", type_name::<C>());
        }
        self.call(link, |served, link| served.channel.on_failed(failed, link));
    }

    fn on_drain(&mut self, link: &mut Link<'_>) {
        self.call(link, |served, link| served.channel.on_drain(link));
    }

    fn on_close(&mut self, closed: &Closed) {
        let hook = self.hooks.close.take();
        let told = catch_unwind(AssertUnwindSafe(|| self.channel.on_close(closed)));
        let hooked = catch_unwind(AssertUnwindSafe(|| {
            if let Some(hook) = hook {
                hook(closed);
            }
        }));
        [told, hooked].into_iter().filter_map(Result::err).for_each(|payload| self.count(&*payload));
    }
}
