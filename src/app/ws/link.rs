//! What a channel can do while it is called.

use std::net::IpAddr;

use super::outgoing::{Ask, Outgoing, Way};
use super::{Act, Framed, Message, Publication, Sender, Topic};
use crate::app::{Identity, Job, Lane, Moment, Outcome};
use crate::buffer::Aligned;
use crate::config::Flags;
use crate::wire::ws::{Code, Kind, Payload};

/// A channel's connection, for one call.
pub struct Link<'a> {
    outgoing: &'a mut Outgoing,
    way: Way<'a>,
    now: Moment,
    flags: Flags,
    sender: &'a Sender,
}

impl<'a> Link<'a> {
    /// For one call at `now`, while `flags` are in force.
    pub fn new(outgoing: &'a mut Outgoing, way: Way<'a>, now: Moment, flags: Flags, sender: &'a Sender) -> Self {
        Self { outgoing, way, now, flags, sender }
    }

    /// Sends a message; text has to be UTF-8.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) {
        self.outgoing.send(kind, payload, &mut self.way);
    }

    /// Sends a message without a copy, where it is long.
    pub fn send_owned(&mut self, kind: Kind, payload: Aligned) {
        self.outgoing.send_owned(kind, payload, &mut self.way);
    }

    /// Sends a message back as it came.
    #[inline]
    pub fn send_back(&mut self, message: Message<'_>) {
        let kind = message.kind();
        match message.into_payload() {
            Payload::Here(bytes) => self.outgoing.send(kind, bytes, &mut self.way),
            Payload::Whole(bytes) => self.outgoing.send_owned(kind, bytes, &mut self.way),
        }
    }

    /// Sends a message that was framed before.
    pub fn send_framed(&mut self, framed: &Framed) {
        self.outgoing.send_framed(framed, self.way.out);
    }

    /// Is sent from now on what is published to the topic, and before that the message that it retains.
    pub fn subscribe(&mut self, topic: &Topic) {
        self.outgoing.ask(Ask::Subscribe(topic.clone()));
    }

    /// Is sent that no more.
    pub fn unsubscribe(&mut self, topic: &Topic) {
        self.outgoing.ask(Ask::Unsubscribe(topic.clone()));
    }

    /// Sends a message to all subscribers, this connection among them if it is one.
    pub fn publish(&mut self, topic: &Topic, message: Framed) {
        let (topic, act) = (topic.clone(), Act::Message(message));
        self.outgoing.ask(Ask::Publish(Publication { topic, act, retain: false }));
    }

    /// Runs a job on the pool; [`super::Channel::on_done`] has its value. One at a time: a job that is asked for
    /// while another is under way, as [`super::Channel::on_drain`] may, begins when that is over. So each value
    /// comes, in the order in which the jobs were asked for. What has not begun when the connection is over never
    /// does.
    pub fn wait(&mut self, lane: Lane, job: Job) {
        self.outgoing.wait(lane, job);
    }

    /// The same on [`Lane::Io`], for what `work` returns.
    pub fn wait_for<T: std::any::Any + Send>(&mut self, work: impl FnOnce() -> T + Send + 'static) {
        self.wait(Lane::Io, Box::new(move || Outcome::value(work())));
    }

    /// Ends the connection, after what was sent. Of the reason as much is said as fits, 123 bytes.
    ///
    /// # Panics
    /// When the code may not be sent: see [`Act::close`].
    pub fn close(&mut self, code: Code, reason: &str) {
        self.outgoing.close(code, reason, self.way.out);
    }

    /// Who opened the connection.
    pub fn identity(&self) -> &Identity {
        self.outgoing.identity()
    }

    /// The other end; nobody can tell of a Unix socket.
    pub fn peer(&self) -> Option<IpAddr> {
        self.outgoing.peer()
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// The flags of the live config that are in force.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Speaks to this connection later, from anywhere.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }
}
