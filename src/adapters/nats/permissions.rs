//! Every permission that `run` needs, asked for one by one, so that all that are missing are named at once.
//!
//! A probe does nothing: its body is no request that the server would carry out, or it goes to a consumer that does
//! not exist. The server reports a missing permission at once and by name; an answer, or no word of a missing
//! permission, means that there is one. Publishing to the output's subjects is probed by `inspect`, whose message the
//! stream refuses.

use super::connect::{Connection, Trouble};
use super::finding::StreamFinding;
use super::notice::Notices;
use super::prefix::API;
use super::source::durable_name;
use crate::ports::stream::BrokerError;
use std::time::Duration;

/// How long a word of a missing permission may take; where nothing answers a probe, all of it is waited for.
const WORD_WITHIN: Duration = Duration::from_millis(700);

/// A body that no handler of the API takes for a request.
const NO_REQUEST: &str = "sidestream check";

/// The consumer's name in probes; no such consumer is ever made.
const NOBODY: &str = "sidestream-check";

/// One subject that `run` publishes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    subject: String,
    body: &'static str,
    /// Whether the server answers; else only its word of a missing permission is waited for.
    answered: bool,
    /// What happens without it.
    without: &'static str,
}

impl Need {
    fn of(subject: String, without: &'static str) -> Need {
        Need { subject, body: NO_REQUEST, answered: true, without }
    }
}

/// What `run` publishes to, beside outputs and dead letters. `interest` when the input has interest retention, `None`
/// when that is not known.
pub(super) fn needs(connection: &Connection, input: &str, output: &str, interest: Option<bool>) -> Vec<Need> {
    let mut needs = Vec::new();
    for (stream, role) in [(input, "input"), (output, "output")] {
        let start = if role == "input" { "no start can tell where the input ends" } else { "no start finds its place" };
        needs.push(Need { body: "", ..Need::of(connection.api("STREAM.INFO", stream), start) });
        needs.push(Need::of(connection.api("STREAM.MSG.GET", stream), "no start can compare what it finds"));
    }
    let reads = |stream: &str| {
        [
            Need::of(connection.consumer_api("CREATE", stream, NOBODY), "the stream cannot be read"),
            Need {
                answered: false,
                ..Need::of(connection.consumer_api("MSG.NEXT", stream, NOBODY), "the stream cannot be read")
            },
            Need {
                body: "",
                ..Need::of(connection.consumer_api("DELETE", stream, NOBODY), "consumers stay for 90 s; nothing else")
            },
        ]
    };
    if interest == Some(true) {
        let durable = durable_name(output);
        let reading = "the stream cannot be read";
        needs.push(Need::of(connection.consumer_api("CREATE", input, &durable), reading));
        let silent = |subject, without| Need { answered: false, ..Need::of(subject, without) };
        needs.push(silent(connection.consumer_api("RESET", input, &durable), reading));
        needs.push(silent(connection.consumer_api("MSG.NEXT", input, &durable), reading));
        // Behind a prefix the server alone knows where acks go.
        if connection.prefixes().of(input) == API {
            let subject = format!("$JS.ACK.{input}.{durable}.1.0.0.0.0");
            needs.push(silent(subject, "nothing is ever acknowledged, and the input stream grows"));
        }
    } else {
        needs.extend(reads(input));
    }
    needs.extend(reads(output));
    needs
}

/// Probes them all; one finding for each. `deaf` where no answer can be heard.
pub(super) async fn probe(
    connection: &Connection,
    needs: &[Need],
    deaf: bool,
) -> Result<Vec<StreamFinding>, BrokerError> {
    let mut findings = Vec::with_capacity(needs.len());
    for need in needs {
        findings.push(match refusal(connection, need, deaf).await? {
            None => StreamFinding::good(format!("publishing to {} is allowed", need.subject)),
            Some(words) => {
                let hint = format!("allow this user to publish to {}; without it, {}", need.subject, need.without);
                StreamFinding::bad(format!("the server refused: {words}"), hint)
            }
        });
    }
    Ok(findings)
}

