//! `[gateway]`: events over HTTP.
//!
//! Nothing here opens a file or a socket. Whether the input stream takes what the gateway publishes is `check`'s question.

use super::super::draft::ConfigDraft;
use super::super::given::GivenSetting;
use super::super::place::Placed;
use super::super::section::SectionReader;
use super::super::settings::GatewaySection;
use super::paths::path;
use crate::core::output::is_reserved;
use crate::core::plan::check::KeyPath;
use crate::core::plan::template::{Template, TemplateHole};
use crate::protocol::gateway::judge::Validate;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `gateway.subject` where the operator leaves it out.
const SUBJECT: &str = "events.{kind}";

pub(super) fn gateway(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    if !root.has("gateway") {
        // Asking makes the name known, so that a misspelt one is recognised.
        root.node("gateway");
        return;
    }
    draft.places.write(KeyPath::of(["gateway"]).name(), root.key_place("gateway"));
    if let Some(section) = root.optional("gateway") {
        draft.gateway = read(section, draft);
    }
}

fn read(mut section: SectionReader<'_, '_>, draft: &mut ConfigDraft) -> Option<GatewaySection> {
    let at = KeyPath::of(["gateway"]);
    let listen: GivenSetting<SocketAddr> = section.parsed("listen", |text| {
        text.parse().map_err(|_| {
            format!("`{text}` is no socket address: write an IP address and a port, such as `127.0.0.1:8081`")
        })
    });
    let tokens_file = path(&mut section, "tokens_file");
    open_to_all(&mut section, &listen, &tokens_file);
    let subject = draft.places.take(&at.then("subject"), section.parsed("subject", subject));
    let validate = section.choice("validate", &Validate::NAMED).or(Validate::Plan);
    let headers = section.texts("headers", header);
    let headers = headers.map(|list| list.into_iter().map(|name| name.value).collect::<Vec<_>>());
    let why = "an event is bounded by output.max_bytes and by the server, too; a body is kept in memory";
    let max_body = section.integer("max_body_bytes", 1_024..=67_108_864, why).or(1_048_576);
    let why = "each event of a batch waits for its own confirmation";
    let max_batch = section.integer("max_batch", 1..=10_000, why).or(500);
    let why = "0: no bound; it is counted for each token";
    let rate = section.integer("rate_per_s", 0..=10_000_000, why).or(0);
    let why = "so many events may come at once";
    let given_burst = section.integer("burst", 1..=100_000_000, why);
    let burst_place = given_burst.valid().map(|burst| burst.place);
    let burst = given_burst.or(rate.unwrap_or(0).max(max_batch.unwrap_or(1)));
    let why = "all bodies in hand together; at least two of the largest, since a packed body takes both";
    let in_flight = section.integer("max_in_flight_bytes", 65_536..=1 << 34, why);
    let in_flight_place = in_flight.valid().map(|bytes| bytes.place);
    let least = max_body.unwrap_or(0).saturating_mul(2).saturating_add(8_192);
    let in_flight = in_flight.or(least.max(8 << 20));
    let why = "more wait in the system's queue until one ends";
    let connections = section.integer("max_connections", 1..=100_000, why).or(1_024);
    let why = "how long the stream may take to confirm an event, before its fate counts as not known";
    let ack = section.integer("ack_timeout_ms", 50..=120_000, why).or(5_000);
    let why = "how long a body may take to come";
    let request = section.integer("request_timeout_ms", 50..=600_000, why).or(10_000);
    if let (Some(place), Some(burst), Some(batch)) = (burst_place, burst, max_batch)
        && burst < batch
    {
        let message = format!("`burst` is less than `max_batch` ({batch}): a whole batch would not fit in it");
        section.report.error_with(place, message, "make it at least as large");
    }
    if let (Some(place), Some(bytes)) = (in_flight_place, in_flight)
        && bytes < least
    {
        let message =
            format!("`max_in_flight_bytes` has no room for a packed body of `max_body_bytes`: {least} are needed");
        section.report.error_with(place, message, "make it larger, or `max_body_bytes` smaller");
    }
    section.finish();
    Some(GatewaySection {
        listen: listen.or(SocketAddr::from(([127, 0, 0, 1], 8081)))?,
        tokens_file: tokens_file.value(),
        subject: subject.or_else(|| Template::parse(SUBJECT).ok())?,
        validate: validate?,
        headers: headers.or(Vec::new())?,
        max_body_bytes: usize::try_from(max_body?).ok()?,
        max_batch: usize::try_from(max_batch?).ok()?,
        rate_per_s: rate?,
        burst: burst?,
        max_in_flight_bytes: usize::try_from(in_flight?).ok()?,
        max_connections: usize::try_from(connections?).ok()?,
        ack_timeout: Duration::from_millis(ack?),
        request_timeout: Duration::from_millis(request?),
    })
}

/// Without tokens only this machine may send.
fn open_to_all(
    section: &mut SectionReader<'_, '_>,
    listen: &GivenSetting<SocketAddr>,
    tokens_file: &GivenSetting<PathBuf>,
) {
    if let (Some(Placed { value, place }), true) = (listen.valid(), tokens_file.is_absent())
        && !value.ip().is_loopback()
    {
        let message = format!("whoever reaches {value} could store events: `tokens_file` is needed beside it");
        section.report.error_with(*place, message, "add `tokens_file = \"tokens\"`, or listen on 127.0.0.1");
    }
}

fn subject(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    if template.holes().any(|hole| matches!(hole, TemplateHole::Reason | TemplateHole::Subject(_))) {
        return Err(format!(
            "`{text}`: an event that comes in has {{kind}}, {{type}} and {{subtype}}, and nothing else"
        ));
    }
    Ok(template)
}

/// The name of a header that is stored with events.
fn header(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if text.is_empty() || !text.bytes().all(good) {
        return Err(format!("`{text}` is no header's name: letters, digits, `-` and `_`"));
    }
    if is_reserved(text) {
        return Err(format!("`{text}`: no sender may write headers that begin with `Nats-` or `Sidestream-`"));
    }
    let own = ["authorization", "cookie", "proxy-authorization", "correlation-id"];
    let lower = text.to_ascii_lowercase();
    if own.contains(&lower.as_str()) || lower.starts_with("ce-") {
        return Err(format!("`{text}` cannot be chosen: it is a secret, or stored by itself"));
    }
    Ok(text.to_owned())
}
