//! The part of a stream that one reading brings up to date.

use serde::{Deserialize, Serialize};

use crate::streams::Stream;
use crate::streams::change::{Identity, Kind, Of};

/// Some records of a stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Any record of the stream.
    Whole,
    /// One object, which is a record (or all of one that is known here).
    Object(Kind, String),
    /// Every record with this object's id among the parts of its own.
    Parent(Kind, String),
    /// One record, whose id is `{first}:{second}`.
    Pair(String, String),
}

impl Scope {
    /// The records of a stream that have an object's id in theirs, or a pair; `None` if `id` is no pair.
    pub(super) fn of(stream: &Stream, of: Of, id: &str) -> Option<Self> {
        Some(match (of, stream.identity) {
            (Of::Pair, _) => {
                let (first, second) = id.split_once(':')?;
                Self::Pair(first.to_owned(), second.to_owned())
            }
            (Of::All(kind), Identity::Object(_) | Identity::Own) => {
                Self::Object(kind, id.to_owned())
            }
            (Of::All(kind), Identity::Pair(..) | Identity::Principal(_)) => {
                Self::Parent(kind, id.to_owned())
            }
        })
    }

    /// The id that records of the scope have among the parts of theirs, if there is one.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Object(_, id) | Self::Parent(_, id) => Some(id),
            Self::Whole | Self::Pair(..) => None,
        }
    }

    /// Whether an object's id is among those that the scope names.
    pub(super) fn names(&self, object: &str) -> bool {
        match self {
            Self::Pair(first, second) => first == object || second == object,
            scope => scope.id() == Some(object),
        }
    }

    /// Whether no record of a stream with this identity can be in both scopes.
    pub(super) fn is_apart_from(&self, other: &Self, identity: Identity) -> bool {
        match (self, other) {
            (Self::Pair(..), Self::Pair(..)) => self != other,
            (pair @ Self::Pair(..), scope) | (scope, pair @ Self::Pair(..)) => {
                scope.id().is_some_and(|id| !pair.names(id))
            }
            (
                Self::Object(kind, id) | Self::Parent(kind, id),
                Self::Object(of, other) | Self::Parent(of, other),
            ) => {
                if kind == of {
                    id != other
                } else {
                    matches!(identity, Identity::Principal(_))
                }
            }
            _ => false,
        }
    }

    /// The id for people and manifests: `00u…`, or `0oa…:00u…`.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Pair(first, second) => format!("{first}:{second}"),
            Self::Object(_, id) | Self::Parent(_, id) => id.clone(),
            Self::Whole => "the listing".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(first: &str, second: &str) -> Scope {
        Scope::Pair(first.into(), second.into())
    }

    #[test]
    fn scopes_are_apart_where_no_record_can_be_in_both() {
        let pairs = Identity::Pair(Kind::Group, Kind::User);
        let group = |id: &str| Scope::Parent(Kind::Group, id.into());
        let user = |id: &str| Scope::Parent(Kind::User, id.into());
        assert!(group("a").is_apart_from(&group("b"), pairs));
        assert!(!group("a").is_apart_from(&user("u"), pairs));
        assert!(
            group("a").is_apart_from(&user("u"), Identity::Principal(&[Kind::Group, Kind::User]))
        );
        assert!(pair("a", "u").is_apart_from(&group("b"), pairs));
        assert!(!pair("a", "u").is_apart_from(&user("u"), pairs));
        assert!(!group("a").is_apart_from(&Scope::Whole, pairs));
    }
}
