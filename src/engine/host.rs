//! The actor that hosts a machine: it takes messages, tells the machine, and has carried out what the machine asks for.
//!
//! Decides nothing and never waits. What differs between the actors are their hands: the mailboxes, stores, clocks and metrics
//! that acts are carried out with.

use super::ending::{Alarm, End, Ending};
use super::messages::Tell;
use crate::protocol::machines::machine::Machine;
use actix::{Actor, Addr, AsyncContext, Context, Handler};
use std::time::Duration;

/// Where an actor with these hands is told something.
pub type Address<H> = Addr<Host<H>>;
/// What a host's machine is told.
pub type MessageOf<H> = <<H as Hands>::Machine as Machine>::Message;
/// What a host's machine asks for.
pub type ActOf<H> = <<H as Hands>::Machine as Machine>::Act;

/// What carries out the acts of one machine.
pub trait Hands: Sized + Unpin + 'static {
    /// The machine.
    type Machine: Machine<Message: Send + 'static, Act: Unpin> + Unpin + 'static;

    /// The actor's name.
    const NAME: &'static str;

    /// Mailbox room.
    fn mailbox(&self) -> usize;

    /// What the machine is told from time to time.
    fn interval(&self) -> Option<(Duration, MessageOf<Self>)> {
        None
    }

    /// A message came; what came by another way than the mailbox since the last one is told before it.
    fn hear(&mut self, _message: &MessageOf<Self>) -> Option<MessageOf<Self>> {
        None
    }

    /// Carries out one act; an end is the start's, and nothing is carried out after it.
    fn carry_out(&mut self, act: ActOf<Self>) -> Result<(), End>;

    /// A message is done with.
    fn rest(&mut self, _machine: &Self::Machine) {}
}

/// An actor: a machine and its hands.
pub struct Host<H: Hands> {
    /// What decides.
    pub machine: H::Machine,
    /// What carries out.
    pub hands: H,
    /// What is to be done; empty between messages, the room is kept.
    acts: Vec<ActOf<H>>,
    /// The start has ended here: nothing is done any more.
    over: bool,
    ending: Ending,
    /// Reports this actor's death.
    _alarm: Alarm,
}

impl<H: Hands> Host<H> {
    /// An actor that reports the end there.
    pub fn new(machine: H::Machine, hands: H, ending: Ending) -> Host<H> {
        let alarm = Alarm::new(H::NAME, ending.clone());
        Host { machine, hands, acts: Vec::new(), over: false, ending, _alarm: alarm }
    }

    /// Tells the machine and carries out what it asks for.
    pub fn tell(&mut self, message: MessageOf<H>) {
        if self.over {
            return;
        }
        if let Some(before) = self.hands.hear(&message) {
            self.machine.on(before, &mut self.acts);
        }
        self.machine.on(message, &mut self.acts);
        self.carry_out();
        self.hands.rest(&self.machine);
    }

    fn carry_out(&mut self) {
        while !self.acts.is_empty() {
            for act in self.acts.drain(..) {
                if let Err(end) = self.hands.carry_out(act) {
                    self.ending.report(end);
                    self.over = true;
                    break;
                }
            }
            if self.over {
                return;
            }
            self.machine.done(&mut self.acts);
        }
    }
}

impl<H: Hands> Actor for Host<H> {
    type Context = Context<Host<H>>;

    fn started(&mut self, ctx: &mut Context<Host<H>>) {
        ctx.set_mailbox_capacity(self.hands.mailbox());
        if let Some((interval, _)) = self.hands.interval() {
            ctx.run_interval(interval, |host, _| {
                if let Some((_, message)) = host.hands.interval() {
                    host.tell(message);
                }
            });
        }
        self.machine.begin(&mut self.acts);
        self.carry_out();
    }
}

impl<H: Hands> Handler<Tell<MessageOf<H>>> for Host<H> {
    type Result = ();

    fn handle(&mut self, Tell(message): Tell<MessageOf<H>>, _: &mut Context<Host<H>>) {
        self.tell(message);
    }
}

/// Tells another actor's machine. Bounds are arithmetic: a full mailbox is our fault, a closed one an actor's death.
pub fn tell<H: Hands>(from: &str, to: &Address<H>, message: MessageOf<H>) -> Result<(), End> {
    to.try_send(Tell(message)).map_err(|_| End::Broken(format!("the {from} could not reach the {}", H::NAME)))
}
