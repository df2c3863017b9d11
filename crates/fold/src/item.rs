//! From an item's lines to the complete item.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kind::Kind;

/// Where a line stands: manifest, batch within it, line within that. A later place is a newer word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(pub u64, pub u32, pub u32);

/// The effect of a [`Piece`] on its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Defines the item (`new_*`).
    Defines,
    /// Lays fields over it (`update_*`).
    Updates,
    /// Defined it as of the last load, and does so no more.
    Gone,
}

/// One line's word on one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// [`Kind::key`] of the item.
    pub key: String,
    /// Where the line stands.
    pub place: Place,
    /// The line's stream: tag lists of different streams stand beside each other.
    pub stream: String,
    /// Its effect on the item.
    pub role: Role,
    /// Whether it is news since the last load.
    pub touched: bool,
    /// Its fields; empty if it is gone.
    pub item: Map<String, Value>,
}

/// The result of folding the pieces of one key.
#[derive(Debug, Clone, PartialEq)]
pub enum Folded {
    /// The complete item.
    Item {
        /// Whether any of its pieces is news since the last load.
        touched: bool,
        /// Every field.
        item: Map<String, Value>,
    },
    /// The item was defined as of the last load, and nothing defines it now: the next purge takes it.
    Removed,
    /// Updates of items that nothing defines.
    Undefined,
}

/// Times of which an older one never replaces a newer one.
const ADVANCING: [&str; 4] = [
    "lastLoginAt",
    "lastUsedAt",
    "lastActivityDate",
    "credentialsUpdateDate",
];

/// Folds the pieces of one key, in any order: of each field the newest word wins, a time never moves backwards, and
/// of tag lists each stream's newest stays.
#[must_use]
pub fn fold(kind: Kind, mut pieces: Vec<Piece>) -> Folded {
    let defined = pieces.iter().any(|piece| piece.role == Role::Defines);
    if !defined {
        let gone = pieces.iter().any(|piece| piece.role == Role::Gone);
        return if gone {
            Folded::Removed
        } else {
            Folded::Undefined
        };
    }
    pieces.sort_by_key(|piece| piece.place);
    let touched = pieces.iter().any(|piece| piece.touched);
    let mut item = Map::new();
    let mut tags: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut piece in pieces {
        // The model wants a name in such an update; it is the log's word for an object that its own stream names.
        if kind == Kind::Assets && piece.role == Role::Updates {
            piece.item.remove("name");
        }
        if let Some(Value::Array(list)) = piece.item.remove("tags") {
            tags.insert(piece.stream, list);
        }
        lay(&mut item, piece.item);
    }
    let mut united: Vec<Value> = Vec::new();
    for tag in tags.into_values().flatten() {
        if !united.contains(&tag) {
            united.push(tag);
        }
    }
    if !united.is_empty() {
        item.insert("tags".to_owned(), united.into());
    }
    for list in kind.lists() {
        item.entry(*list)
            .or_insert_with(|| Value::Array(Vec::new()));
    }
    Folded::Item { touched, item }
}

/// The pieces of one key and one stream that only grows, in any order, as one piece. `None` if there are none.
#[must_use]
pub fn coalesce(mut pieces: Vec<Piece>) -> Option<Piece> {
    pieces.sort_by_key(|piece| piece.place);
    let touched = pieces.iter().any(|piece| piece.touched);
    let mut item = Map::new();
    for piece in &mut pieces {
        lay(&mut item, std::mem::take(&mut piece.item));
    }
    pieces.pop().map(|newest| Piece {
        item,
        touched,
        ..newest
    })
}

/// Lays newer fields over older ones.
fn lay(item: &mut Map<String, Value>, fields: Map<String, Value>) {
    for (field, value) in fields {
        if !(ADVANCING.contains(&field.as_str()) && is_older(&value, item.get(&field))) {
            item.insert(field, value);
        }
    }
}

