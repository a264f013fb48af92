//! What goes wrong with a connection after it was made, as its owner hears of it.

use async_nats::Event;
use tokio::sync::watch;

/// What went wrong with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The TCP connection ended. What was in flight is lost, in both directions.
    Lost,
    /// The server is about to shut down.
    LameDuck,
    /// A subscription overflowed and messages were dropped.
    SlowConsumer,
    /// The server refused something: its words. A permission violation is only ever seen here.
    Refused(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Lost => f.write_str("the connection to the server was lost"),
            Trouble::LameDuck => f.write_str("the server is shutting down (lame duck mode)"),
            Trouble::SlowConsumer => f.write_str("a subscription overflowed and messages were dropped"),
            Trouble::Refused(words) => write!(f, "the server refused: {words}"),
        }
    }
}

/// Keeps the worst news: a loss stays, anything else gives way to what is newer. Gives back what the server refused.
pub(super) fn note(report: &watch::Sender<Option<Trouble>>, event: Event) -> Option<String> {
    let trouble = match event {
        Event::Disconnected | Event::Closed => Trouble::Lost,
        Event::LameDuckMode => Trouble::LameDuck,
        Event::SlowConsumer(_) => Trouble::SlowConsumer,
        Event::ServerError(error) => Trouble::Refused(error.to_string()),
        Event::Connected | Event::Draining | Event::ClientError(_) => return None,
    };
    let refused = if let Trouble::Refused(words) = &trouble { Some(words.clone()) } else { None };
    report.send_if_modified(|known| {
        // A second loss is news again: whoever waits for the next one must wake up.
        let keep = *known == Some(Trouble::Lost) && trouble != Trouble::Lost;
        if !keep {
            *known = Some(trouble);
        }
        !keep
    });
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_not_replaced_by_lesser_news() {
        let (report, trouble) = watch::channel(None);
        note(&report, Event::LameDuckMode);
        note(&report, Event::Disconnected);
        note(&report, Event::SlowConsumer(1));
        assert_eq!(*trouble.borrow(), Some(Trouble::Lost));
    }
}
