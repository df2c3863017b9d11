//! A stream's records as pretty JSON, one after the other.

use std::fmt;

use reader::{Line, State, grows};
use serde_json::Value;

use crate::summary::counted;

pub struct Records<'a>(Vec<&'a Line>);

impl<'a> Records<'a> {
    /// Newest records by id; of a growing stream every line, oldest first.
    pub fn of(state: &'a State, name: &str, id_prefix: &str) -> Result<Self, String> {
        let Some(stream) = state.streams.get(name) else {
            let there: Vec<&str> = state.streams.keys().map(String::as_str).collect();
            return Err(format!(
                "nothing of stream {name:?} was committed; there are: {}",
                there.join(", ")
            ));
        };
        let repeated = stream.repeated.iter().map(|(id, line)| (id, line));
        let all = stream.records.iter().chain(repeated);
        let found = all.filter(|(id, _)| id.starts_with(id_prefix));
        let mut lines: Vec<&Line> = found.map(|(_, line)| line).collect();
        if lines.is_empty() && !id_prefix.is_empty() {
            let count = counted(stream.records.len() as u64);
            return Err(format!(
                "none of the {count} ids in {name} begins with {id_prefix:?}"
            ));
        }
        if grows(name) {
            lines.sort_by_key(|line| (line.sequence, time_of(&line.record)));
        }
        Ok(Self(lines))
    }
}

fn time_of(record: &Value) -> Option<&str> {
    record
        .pointer("/source/published")
        .or_else(|| record.pointer("/source/first_used_at"))?
        .as_str()
}

impl fmt::Display for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|line| writeln!(f, "{:#}", line.record))
    }
}
