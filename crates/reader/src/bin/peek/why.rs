//! The events behind a record.

use std::fmt;

use reader::State;
use serde_json::Value;

/// The System Log events behind a record: those that name its ids, oldest first.
pub struct Why<'a> {
    events: Vec<&'a Value>,
}

impl<'a> Why<'a> {
    /// `id` is a record's: each of its `:`-separated parts may be the target of an event.
    pub fn of(state: &'a State, id: &str) -> Result<Self, String> {
        let parts: Vec<&str> = id.split(':').collect();
        let names = |party: &Value| {
            party["id"]
                .as_str()
                .is_some_and(|known| parts.contains(&known))
        };
        let about = |event: &Value| event["target"].as_array().into_iter().flatten().any(names);
        let sources = state
            .records("activity")
            .values()
            .map(|line| &line.record["source"]);
        let mut events: Vec<&Value> = sources.filter(|event| about(event)).collect();
        events.sort_by_key(|event| event["published"].as_str());
        if events.is_empty() {
            return Err(format!(
                "no event that was committed names {id:?} as its target"
            ));
        }
        Ok(Self { events })
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events
            .iter()
            .try_for_each(|event| writeln!(f, "{}", told(event)))
    }
}

/// An event in words: time, actor, action.
pub fn told(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let actor = &event["actor"];
    let who = actor["alternateId"]
        .as_str()
        .or_else(|| actor["displayName"].as_str())
        .unwrap_or("?");
    let outcome = event["outcome"]["result"].as_str().unwrap_or("?");
    format!(
        "{} {who}: {} ({outcome})",
        text(&event["published"]),
        text(&event["eventType"])
    )
}
