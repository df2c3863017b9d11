//! What a manifest changed, and which events made the collector look.

use std::collections::BTreeMap;
use std::fmt;

use reader::{Line, State, grows};
use serde_json::Value;

/// The System Log events behind a record: those that name its ids, oldest first.
pub struct Why<'a> {
    events: Vec<&'a Value>,
}

impl<'a> Why<'a> {
    /// `id` is a record's: each of its `:`-separated parts may be what an event tells of.
    pub fn of(state: &'a State, id: &str) -> Result<Self, String> {
        let parts: Vec<&str> = id.split(':').collect();
        let names = |party: &Value| party["id"].as_str().is_some_and(|known| parts.contains(&known));
        let about = |event: &Value| event["target"].as_array().into_iter().flatten().any(names);
        let sources = state.records("activity").values().map(|line| &line.record["source"]);
        let mut events: Vec<&Value> = sources.filter(|event| about(event)).collect();
        events.sort_by_key(|event| event["published"].as_str());
        if events.is_empty() {
            return Err(format!("no event that was committed names {id:?} as its target"));
        }
        Ok(Self { events })
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.iter().try_for_each(|event| writeln!(f, "{}", told(event)))
    }
}

/// What a manifest changed: records that it sent last, by stream, with the event that was the cause.
pub struct Diff<'a> {
    lines: Vec<(&'a str, &'a str, &'a Line)>,
    events: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Diff<'a> {
    pub fn of(state: &'a State, sequence: u64) -> Result<Self, String> {
        if !state.manifests.iter().any(|manifest| manifest.sequence == sequence) {
            return Err(format!("there is no manifest {sequence}"));
        }
        let entities = state.streams.iter().filter(|(name, _)| !grows(name));
        let all = entities.flat_map(|(name, stream)| stream.records.iter().map(move |(id, line)| (name, id, line)));
        let of_manifest = all.filter(|(_, _, line)| line.sequence == sequence);
        let lines = of_manifest.map(|(name, id, line)| (name.as_str(), id.as_str(), line)).collect();
        let events = state.records("activity").iter().map(|(id, line)| (id.as_str(), &line.record["source"])).collect();
        Ok(Self { lines, events })
    }
}

impl fmt::Display for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (stream, id, line) in &self.lines {
            write!(f, "{stream}  {id}")?;
            if let Some(cause) = line.record["cause"].as_str() {
                match self.events.get(cause) {
                    Some(event) => write!(f, "  because {}", told(event))?,
                    None => write!(f, "  because of event {cause}, which is not committed")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "{} records of the newest state were last sent by it", self.lines.len())
    }
}

/// An event in words: when, who, what.
fn told(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let actor = &event["actor"];
    let who = actor["alternateId"].as_str().or_else(|| actor["displayName"].as_str()).unwrap_or("?");
    let outcome = event["outcome"]["result"].as_str().unwrap_or("?");
    format!("{} {who}: {} ({outcome})", text(&event["published"]), text(&event["eventType"]))
}
