//! The order rules of the commit log, in one place: may this scope be read now, and may its end
//! forget something in the open manifest?
//!
//! A reader applies a manifest's lines in their order, then forgets what a complete snapshot, of the
//! stream or of a scope, did not repeat since a manifest. So lines that a forgetting has to take away
//! must stand in an earlier manifest than the one that it begins with:
//!
//! - a snapshot begins only where no line of its stream is uncommitted and no request for one is
//!   under way: whatever was read before it began is in an earlier manifest;
//! - all records of an object are read, to forget the others, only beside lines that cannot be among
//!   them: those of other objects of the same kind, or of pairs without it;
//! - an object's end is written when no answer is awaited that was asked for before and may hold it.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::Scope;
use crate::streams::Stream;
use crate::streams::change::{Identity, Kind};

/// Records that lines were read of.
#[derive(Debug, Default, Clone)]
struct Lines {
    /// Whether any record of the stream may be among them.
    any: bool,
    /// Objects of which any record may be among them.
    of: BTreeMap<Kind, BTreeSet<String>>,
    /// Ids of both objects of each pair.
    pairs: BTreeSet<String>,
}

impl Lines {
    fn is_empty(&self) -> bool {
        !self.any && self.of.is_empty() && self.pairs.is_empty()
    }

    fn add(&mut self, scope: &Scope) {
        match scope {
            Scope::Whole | Scope::Object(..) => self.any = true,
            Scope::Parent(kind, id) => drop(self.of.entry(*kind).or_default().insert(id.clone())),
            Scope::Pair(first, second) => self.pairs.extend([first.clone(), second.clone()]),
        }
    }

    /// Whether records of the object may be among them.
    fn may_hold(&self, identity: Identity, kind: Kind, id: &str) -> bool {
        let is_disjoint =
            |other: &Kind| *other == kind || matches!(identity, Identity::Principal(_));
        self.any
            || self.pairs.contains(id)
            || self.of.get(&kind).is_some_and(|ids| ids.contains(id))
            || !self.of.keys().all(is_disjoint)
    }
}

/// Scopes that are read and not committed, and those whose requests are under way, by stream.
#[derive(Debug, Default, Clone)]
pub(super) struct Order {
    uncommitted: BTreeMap<&'static str, Lines>,
    under_way: BTreeMap<&'static str, Vec<(u64, Scope)>>,
}

impl Order {
    pub(super) fn sent(&mut self, ticket: u64, stream: &'static str, scope: Scope) {
        self.under_way
            .entry(stream)
            .or_default()
            .push((ticket, scope));
    }

    pub(super) fn answered(&mut self, ticket: u64) {
        self.under_way
            .values_mut()
            .for_each(|flights| flights.retain(|(other, _)| *other != ticket));
        self.under_way.retain(|_, flights| !flights.is_empty());
    }

    /// Notes lines, or a forgetting, that the open manifest will hold.
    pub(super) fn absorbed(&mut self, stream: &'static str, scope: &Scope) {
        self.uncommitted.entry(stream).or_default().add(scope);
    }

    pub(super) fn committed(&mut self) {
        self.uncommitted.clear();
    }

    pub(super) fn is_committed(&self) -> bool {
        self.uncommitted.is_empty()
    }

    /// Whether a snapshot of the stream may begin.
    pub(super) fn may_begin(&self, stream: &str) -> bool {
        !self.under_way.contains_key(stream)
            && self.uncommitted.get(stream).is_none_or(Lines::is_empty)
    }

    /// Whether all records of an object may be read, or ended, to forget within the open manifest what is not
    /// repeated.
    pub(super) fn may_forget(&self, stream: &Stream, kind: Kind, id: &str) -> bool {
        let holds = |lines: &Lines| lines.may_hold(stream.identity, kind, id);
        !self.uncommitted.get(stream.name).is_some_and(holds) && self.is_settled(stream, kind, id)
    }

    /// Whether no answer is awaited that may hold records of the object.
    pub(super) fn is_settled(&self, stream: &Stream, kind: Kind, id: &str) -> bool {
        let mut lines = Lines::default();
        for (_, scope) in self.under_way.get(stream.name).into_iter().flatten() {
            match scope {
                Scope::Object(_, other) if other != id => {}
                scope => lines.add(scope),
            }
        }
        !lines.may_hold(stream.identity, kind, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::by_name;

    fn parent(kind: Kind, id: &str) -> Scope {
        Scope::Parent(kind, id.to_owned())
    }

    #[test]
    fn scopes_along_different_axes_share_no_manifest() {
        let memberships = by_name("group_memberships").unwrap();
        let mut order = Order::default();
        order.sent(1, memberships.name, parent(Kind::Group, "00g1"));
        assert!(order.may_forget(memberships, Kind::Group, "00g2"));
        assert!(
            !order.may_forget(memberships, Kind::Group, "00g1")
                && !order.may_forget(memberships, Kind::User, "00u1")
        );
        order.answered(1);
        assert!(order.may_forget(memberships, Kind::User, "00u1"));
        order.absorbed(memberships.name, &parent(Kind::Group, "00g1"));
        assert!(
            !order.may_forget(memberships, Kind::User, "00u1")
                && order.may_forget(memberships, Kind::Group, "00g2")
        );
        order.committed();
        assert!(order.may_forget(memberships, Kind::User, "00u1") && order.is_committed());
    }

    #[test]
    fn principals_of_different_kinds_have_no_record_in_common() {
        let roles = by_name("role_assignments").unwrap();
        let mut order = Order::default();
        order.absorbed(roles.name, &parent(Kind::Group, "00g1"));
        assert!(
            order.may_forget(roles, Kind::User, "00u1")
                && !order.may_forget(roles, Kind::Group, "00g1")
        );
    }

    #[test]
    fn a_pair_stands_in_the_way_of_its_own_objects_only() {
        let assigned = by_name("application_users").unwrap();
        let mut order = Order::default();
        order.absorbed(assigned.name, &Scope::Pair("0oa1".into(), "00u1".into()));
        assert!(
            !order.may_forget(assigned, Kind::User, "00u1")
                && !order.may_forget(assigned, Kind::Application, "0oa1")
        );
        assert!(
            order.may_forget(assigned, Kind::User, "00u2")
                && order.may_forget(assigned, Kind::Application, "0oa2")
        );
    }

    #[test]
    fn a_snapshot_begins_where_nothing_of_its_stream_is_open() {
        let mut order = Order::default();
        assert!(order.may_begin("users"));
        order.sent(1, "users", Scope::Whole);
        assert!(!order.may_begin("users") && order.may_begin("groups"));
        order.answered(1);
        order.absorbed("users", &Scope::Whole);
        assert!(!order.may_begin("users"));
        order.committed();
        assert!(order.may_begin("users"));
    }

    #[test]
    fn an_end_waits_for_answers_that_may_hold_the_object() {
        let users = by_name("users").unwrap();
        let mut order = Order::default();
        order.sent(1, "users", Scope::Object(Kind::User, "00u1".into()));
        assert!(
            !order.is_settled(users, Kind::User, "00u1")
                && order.is_settled(users, Kind::User, "00u2")
        );
        order.sent(2, "users", Scope::Whole);
        assert!(!order.is_settled(users, Kind::User, "00u2"));
    }
}