/// Subscribes to an inbox as the first request would, and waits for the server's word against it.
pub(super) async fn hearing(connection: &Connection) -> Result<Option<StreamFinding>, BrokerError> {
    let mut trouble = connection.trouble();
    trouble.mark_unchanged();
    let client = connection.client();
    let inbox = client.subscribe(client.new_inbox()).await;
    let _inbox = inbox.map_err(|error| BrokerError::Transient(format!("the connection is closed: {error}")))?;
    match tokio::time::timeout(WORD_WITHIN, trouble.changed()).await {
        Ok(Ok(())) => match trouble.borrow_and_update().clone() {
            Some(Trouble::Refused(words)) => Ok(deaf(&format!("the server refused: {words}"))),
            _ => Ok(None),
        },
        Ok(Err(_)) => Err(BrokerError::Transient("the connection was closed".to_owned())),
        Err(_) => Ok(None),
    }
}

/// The finding where the server refused the inbox.
pub(super) fn deaf(what: &str) -> Option<StreamFinding> {
    let hint = "allow this user to subscribe to its inbox (`_INBOX.>`), or set nats.inbox_prefix to a prefix that it may subscribe to: without it no request is answered";
    what.contains("Permissions Violation for Subscription to").then(|| StreamFinding::bad(what, hint))
}

/// The server's word on a probe that it does not allow.
async fn refusal(connection: &Connection, need: &Need, deaf: bool) -> Result<Option<String>, BrokerError> {
    let mut trouble = connection.trouble();
    trouble.mark_unchanged();
    let client = connection.client();
    let closed = |error| BrokerError::Transient(format!("the connection is closed: {error}"));
    let wait = if need.answered && !deaf {
        let (request, subject) = (async_nats::Request::new().payload(need.body.into()), need.subject.clone());
        let answer = async move { drop(client.send_request(subject, request).await) };
        futures_util::future::Either::Left(answer)
    } else {
        client.publish(need.subject.clone(), need.body.into()).await.map_err(closed)?;
        futures_util::future::Either::Right(tokio::time::sleep(WORD_WITHIN))
    };
    let word = async {
        while trouble.changed().await.is_ok() {
            match trouble.borrow_and_update().clone() {
                Some(Trouble::Lost) => return Err(BrokerError::Transient(Trouble::Lost.to_string())),
                Some(Trouble::Refused(words)) if words.contains("Permissions Violation") => return Ok(Some(words)),
                _ => {}
            }
        }
        Err(BrokerError::Transient("the connection was closed".to_owned()))
    };
    tokio::select! {
        biased;
        word = word => word,
        () = wait => Ok(None),
        // Some probes are not answered at all by some servers.
        () = tokio::time::sleep(WORD_WITHIN * 3) => Ok(None),
    }
}

/// Whether engines of this output may tell each other that they started: both ways, by hearing oneself.
pub(super) async fn claiming(connection: &Connection, subject: &str) -> Result<Vec<StreamFinding>, BrokerError> {
    let mut trouble = connection.trouble();
    trouble.mark_unchanged();
    let mut notices = Notices::open(connection, subject).await?;
    // No run id: engines that hear it pass over it. Other checks are heard here, too, and say nothing of our own permission.
    let own = format!("{NO_REQUEST} {}", connection.client().new_inbox());
    notices.send(own.clone()).await?;
    let mut refused = Vec::new();
    let hint = format!(
        "allow this user to publish and subscribe to {subject}; without it, an engine that starts cannot tell the \
         earlier one to leave"
    );
    let end = tokio::time::Instant::now() + WORD_WITHIN;
    loop {
        tokio::select! {
            biased;
            changed = trouble.changed() => match (changed.is_ok(), trouble.borrow_and_update().clone()) {
                (false, _) | (_, Some(Trouble::Lost)) => {
                    return Err(BrokerError::Transient(Trouble::Lost.to_string()));
                }
                (_, Some(Trouble::Refused(words))) => {
                    refused.push(StreamFinding::bad(format!("the server refused: {words}"), hint.clone()));
                }
                _ => {}
            },
            heard = notices.next(), if refused.is_empty() => {
                if heard.ok_or_else(|| BrokerError::Transient("the connection was closed".to_owned()))? != own {
                    continue;
                }
                return Ok(vec![StreamFinding::good(format!("publishing and subscribing to {subject} is allowed"))]);
            }
            () = tokio::time::sleep_until(end) => break,
        }
    }
    if refused.is_empty() {
        refused.push(StreamFinding::bad(format!("a notice on {subject} does not come back"), hint));
    }
    Ok(refused)
}
