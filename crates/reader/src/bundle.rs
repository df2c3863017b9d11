//! The newest state in Authomize's words.

use serde_json::{Map, Value};

use crate::stream::Line;

/// The bundles of many lines, concatenated key by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bundle {
    /// `new_*` lists: together an `IngestionDataBundle` (POST).
    pub data: Map<String, Value>,
    /// `update_*` lists (PATCH), to be applied before `data`.
    pub updates: Map<String, Value>,
}

impl Bundle {
    pub(crate) fn of<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Self {
        let mut bundle = Self::default();
        for line in lines {
            bundle.add(&line.record);
        }
        bundle
    }

    fn add(&mut self, record: &Value) {
        let lists = record.get("bundle").and_then(Value::as_object);
        for (key, items) in lists.into_iter().flatten() {
            let side = match key.split_once('_') {
                Some(("new", _)) => &mut self.data,
                Some(("update", _)) => &mut self.updates,
                _ => continue,
            };
            let list = side.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            if let (Value::Array(list), Value::Array(items)) = (list, items) {
                list.extend_from_slice(items);
            }
        }
    }
}
