//! The way of a request: who sends, what is in it, what the plan says, the stream's confirmation, the answer.

use super::job::GatewayJob;
use super::link::Link;
use super::publish::publish;
use super::tokens::KeptTokens;
use crate::app::exit::Exit;
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::protocol::gateway::answer::{AnswerShared, GatewayAnswer, answer, refuse};
use crate::protocol::gateway::cut::{CutRequest, RequestBounds, correlation, cut};
use crate::protocol::gateway::door::{Context, Door};
use crate::protocol::gateway::judge::Judge;
use crate::protocol::gateway::local::refuse_pages;
use crate::protocol::gateway::problem::{NOT_STORED, RATE, RequestFault, UNAUTHORIZED};
use crate::protocol::gateway::rate::Rates;
use crate::protocol::gateway::request::{Admitted, AnsweredEvent, EventVerdict, PublishRequest};
use crate::protocol::gateway::tokens::{Sender, Tokens};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A gateway that takes requests.
#[derive(Clone)]
pub struct Service(Arc<ServiceInner>);

struct ServiceInner {
    job: GatewayJob,
    bounds: RequestBounds,
    tokens: Option<KeptTokens>,
    link: Link,
    door: Mutex<Door>,
    rates: Mutex<Rates>,
    began: Instant,
}

impl Service {
    pub(super) fn new(job: GatewayJob, tokens: Option<KeptTokens>, link: Link) -> Result<Service, Exit> {
        let gateway = &job.gateway;
        let bounds = RequestBounds { max_batch: gateway.max_batch, headers: gateway.headers.clone() };
        let plan = Arc::new(Plan::compile(job.config.plan.clone(), &Layout::default()));
        let max_bytes = plan.spec.max_bytes;
        let door = Door::new(gateway.subject.clone(), gateway.validate, max_bytes, Judge::new(plan));
        let rates = Rates::new(gateway.rate_per_s, gateway.burst);
        Ok(Service(Arc::new(ServiceInner {
            bounds,
            tokens,
            link,
            door: Mutex::new(door),
            rates: Mutex::new(rates),
            began: Instant::now(),
            job,
        })))
    }

    /// Why nothing can be stored at this moment.
    pub fn trouble(&self) -> Option<String> {
        self.0.link.borrow().as_ref().err().map(ToString::to_string)
    }

    /// Who sends a request of these headers; asked before its body is read.
    pub fn enter(&self, head: &PublishRequest) -> Result<Sender, GatewayAnswer> {
        let entered = match &self.0.tokens {
            None => refuse_pages(head).map(|()| Sender::anybody()),
            Some(tokens) => {
                let token = head.header("authorization").and_then(Tokens::bearer);
                let found = token.and_then(|token| tokens.now().find(token).cloned());
                found.ok_or_else(|| RequestFault::new(UNAUTHORIZED, "the request has no token that is known"))
            }
        };
        entered.map_err(|fault| self.refused(&fault))
    }

    /// The answer to a request that is refused before its events are looked at.
    pub fn refused(&self, fault: &RequestFault) -> GatewayAnswer {
        refuse(fault, &fresh(self.0.began))
    }

    /// Takes a request: every event in it is confirmed by the stream or named in the answer.
    pub async fn take(&self, sender: Sender, request: PublishRequest) -> GatewayAnswer {
        let fresh = fresh(self.0.began);
        match self.taken(sender, request, &fresh).await {
            Ok(answer) => answer,
            Err((fault, correlation)) => refuse(&fault, &correlation),
        }
    }

    async fn taken(
        &self,
        sender: Sender,
        request: PublishRequest,
        fresh: &str,
    ) -> Result<GatewayAnswer, (RequestFault, String)> {
        let inner = &*self.0;
        let given = correlation(&request).map_err(|fault| (fault, fresh.to_owned()))?;
        let correlation = given.unwrap_or_else(|| fresh.to_owned());
        let failed = |fault: RequestFault| {
            inner.job.metrics.gateway().events(outcome(&EventVerdict::Failed(fault.clone())), 1);
            (fault, correlation.clone())
        };
        let CutRequest { events, batch } = cut(&request, &inner.bounds).map_err(failed)?;
        let now = u64::try_from(inner.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let rate = lock(&inner.rates).take(&sender.name, events.len() as u64, now);
        rate.map_err(|seconds| failed(RequestFault::later(RATE, "the sender's bucket is empty", seconds)))?;
        let context = Context { sender, now: wall(), correlation: correlation.clone(), fresh: fresh.to_owned() };
        let mut ids = Vec::with_capacity(events.len());
        let admitted: Vec<Result<(Admitted, bool), RequestFault>> = {
            let mut door = lock(&inner.door);
            let admit = |(place, event): (usize, &Result<_, RequestFault>)| match event {
                Ok(candidate) => door.admit(candidate, place, &context),
                Err(fault) => Err(fault.clone()),
            };
            ids.extend(events.iter().map(|event| event.as_ref().ok().and_then(|event| event.id.clone())));
            events.iter().enumerate().map(admit).collect()
        };
        let link = inner.link.borrow().clone();
        let linked = link.map_err(|why| failed(RequestFault::later(NOT_STORED, why.to_string(), 1)));
        // Whatever is wrong with the events is said whether the server is there or not.
        let linked = match linked {
            Err(away) if admitted.iter().any(Result::is_ok) => return Err(away),
            linked => linked.ok(),
        };
        let again = |(message, known): (Admitted, bool)| (message, (!known).then(|| fresh.to_owned()));
        let messages: Vec<_> = admitted.into_iter().map(|admitted| admitted.map(again)).collect();
        let verdicts = match linked.as_deref() {
            Some(linked) => publish(linked, &inner.job.config.input.stream, messages).await,
            None => messages.into_iter().filter_map(Result::err).map(EventVerdict::Failed).collect(),
        };
        let items: Vec<AnsweredEvent> =
            ids.into_iter().zip(verdicts).map(|(id, verdict)| AnsweredEvent { id, verdict }).collect();
        for item in &items {
            inner.job.metrics.gateway().events(outcome(&item.verdict), 1);
        }
        let remembers_s = linked.map_or(0, |linked| linked.remembers.as_secs());
        let shared = AnswerShared { stream: inner.job.config.input.stream.clone(), remembers_s, correlation };
        Ok(answer(&items, batch, &shared))
    }
}

/// The word of the metrics for what became of an event.
fn outcome(verdict: &EventVerdict) -> &'static str {
    match verdict {
        EventVerdict::Stored { duplicate: false, .. } => "stored",
        EventVerdict::Stored { duplicate: true, .. } => "duplicate",
        EventVerdict::Failed(fault) => match fault.problem.slug {
            "unconfirmed" => "unconfirmed",
            "not-stored" => "not_stored",
            "rate-limited" => "rate_limited",
            _ => "refused",
        },
    }
}

/// A UUID of version 7: the time, and what chance gives.
fn fresh(began: Instant) -> String {
    use std::hash::{BuildHasher, RandomState};
    // Each state has keys of its own, and the system chose the first ones.
    let chance = |what: u8| RandomState::new().hash_one((began.elapsed().as_nanos(), what)).to_be_bytes();
    let mut bytes = [0; 10];
    for (byte, random) in bytes.iter_mut().zip(chance(0).into_iter().chain(chance(1))) {
        *byte = random;
    }
    let millis = u64::try_from(wall().0 / 1_000_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().to_string()
}

fn wall() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A panic on one event is no reason to take no other.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
