//! `sidestream test record`: events of the input stream as a case, with what comes of them over an empty state.
//!
//! Every line is read back before it is taken: an event that no line can hold is refused, never changed.

use super::file::CaseReader;
use super::input::{BEGINNING, Notation};
use super::output::{ActualLine, header_value};
use super::update::block;
use super::ways;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::SourceOptions;
use crate::adapters::nats::streams;
use crate::app::exit::{BROKEN, CONFIG, Exit, UNAVAILABLE};
use crate::app::reader::StreamReader;
use crate::commands::replay::place::range;
use crate::config::Config;
use crate::core::event::{StoredForm, StoredMessage};
use crate::core::ids::{Nanos, Position};
use crate::core::outcome::{Outcome, Silence};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::ports::stream::StreamState;
use crate::protocol::runner::Runner;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most events that a case may have: more is nothing that a person reads.
const EVENTS_MAX: usize = 1_000;

/// What is recorded.
#[derive(Clone, Debug)]
pub struct RecordRequest {
    /// The first event: a position or a time.
    pub from: Option<String>,
    /// The last event: a position or a time.
    pub until: Option<String>,
    /// Only the events of this key.
    pub key: Option<String>,
    /// The name of the case.
    pub name: String,
    /// The file that the case is added to.
    pub file: Option<PathBuf>,
}

/// The case as text, added to the file if there is one.
pub async fn record(connection: &Connection, config: &Config, wanted: &RecordRequest) -> Result<String, Exit> {
    let plan = Arc::new(Plan::compile(config.plan.clone(), &Layout::default()));
    let messages = events(connection, config, &plan, wanted).await?;
    let messages = if plan.hides { hidden(&plan, messages)? } else { messages };
    let case = case(config, &plan, &wanted.name, &messages)?;
    if let Some(path) = &wanted.file {
        add(config, path, &case)?;
    }
    Ok(case)
}

/// The events of the range, or those of them that have the key.
async fn events(
    connection: &Connection,
    config: &Config,
    plan: &Arc<Plan>,
    wanted: &RecordRequest,
) -> Result<Vec<StoredMessage>, Exit> {
    let stream = config.input.stream.as_str();
    let state = streams::state(connection, stream).await?;
    let (from, until) = range(connection, stream, state, wanted.from.as_deref(), wanted.until.as_deref()).await?;
    let (until, after) = (StreamState { last: until.0, ..state }, Position(from.0 - 1));
    let mut reader = StreamReader::after(connection, stream, until, after, SourceOptions::default());
    let mut found: Vec<StoredMessage> = Vec::new();
    let mut runner = Runner::new(plan.clone(), 1);
    loop {
        let messages = reader.next().await?;
        if messages.is_empty() {
            break;
        }
        let inside = messages.into_iter().filter(|message| message.sequence <= until.last);
        found.extend(inside.filter(|message| wanted.key.as_ref().is_none_or(|key| has_key(&mut runner, message, key))));
        if found.len() > EVENTS_MAX {
            let what = format!("the range has more than {EVENTS_MAX} events, which is too much for a case");
            return Err(Exit::new(CONFIG, what, "give a shorter range, or the events of one key: --key KEY"));
        }
    }
    reader.close().await;
    if found.is_empty() {
        let what = format!("no event of stream {stream} from position {from} to {} is to be recorded", until.last);
        return Err(Exit::new(CONFIG, what, "give another range or another key"));
    }
    Ok(found)
}

fn has_key(runner: &mut Runner, message: &StoredMessage, key: &str) -> bool {
    let slice = runner.cut(vec![message.clone()]);
    slice.is_some_and(|slice| runner.explain(&slice).iter().any(|event| event.key.as_deref() == Some(key)))
}

/// The events as the plan shows them: nothing that it masks or removes may stand in a file that people pass on. They are
/// the texts behind the derived fields, which the case derives once more.
fn hidden(plan: &Arc<Plan>, messages: Vec<StoredMessage>) -> Result<Vec<StoredMessage>, Exit> {
    let mut runner = Runner::new(plan.clone(), 1);
    let shown = messages.into_iter().map(|message| {
        let position = message.sequence;
        let refused = |why: &str| {
            let what = format!("the event at position {position} holds what the configuration hides, and {why}");
            Exit::new(CONFIG, what, "record a range without it, or the events of one key: --key KEY")
        };
        let slice = runner.cut(vec![message.clone()]).ok_or_else(|| refused("it is listed twice"))?;
        if slice.order.events() > 1 {
            return Err(refused("it is a list of events"));
        }
        let (event, _) = slice.shards.iter().find_map(|events| events.iter(plan).next()).ok_or_else(|| {
            Exit::new(BROKEN, "an event belongs to no shard", "this is a fault of Sidestream: please report it")
        })?;
        match &event.stored {
            StoredForm::AsItIs => Ok(message),
            StoredForm::Before(_) if !plan.layers.is_empty() => {
                Err(refused("no case can hold its envelope without it"))
            }
            StoredForm::Before(_) => Ok(event.message.clone()),
            StoredForm::NotToBeShown(_) => Err(refused("it breaks before all of that is hidden")),
        }
    });
    shown.collect()
}

