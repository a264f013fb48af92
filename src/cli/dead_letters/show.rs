//! `sidestream dead-letters show`: everything about one dead letter, and its body as a file to edit.
//!
//! Changes nothing on the server, and overwrites no file.

use super::shape::{LetterShape, Redriven, plain, time};
use crate::adapters::nats::connect::Connection;
use crate::app::exit::{Exit, NO};
use crate::cli::options::{Options, block_on, connect_to_streams};
use crate::cli::text::{json_line, say};
use crate::commands::dead_letters::many::{self, ShownLetter};
use crate::commands::dead_letters::original::original;
use crate::commands::state_file::target::WriteTarget;
use crate::core::output::Headers;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::protocol::redrive::letter::{LetterName, REDRIVE, of_a_system};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Shows the dead letters of one position with their headers, their bodies and their redrives.
#[derive(Debug, Args)]
#[command(after_help = "Example: sidestream dead-letters show 4711 --body event.json")]
pub struct Show {
    /// The position of the event, or POSITION:N for one of several dead letters.
    #[arg(value_name = "POSITION")]
    name: LetterName,
    /// Write the event's body to this new file, so that it can be edited; `-` is standard output, and nothing else is printed.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Print a JSON object a dead letter.
    #[arg(long)]
    json: bool,
}

/// The JSON form.
#[derive(Serialize)]
struct WholeLetter<'a> {
    #[serde(flatten)]
    shape: LetterShape,
    run: String,
    stream: &'a str,
    sequence: u64,
    headers: &'a Headers,
    /// The event in the input: whether it is still there, and the headers that a dead letter leaves out.
    input: LetterInput,
    redrives: Vec<Redriven>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

#[derive(Serialize)]
struct LetterInput {
    there: bool,
    headers: Headers,
    /// The dead letter that this event is a redrive of.
    redrive_of: Option<String>,
}

impl LetterInput {
    fn of(shown: &ShownLetter) -> LetterInput {
        let all = shown.event.iter().flat_map(|event| event.headers.iter()).flat_map(|list| list.iter());
        let headers: Headers = all.filter(|(name, _)| of_a_system(name)).cloned().collect();
        let redrive_of = headers.iter().find(|(name, _)| name == REDRIVE).map(|(_, value)| value.clone());
        LetterInput { there: shown.event.is_some(), headers, redrive_of }
    }
}

impl Show {
    pub(super) fn run(self, options: &Options) -> Result<(), Exit> {
        let config = options.load()?;
        block_on(async {
            let connection = connect_to_streams(&config, "dead-letters").await?;
            let shown = many::show(&connection, &config, self.name).await?;
            if shown.is_empty() {
                let hint = "`sidestream dead-letters list` shows those that are there";
                return Err(Exit::new(NO, format!("there is no dead letter of position {}", self.name), hint));
            }
            if let Some(file) = self.body {
                let [one] = shown.as_slice() else {
                    return Err(many::one_of(self.name, shown.iter().map(|shown| &shown.found)));
                };
                let target = WriteTarget::of(file);
                let plan = Plan::compile(config.plan.clone(), &Layout::default());
                write_body(&connection, &plan, one, &target).await?;
                if target == WriteTarget::Stdout {
                    return Ok(());
                }
            }
            shown.iter().enumerate().try_for_each(|(at, shown)| match (self.json, at) {
                (true, _) => print_json(shown),
                (false, 0) => print(shown),
                (false, _) => say("").and_then(|()| print(shown)),
            })
        })
    }
}

/// The whole body, from the input where the dead letter has another or only a part of it.
async fn write_body(
    connection: &Connection,
    plan: &Plan,
    shown: &ShownLetter,
    target: &WriteTarget,
) -> Result<(), Exit> {
    let event = original(connection, plan, &shown.found, None).await?;
    let event = event.map_err(|why| Exit::new(NO, why, ""))?;
    target.write(&event.body, "name a new file: what was edited is not overwritten")
}

fn print_json(shown: &ShownLetter) -> Result<(), Exit> {
    let letter = &shown.found.letter;
    let text = std::str::from_utf8(&letter.body).ok();
    json_line(&WholeLetter {
        shape: LetterShape::of(&shown.found, shown.redrives.last()),
        run: letter.run.run.to_string(),
        stream: &shown.found.stream,
        sequence: shown.found.sequence,
        headers: &letter.headers,
        input: LetterInput::of(shown),
        redrives: shown.redrives.iter().map(Redriven::of).collect(),
        body: text,
        body_base64: text.is_none().then(|| BASE64_STANDARD.encode(&letter.body)),
    })
}

fn print(shown: &ShownLetter) -> Result<(), Exit> {
    let (found, letter) = (&shown.found, &shown.found.letter);
    let pair = |name: &str, value: &str| say(&format!("{name:<10} {}", plain(value)));
    say(&format!("dead letter {}", letter.id))?;
    pair("time", &time(letter.id.time))?;
    pair("reason", &letter.reason)?;
    pair("error", &letter.sentence)?;
    pair("subject", &letter.subject.text)?;
    pair("kind", letter.kind.as_ref().map_or("-", |kind| &kind.text))?;
    pair("key", letter.key.as_ref().map_or("-", |key| &key.text))?;
    pair("plan", &letter.run.plan)?;
    pair("stands at", &format!("{} of stream {}", found.sequence, found.stream))?;
    let input = LetterInput::of(shown);
    let there = if input.there { "still there" } else { "gone" };
    let which = letter.element.map_or(String::new(), |number| format!("number {number} of the list at "));
    pair("event", &format!("{there}, {which}position {} of stream {}", letter.event(), letter.id.input))?;
    for (name, value) in letter.headers.iter().chain(&input.headers) {
        pair("header", &format!("{name}: {value}"))?;
    }
    if let Some(of) = &input.redrive_of {
        pair("redrive of", of)?;
    }
    for record in &shown.redrives {
        pair("redrive", &Redriven::of(record).line())?;
    }
    let cut = letter.cut_from.map_or(String::new(), |whole| format!(", and the event has {whole}"));
    pair("body", &format!("{} bytes{cut}", letter.body.len()))?;
    match std::str::from_utf8(&letter.body) {
        Ok(text) => text.lines().try_for_each(|line| say(&plain(line))),
        Err(_) => say(&BASE64_STANDARD.encode(&letter.body)),
    }
}
