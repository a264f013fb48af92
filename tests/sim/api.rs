//! The product's questions to a server, answered when the simulation says so.
//!
//! The product asks in async functions; here each await is an entry of the agenda, so that the world may change
//! between two questions.

use super::agenda::Time;
use super::context::Context;
use super::stale;
use sidestream::ports::stream::{BrokerError, StoredMessage, StreamState, Streams};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// A question.
#[derive(Clone, Debug)]
pub enum Question {
    State(String),
    Message(String, u64),
    /// The first one at a sequence or behind it.
    From(String, u64),
}

impl Question {
    /// Whether it is about this stream.
    pub fn is_about(&self, name: &str) -> bool {
        let (Question::State(stream) | Question::Message(stream, _) | Question::From(stream, _)) = self;
        stream == name
    }
}

/// Its answer.
#[derive(Debug)]
pub enum Answer {
    State(Result<StreamState, BrokerError>),
    Message(Result<Option<StoredMessage>, BrokerError>),
}

#[derive(Default)]
struct Slot {
    asked: Option<Question>,
    answer: Option<Answer>,
}

/// What asks.
#[derive(Clone, Default)]
pub struct Api(Arc<Mutex<Slot>>);

impl Api {
    fn ask(&self, question: Question) -> impl Future<Output = Answer> + Send + use<> {
        let slot = self.0.clone();
        let mut question = Some(question);
        std::future::poll_fn(move |_| {
            let mut slot = slot.lock().expect("one thread");
            match slot.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    slot.asked = question.take();
                    Poll::Pending
                }
            }
        })
    }
}

impl Streams for Api {
    fn state(&self, stream: &str) -> impl Future<Output = Result<StreamState, BrokerError>> + Send {
        let asked = self.ask(Question::State(stream.to_owned()));
        async move {
            match asked.await {
                Answer::State(state) => state,
                Answer::Message(_) => unreachable!("another question"),
            }
        }
    }

    fn message_at(
        &self,
        stream: &str,
        sequence: u64,
    ) -> impl Future<Output = Result<Option<StoredMessage>, BrokerError>> + Send {
        let asked = self.ask(Question::Message(stream.to_owned(), sequence));
        async move {
            match asked.await {
                Answer::Message(message) => message,
                Answer::State(_) => unreachable!("another question"),
            }
        }
    }

    fn message_from(
        &self,
        stream: &str,
        sequence: u64,
    ) -> impl Future<Output = Result<Option<StoredMessage>, BrokerError>> + Send {
        let asked = self.ask(Question::From(stream.to_owned(), sequence));
        async move {
            match asked.await {
                Answer::Message(message) => message,
                Answer::State(_) => unreachable!("another question"),
            }
        }
    }
}

/// An async function of the product under way.
pub struct Task<T> {
    api: Api,
    future: Pin<Box<dyn Future<Output = T> + Send>>,
}

impl<T> Task<T> {
    /// Begins with the future that is made for an api.
    pub fn new<F: Future<Output = T> + Send + 'static>(make: impl FnOnce(Api) -> F) -> Task<T> {
        let api = Api::default();
        Task { future: Box::pin(make(api.clone())), api }
    }

    /// Goes on: the result, or the next question.
    pub fn go_on(&mut self) -> Result<T, Question> {
        let mut context = std::task::Context::from_waker(Waker::noop());
        match self.future.as_mut().poll(&mut context) {
            Poll::Ready(result) => Ok(result),
            Poll::Pending => Err(self.api.0.lock().expect("one thread").asked.take().expect("a question")),
        }
    }

    /// Gives the answer to the last question.
    pub fn answer(&self, answer: Answer) {
        self.api.0.lock().expect("one thread").answer = Some(answer);
    }
}

/// What the server answers now; an error when it cannot be reached.
pub fn answer(context: &mut Context, question: &Question, reachable: bool) -> Answer {
    let gone = || BrokerError::Transient("no answer".to_owned());
    let missing = |stream: &str| BrokerError::Permanent {
        what: format!("there is no stream {stream}"),
        hint: "create it".to_owned(),
    };
    match question {
        Question::State(stream) => Answer::State(match stale::state(context, stream) {
            _ if !reachable => Err(gone()),
            Some(answer) => answer,
            None => Err(missing(stream)),
        }),
        Question::Message(stream, sequence) => Answer::Message(match context.server.state(stream) {
            _ if !reachable => Err(gone()),
            Some(_) => Ok(stale::message(context, stream, *sequence)),
            None => Err(missing(stream)),
        }),
        Question::From(stream, sequence) => Answer::Message(match context.server.state(stream) {
            _ if !reachable => Err(gone()),
            Some(state) => Ok((*sequence..=state.last).find_map(|sequence| stale::message(context, stream, sequence))),
            None => Err(missing(stream)),
        }),
    }
}

/// How long a question and its answer take; a time-out when nobody answers.
pub fn travel(context: &mut Context, reachable: bool) -> Time {
    if reachable { context.latency() * 2 } else { 2 * super::agenda::SECONDS }
}