/// A time that cannot be read is taken for newer, as any other value would be.
fn is_older(value: &Value, than: Option<&Value>) -> bool {
    let time = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok())
    };
    match (time(value), than.and_then(time)) {
        (Some(value), Some(than)) => value < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn piece(place: u64, stream: &str, role: Role, item: &Value) -> Piece {
        let item = item.as_object().unwrap().clone();
        Piece {
            key: "a".into(),
            place: Place(place, 0, 0),
            stream: stream.into(),
            role,
            touched: false,
            item,
        }
    }

    fn item(kind: Kind, pieces: Vec<Piece>) -> Value {
        match fold(kind, pieces) {
            Folded::Item { item, .. } => item.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_newest_word_of_each_field_wins_in_whatever_order_the_pieces_come() {
        let old = piece(
            1,
            "applications",
            Role::Defines,
            &json!({"uniqueId": "a", "name": "Old", "href": "x"}),
        );
        let new = piece(
            2,
            "role_assignments",
            Role::Defines,
            &json!({"uniqueId": "a", "name": "New"}),
        );
        let expected = json!({"uniqueId": "a", "name": "New", "href": "x", "tags": [], "customProperties": []});
        assert_eq!(item(Kind::Assets, vec![old.clone(), new.clone()]), expected);
        assert_eq!(item(Kind::Assets, vec![new, old]), expected);
    }

    #[test]
    fn the_name_in_an_update_of_an_asset_is_never_laid_over_its_own() {
        let app = piece(
            1,
            "applications",
            Role::Defines,
            &json!({"uniqueId": "a", "name": "Payroll"}),
        );
        let used = piece(
            2,
            "usage",
            Role::Updates,
            &json!({"uniqueId": "a", "name": "payroll_saml", "lastUsedAt": "2026-11-02T00:00:00.000Z"}),
        );
        let folded = item(Kind::Assets, vec![app, used]);
        assert_eq!(folded["name"], "Payroll");
        assert_eq!(folded["lastUsedAt"], "2026-11-02T00:00:00.000Z");
    }

    #[test]
    fn a_time_never_moves_backwards() {
        let user = piece(
            9,
            "users",
            Role::Defines,
            &json!({"uniqueId": "a", "lastLoginAt": "2026-11-01T00:00:00Z", "status": "Enabled"}),
        );
        let login = piece(
            3,
            "usage",
            Role::Updates,
            &json!({"uniqueId": "a", "lastLoginAt": "2026-11-02T00:00:00.000Z"}),
        );
        let folded = item(Kind::Users, vec![user, login]);
        assert_eq!(folded["lastLoginAt"], "2026-11-02T00:00:00.000Z");
        assert_eq!(folded["status"], "Enabled");
    }

    #[test]
    fn a_tag_list_of_the_same_stream_is_replaced_and_others_stand_beside_it() {
        let user = piece(
            1,
            "users",
            Role::Defines,
            &json!({"uniqueId": "a", "tags": ["vip"]}),
        );
        let sms = piece(
            2,
            "factors",
            Role::Updates,
            &json!({"uniqueId": "a", "tags": ["mfa:sms"]}),
        );
        let call = piece(
            3,
            "factors",
            Role::Updates,
            &json!({"uniqueId": "a", "tags": ["mfa:call"]}),
        );
        let folded = item(Kind::Users, vec![user.clone(), sms.clone(), call]);
        assert_eq!(folded["tags"], json!(["mfa:call", "vip"]));
        let none = piece(
            3,
            "factors",
            Role::Updates,
            &json!({"uniqueId": "a", "tags": []}),
        );
        assert_eq!(
            item(Kind::Users, vec![user, sms, none])["tags"],
            json!(["vip"])
        );
    }

    #[test]
    fn what_several_records_define_is_there_as_long_as_one_of_them_is() {
        let role = json!({"uniqueId": "role:A", "name": "A", "isRole": true});
        let holder = |place| piece(place, "role_assignments", Role::Defines, &role);
        let gone = |place| piece(place, "role_assignments", Role::Gone, &json!({}));
        let folded = item(Kind::Groupings, vec![holder(1), gone(2)]);
        assert_eq!(folded["name"], "A");
        assert_eq!(
            fold(Kind::Groupings, vec![gone(1), gone(2)]),
            Folded::Removed
        );
    }

    #[test]
    fn updates_of_what_nothing_defines_are_left_out_and_what_went_is_told() {
        let update = piece(1, "usage", Role::Updates, &json!({"uniqueId": "a"}));
        let gone = piece(1, "users", Role::Gone, &json!({}));
        assert_eq!(fold(Kind::Users, vec![update.clone()]), Folded::Undefined);
        assert_eq!(fold(Kind::Users, vec![update, gone]), Folded::Removed);
    }
}
