//! Objects in the order of their creation, with cursors that survive additions and deletions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::OnceLock;

use serde_json::Value;

/// One object and its JSON text, made when first asked for.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) value: Value,
    text: OnceLock<Box<str>>,
}

impl Row {
    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| self.value.to_string().into())
    }
}

/// Objects by id, listed in the order in which they came; a replaced object keeps its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<u64, Row>,
    places: HashMap<String, u64>,
    last: u64,
}

impl Table {
    /// Adds or replaces; true when the id is new.
    pub(crate) fn put(&mut self, id: &str, value: Value) -> bool {
        let row = Row {
            id: id.to_owned(),
            value,
            text: OnceLock::new(),
        };
        if let Some(place) = self.places.get(id) {
            self.rows.insert(*place, row);
            return false;
        }
        self.last += 1;
        self.places.insert(id.to_owned(), self.last);
        self.rows.insert(self.last, row);
        true
    }

    pub(crate) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(self.places.get(id)?)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.row(id).map(|row| &row.value)
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// Changes an object in place; false when there is none of this id.
    pub(crate) fn edit(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        let Some(row) = self
            .places
            .get(id)
            .and_then(|place| self.rows.get_mut(place))
        else {
            return false;
        };
        change(&mut row.value);
        row.text = OnceLock::new();
        true
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Value> {
        let place = self.places.remove(id)?;
        self.rows.remove(&place).map(|row| row.value)
    }

    /// The rows behind a place, each with its own.
    pub(crate) fn after(&self, place: u64) -> impl Iterator<Item = (u64, &Row)> {
        self.rows
            .range((Bound::Excluded(place), Bound::Unbounded))
            .map(|(place, row)| (*place, row))
    }

    /// The first row that fits, looking from a drawn place on and round the end.
    pub(crate) fn pick(&self, draw: u64, fits: impl Fn(&Row) -> bool) -> Option<&Row> {
        let place = draw % (self.last + 1);
        let found = self
            .rows
            .range(place..)
            .chain(self.rows.range(..place))
            .map(|(_, row)| row);
        found.into_iter().find(|row| fits(row))
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.values().map(|row| row.id.as_str())
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Objects that belong to a parent and stand for a child: memberships, assignments, linked users.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relation {
    by_parent: BTreeMap<String, Table>,
    by_child: HashMap<String, BTreeSet<String>>,
}

impl Relation {
    /// Adds or replaces; true when the pair is new.
    pub(crate) fn put(&mut self, parent: &str, child: &str, value: Value) -> bool {
        self.by_child
            .entry(child.to_owned())
            .or_default()
            .insert(parent.to_owned());
        self.by_parent
            .entry(parent.to_owned())
            .or_default()
            .put(child, value)
    }

    pub(crate) fn of(&self, parent: &str) -> Option<&Table> {
        self.by_parent.get(parent)
    }

    pub(crate) fn get(&self, parent: &str, child: &str) -> Option<&Value> {
        self.of(parent)?.get(child)
    }

    pub(crate) fn contains(&self, parent: &str, child: &str) -> bool {
        self.of(parent).is_some_and(|table| table.contains(child))
    }

    pub(crate) fn edit(
        &mut self,
        parent: &str,
        child: &str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        self.by_parent
            .get_mut(parent)
            .is_some_and(|table| table.edit(child, change))
    }

    pub(crate) fn children(&self, parent: &str) -> Vec<String> {
        self.of(parent)
            .map(|table| table.ids().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    /// Parents of a child, in the order of their ids.
    pub(crate) fn parents(&self, child: &str) -> impl Iterator<Item = &str> {
        self.by_child
            .get(child)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    pub(crate) fn remove(&mut self, parent: &str, child: &str) -> Option<Value> {
        let value = self.by_parent.get_mut(parent)?.remove(child)?;
        if let Some(parents) = self.by_child.get_mut(child) {
            parents.remove(parent);
        }
        Some(value)
    }

    /// Removes a parent with all that belongs to it.
    pub(crate) fn drop_parent(&mut self, parent: &str) {
        for child in self.children(parent) {
            self.remove(parent, &child);
        }
        self.by_parent.remove(parent);
    }

    /// Removes a child from all its parents.
    pub(crate) fn drop_child(&mut self, child: &str) {
        for parent in self.by_child.remove(child).unwrap_or_default() {
            self.remove(&parent, child);
        }
    }

    pub(crate) fn count(&self, parent: &str) -> usize {
        self.of(parent).map_or(0, Table::len)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = (&str, &Table)> {
        self.by_parent
            .iter()
            .map(|(parent, table)| (parent.as_str(), table))
    }

    /// `parent:child` of every pair.
    pub(crate) fn pairs(&self) -> Vec<String> {
        self.tables()
            .flat_map(|(parent, table)| table.ids().map(move |child| format!("{parent}:{child}")))
            .collect()
    }
}