/// The text of a case.
fn case(config: &Config, plan: &Arc<Plan>, name: &str, messages: &[StoredMessage]) -> Result<String, Exit> {
    let notation = Notation::of(config);
    let lines: Vec<String> = messages.iter().map(|message| line(&notation, message)).collect::<Result<_, Exit>>()?;
    let numbered = (1..).zip(messages).map(|(sequence, message)| StoredMessage { sequence, ..message.clone() });
    let numbered: Vec<StoredMessage> = numbered.collect();
    let broken = |what| Exit::new(BROKEN, what, "this is a fault of Sidestream: please report it, with the events");
    let ran = ways::run(plan, &numbered).map_err(broken)?;
    let outputs: Vec<String> =
        ran.outcomes.iter().cloned().flatten().map(|output| ActualLine::of(&output).line()).collect();
    let count =
        |why| ran.each.iter().filter(|outcome| matches!(outcome, Outcome::Silent(of) if of.any_rule() == why)).count();
    let mut text = format!("[[case]]\nname = {}\nin = {}\n", serde_json::Value::from(name), block(&lines));
    if !outputs.is_empty() {
        text.push_str(&format!("out = {}\n", block(&outputs)));
    }
    let counts = [
        ("dropped", count(Silence::Dropped)),
        ("duplicates", count(Silence::Duplicate)),
        ("waiting", ran.waiting.len()),
    ];
    for (key, count) in counts {
        if count > 0 {
            text.push_str(&format!("{key} = {count}\n"));
        }
    }
    Ok(text)
}

/// An event as a line, which reads as the same event again.
fn line(notation: &Notation, message: &StoredMessage) -> Result<String, Exit> {
    let position = message.sequence;
    let refused = |why: &str| {
        let what = format!("the event at position {position} cannot stand in a line of a case: {why}");
        Exit::new(CONFIG, what, "record a range without it, or the events of one key: --key KEY")
    };
    let body = std::str::from_utf8(&message.payload).map_err(|_| refused("its body is not UTF-8 text"))?;
    if body.contains(['\n', '\r']) {
        return Err(refused("its body has line breaks"));
    }
    let headers = message.headers.iter().flat_map(|list| list.iter());
    let headers: String = headers.map(|(name, value)| format!("{name}={} ", header_value(value))).collect();
    let text = format!("@{} {} {headers}{body}", time(message.stored_at), message.subject);
    match notation.read(&text, position, Some(BEGINNING)) {
        Ok(again) if again == *message => Ok(text),
        Ok(_) => {
            Err(refused("it would be read as another event, because of a header's name or of spaces around its body"))
        }
        Err(fault) => Err(refused(&format!("{}; {}", fault.message, fault.hint))),
    }
}

fn time(at: Nanos) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(at.0)) {
        Ok(time) => time.to_string(),
        // Every 64-bit number of nanoseconds is a time that jiff knows (years 1677 to 2262).
        Err(_) => String::new(),
    }
}

/// Adds the case at the end of a file, which stays one that can be read.
fn add(config: &Config, path: &Path, case: &str) -> Result<(), Exit> {
    let name = path.display();
    let before = match std::fs::read_to_string(path) {
        Ok(before) => before,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Exit::new(UNAVAILABLE, format!("cannot read {name}: {error}"), "")),
    };
    let text = if before.is_empty() { case.to_owned() } else { format!("{}\n\n{case}", before.trim_end()) };
    if let Err(error) = CaseReader::new(config, true).read(path, text.clone()) {
        return Err(Exit::new(
            CONFIG,
            format!("the case does not fit into {name}, which stays as it is\n\n{error}"),
            "",
        ));
    }
    let failed = |error| Exit::new(UNAVAILABLE, format!("cannot write {name}: {error}"), "check its permissions");
    std::fs::write(path, text).map_err(failed)
}
