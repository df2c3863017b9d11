//! `peek`: what an integration has committed, whether it is sound, and the records themselves,
//! read from a copy of the bucket.

mod diff;
mod records;
mod summary;
mod why;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jiff::Timestamp;
use reader::{AsOf, Directory, Reader, State};

/// Look at what the collector has committed: without a stream a summary, with one its records.
///
/// Exits with 0 if all is sound, 1 if something breaks the contract, 2 if nothing could be read.
#[derive(Parser)]
#[command(name = "peek", version)]
struct Peek {
    /// Directory that holds a copy of the bucket
    #[arg(long, default_value = "out")]
    dir: PathBuf,
    /// Key prefix
    #[arg(long, default_value = "okta")]
    prefix: String,
    /// The integration's slug
    #[arg(long, default_value = "okta")]
    integration: String,
    /// How many of the newest manifests the summary lists
    #[arg(long, default_value_t = 10, value_name = "N")]
    manifests: usize,
    /// Show what was known at this time (2026-11-01 or 2026-11-01T12:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: Option<Timestamp>,
    /// Show what this manifest changed: records that came, changed (fields before and after) and went, and why
    #[arg(long, value_name = "SEQUENCE", conflicts_with_all = ["stream", "why"])]
    diff: Option<u64>,
    /// Show the System Log events that tell of this record
    #[arg(long, value_name = "ID", conflicts_with = "stream")]
    why: Option<String>,
    /// Print the newest records of this stream as JSON
    stream: Option<String>,
    /// Only records whose id begins with this
    id: Option<String>,
}

/// A day is its end, in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T23:59:59.999999999Z");
    text.parse()
        .or_else(|_| day.parse())
        .map_err(|_| "wanted: 2026-11-01 or 2026-11-01T12:00:00Z".to_owned())
}

fn main() -> ExitCode {
    let peek = Peek::parse();
    match read(&peek, None).and_then(|state| show(&peek, &state)) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("peek: {problem}");
            ExitCode::from(2)
        }
    }
}

/// The state as of a manifest, or the time that was asked for.
fn read(peek: &Peek, manifest: Option<u64>) -> Result<State, String> {
    let dir = peek.dir.display();
    let bucket = Directory::open(&peek.dir).map_err(|error| {
        format!("{dir}: {error}; --dir names a copy of the bucket, e.g. of `aws s3 sync s3://BUCKET {dir}`")
    })?;
    let prefix = peek.prefix.trim_matches('/');
    let time = peek.as_of.unwrap_or(Timestamp::MAX);
    let bucket = match manifest {
        Some(sequence) => AsOf::manifest(&bucket, prefix, &peek.integration, sequence),
        None => AsOf::new(&bucket, prefix, &peek.integration, time)
            .map_err(|error| format!("{dir}: {error}"))?,
    };
    Reader::read(&bucket, prefix, &peek.integration).map_err(|error| match &error {
        reader::ReadError::NoManifests { integrations, .. } if !integrations.is_empty() => {
            format!("{dir}: {error} (choose with --integration)")
        }
        reader::ReadError::NoManifests { .. } => {
            format!("{dir}: {error}; is --prefix right, and is this the bucket's top?")
        }
        reader::ReadError::Objects { source, .. } => format!("{dir}: {error}: {source}"),
    })
}

fn show(peek: &Peek, state: &State) -> Result<ExitCode, String> {
    // The summary ends with them.
    let is_summary = peek.stream.is_none() && peek.diff.is_none() && peek.why.is_none();
    for violation in state.violations.iter().filter(|_| !is_summary) {
        eprintln!("peek: {violation}");
    }
    let (before, after);
    let shown: Box<dyn Display + '_> = match (&peek.stream, peek.diff, &peek.why) {
        (_, Some(sequence), _) => {
            (before, after) = around(peek, state, sequence)?;
            Box::new(diff::Diff {
                before: &before,
                after: &after,
                newest: state,
                sequence,
            })
        }
        (_, _, Some(id)) => Box::new(why::Why::of(state, id)?),
        (None, ..) => Box::new(summary::Summary {
            state,
            newest: peek.manifests,
        }),
        (Some(stream), ..) => {
            let id = peek.id.as_deref().unwrap_or_default();
            Box::new(records::Records::of(state, stream, id)?)
        }
    };
    print(&*shown).map_err(|error| error.to_string())?;
    let is_sound = state.violations.is_empty();
    Ok(if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The states before and after a manifest.
fn around(peek: &Peek, state: &State, sequence: u64) -> Result<(State, State), String> {
    if !state
        .manifests
        .iter()
        .any(|manifest| manifest.sequence == sequence)
    {
        return Err(format!("there is no manifest {sequence}"));
    }
    let before = match sequence {
        1 => State::new(&peek.prefix, &peek.integration),
        later => read(peek, Some(later - 1))?,
    };
    Ok((before, read(peek, Some(sequence))?))
}

/// A reader that stops, as `head` does, has seen enough.
fn print(shown: &dyn Display) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write!(out, "{shown}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
