//! Events touch scopes: they say what is to be read again, and claim what the reading must show. No event writes a record
//! by itself, so a late or reordered one cannot bring back what a later read took away; the only thing that is believed
//! without a read is the end of an object, whose id Okta never uses again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::due::{Due, News};
use super::graves::Graves;
use super::ledger::{ANY, Claim, Says};
use super::reading::kind_of;
use super::replicas::Replicas;
use super::scope::Scope;
use super::status::Status;
use crate::streams::change::{
    Effect, Identity, Kind, LOSSES_OF_A_USER, Of, Touches, effect, ends_if_absent, is_read,
    takes_away,
};
use crate::streams::{LogEvent, Party, STREAMS, Stream, parties};

/// Event types whose touches are remembered, so that each is looked up once.
const MOST_TYPES: usize = 2_000;
/// The touches of the event types that were looked up so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Touched(BTreeMap<String, Vec<(&'static Stream, Touches)>>);

impl Touched {
    fn by(&mut self, kind: &str) -> Vec<(&'static Stream, Touches)> {
        if let Some(touched) = self.0.get(kind) {
            return touched.clone();
        }
        let touches =
            |stream: &'static Stream| stream.touches(kind).map(move |touches| (stream, touches));
        let touched: Vec<_> = STREAMS
            .iter()
            .copied()
            .filter(|_| !is_read(kind))
            .flat_map(touches)
            .collect();
        if self.0.len() < MOST_TYPES {
            self.0.insert(kind.to_owned(), touched.clone());
        }
        touched
    }
}

/// An event that touches something.
struct Event<'a> {
    kind: &'a str,
    entry: &'a LogEvent,
    targets: Vec<Party>,
    actor: Option<Party>,
    now: Timestamp,
}

impl Event<'_> {
    fn ids(&self, kind: Kind) -> Vec<&str> {
        let of_kind = self
            .targets
            .iter()
            .filter(|target| kind.names(&target.kind, &target.id));
        of_kind.map(|target| target.id.as_str()).collect()
    }

    /// When it was published; by our clock if it does not say.
    fn at(&self) -> Timestamp {
        self.entry.published.unwrap_or(self.now)
    }

    fn news(&self) -> News {
        News {
            cause: Some(self.entry.id.clone()),
            since: self.at(),
            touched: self.at(),
            heard: self.now,
            is_loss: takes_away(self.kind),
            ends_if_absent: ends_if_absent(self.kind),
        }
    }

    fn claim(&self, says: Says) -> Claim {
        Claim {
            says,
            at: self.at(),
            heard: self.now,
        }
    }
}

/// Takes what events of success say.
pub(super) fn mark(
    replicas: &mut Replicas,
    graves: &mut Graves,
    touched: &mut Touched,
    events: &[(&RawValue, &LogEvent)],
    now: Timestamp,
) {
    for (raw, entry) in events {
        let Some(kind) = entry.succeeded.as_deref() else {
            continue;
        };
        let touched = touched.by(kind);
        if touched.is_empty() {
            continue;
        }
        let (targets, actor) = parties(raw);
        let event = Event {
            kind,
            entry,
            targets,
            actor,
            now,
        };
        for (stream, touches) in touched {
            touch(replicas, graves, stream, touches, &event);
        }
    }
}

fn touch(
    replicas: &mut Replicas,
    graves: &mut Graves,
    stream: &'static Stream,
    touches: Touches,
    event: &Event<'_>,
) {
    if let Touches::Gone(kind) = touches {
        event
            .ids(kind)
            .into_iter()
            .for_each(|id| graves.bury(id, event.now));
    }
    let is_planned = replicas.is_planned(stream.name);
    let cost = replicas.listing_cost(stream);
    let Some(replica) = replicas.get_mut(stream.name) else {
        return;
    };
    if replica.knows(event.entry.published) {
        return;
    }
    if !is_planned {
        return replica.ask(event.now);
    }
    match touches {
        Touches::Whole => {
            replica.ask(event.now);
            whole(replicas, stream, event);
        }
        Touches::Lately => unnamed(replicas, stream, event),
        Touches::Each(kinds) => each_of(replicas, stream, kinds, event),
        Touches::EachOrActor(kind) => each_or_actor(replicas, stream, kind, event),
        Touches::Life => life(replicas, stream, event),
        Touches::EachOfFew(kind) => {
            if cost <= super::settle::FEW_PAGES {
                each(replicas, stream, kind, &event.ids(kind), event);
            }
        }
        Touches::Pair => pair(replicas, stream, event),
        Touches::Gone(kind) => {
            let ids = event.ids(kind);
            if ids.is_empty() {
                return replica.ask(event.now);
            }
            for id in ids {
                end(replicas, graves, stream, kind, id, event);
            }
        }
    }
}

/// Claims of a stream that is read as a whole: what is created is there, what a deletion names is gone, and what hangs on it
/// unnamed.
fn whole(replicas: &mut Replicas, stream: &'static Stream, event: &Event<'_>) {
    let own = kind_of(stream, "").filter(|_| event.kind.ends_with("create"));
    if let (Identity::Own | Identity::Object(_), Some(own)) = (stream.identity, own) {
        for id in event.ids(own) {
            claim(replicas, stream, id, Some(Says::Came), event);
        }
    }
    if !takes_away(event.kind) {
        return;
    }
    match stream.identity {
        Identity::Own | Identity::Object(_) => {
            for target in &event.targets {
                claim(replicas, stream, &target.id, Some(Says::Gone), event);
            }
        }
        Identity::Pair(..) | Identity::Principal(_) => {
            claim(replicas, stream, ANY, Some(Says::Less), event);
        }
    }
}

fn each_of(replicas: &mut Replicas, stream: &'static Stream, kinds: &[Kind], event: &Event<'_>) {
    let of_kinds: Vec<_> = kinds
        .iter()
        .map(|kind| (*kind, event.ids(*kind)))
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    if of_kinds.is_empty() {
        unnamed(replicas, stream, event);
    }
    for (kind, ids) in of_kinds {
        each(replicas, stream, kind, &ids, event);
    }
}

fn each(
    replicas: &mut Replicas,
    stream: &'static Stream,
    kind: Kind,
    ids: &[&str],
    event: &Event<'_>,
) {
    if ids.is_empty() {
        unnamed(replicas, stream, event);
    }
    for id in ids {
        let says = match (effect(event.kind), stream.identity) {
            // An object that is deactivated is there as well as one that is activated.
            (Some(Effect::Came), Identity::Object(_)) if event.kind.ends_with("create") => {
                Some(Says::Came)
            }
            (Some(Effect::Came), Identity::Principal(_)) => Some(Says::Other),
            (Some(Effect::Gone), Identity::Principal(_)) => Some(Says::Less),
            (Some(Effect::Gone), Identity::Pair(..)) => Some(Says::Perhaps),
            (_, Identity::Object(Kind::User)) if stream.sweep.is_some() => status_said(event.kind),
            _ => None,
        };
        let due = Due::changed(event.news());
        touch_all(replicas, stream, kind, id, due, event);
        claim(replicas, stream, id, says, event);
    }
}

/// The records of each target, or of the actor, who are live: only they do this.
fn each_or_actor(replicas: &mut Replicas, stream: &'static Stream, kind: Kind, event: &Event<'_>) {
    let actor = event
        .actor
        .iter()
        .filter(|actor| kind.names(&actor.kind, &actor.id));
    let actor = actor.map(|actor| actor.id.as_str()).collect();
    let ids = Some(event.ids(kind))
        .filter(|ids| !ids.is_empty())
        .unwrap_or(actor);
    if ids.is_empty() {
        unnamed(replicas, stream, event);
    }
    for id in ids {
        let due = Due::changed_in_life(event.news());
        touch_all(replicas, stream, kind, id, due, event);
        let says = effect(event.kind).map(|_| Says::Other);
        claim(replicas, stream, id, says, event);
    }
}

/// Takes the beginning or end of a user's life. It explains what others miss of the user; of the user's own records, the
/// user's own object does.
fn life(replicas: &mut Replicas, stream: &'static Stream, event: &Event<'_>) {
    let ids = event.ids(Kind::User);
    if ids.is_empty() {
        match replicas.users() {
            Some(users) => unnamed(replicas, users, event),
            None => unnamed(replicas, stream, event),
        }
    }
    let is_end = LOSSES_OF_A_USER.contains(&event.kind);
    let is_new = event.kind.ends_with("create");
    // What a user lost by an end may be theirs again.
    let is_begin = event.kind.ends_with("activate") && !is_end;
    for id in ids {
        let due = Due::changed(event.news());
        touch_all(replicas, stream, Kind::User, id, due, event);
        if let (true, Some(replica)) = (is_begin, replicas.get_mut(stream.name)) {
            replica.ledger.revive(id);
        }
        let says = match stream.identity {
            Identity::Pair(..) | Identity::Principal(_) if is_end => Some(Says::Gone),
            Identity::Object(_) if is_new => Some(Says::Came),
            // The user's own object must say so before what hangs on it is believed.
            Identity::Object(_) if stream.sweep.is_some() => status_said(event.kind),
            Identity::Object(_) if is_end => Some(Says::Less),
            _ => None,
        };
        claim(replicas, stream, id, says, event);
    }
}

/// The status that a user has, or has no more, after an event of this type.
/// <https://developer.okta.com/docs/reference/api/event-types/>
fn status_said(event_type: &str) -> Option<Says> {
    Some(match event_type {
        "user.lifecycle.deactivate" | "user.lifecycle.delete.initiated" => {
            Says::Is(Status::Deprovisioned)
        }
        "user.lifecycle.activate" | "user.lifecycle.reactivate" => Says::Lives,
        "user.lifecycle.suspend" => Says::Is(Status::Suspended),
        "user.lifecycle.unsuspend" => Says::IsNot(Status::Suspended),
        "user.account.lock" | "user.account.lock.limit" => Says::Is(Status::LockedOut),
        "user.account.unlock" | "user.account.unlock_by_admin" => Says::IsNot(Status::LockedOut),
        _ => return None,
    })
}

fn pair(replicas: &mut Replicas, stream: &'static Stream, event: &Event<'_>) {
    let Identity::Pair(first, second) = stream.identity else {
        return;
    };
    let (firsts, seconds) = (event.ids(first), event.ids(second));
    match (firsts.is_empty(), seconds.is_empty()) {
        (true, true) => unnamed(replicas, stream, event),
        (false, true) => each(replicas, stream, first, &firsts, event),
        (true, false) => each(replicas, stream, second, &seconds, event),
        (false, false) => {
            // Other events tell of the account in the app, not of the assignment.
            let is_of_pairs = ["membership", "assignment"]
                .iter()
                .any(|word| event.kind.contains(word));
            let says = match effect(event.kind).filter(|_| is_of_pairs) {
                Some(Effect::Came) if !event.kind.ends_with("activate") => Some(Says::Came),
                Some(Effect::Gone) if !event.kind.ends_with("activate") => Some(Says::Gone),
                _ => None,
            };
            for (first, second) in firsts
                .iter()
                .flat_map(|first| seconds.iter().map(move |second| (first, second)))
            {
                let scope = Scope::Pair((*first).to_owned(), (*second).to_owned());
                if let Some(replica) = replicas.get_mut(stream.name) {
                    replica.touch(scope, Due::changed(event.news()), event.now);
                }
                claim(replicas, stream, &format!("{first}:{second}"), says, event);
            }
        }
    }
}

fn touch_all(
    replicas: &mut Replicas,
    stream: &'static Stream,
    kind: Kind,
    id: &str,
    due: Due,
    event: &Event<'_>,
) {
    let Some(replica) = replicas.get_mut(stream.name) else {
        return;
    };
    let is_readable = stream.reread(Of::All(kind)).is_some();
    match Scope::of(stream, Of::All(kind), id).filter(|_| is_readable) {
        Some(scope) => replica.touch(scope, due, event.now),
        None => replica.ask(event.now),
    }
}

fn claim(
    replicas: &mut Replicas,
    stream: &'static Stream,
    id: &str,
    says: Option<Says>,
    event: &Event<'_>,
) {
    if let (Some(says), Some(replica)) = (says, replicas.get_mut(stream.name)) {
        replica.claim(id.to_owned(), event.claim(says));
    }
}

/// An event that names nothing touches all that it could mean.
fn unnamed(replicas: &mut Replicas, stream: &'static Stream, event: &Event<'_>) {
    let Some(replica) = replicas.get_mut(stream.name) else {
        return;
    };
    let cause = Some(event.entry.id.clone());
    let is_asked = stream.sweep.is_some()
        && replica
            .swept
            .as_mut()
            .is_some_and(|swept| swept.request(cause, event.now));
    if !is_asked {
        replica.ask(event.now);
    }
}

/// An object is gone for good, and with it whatever hung on it: nothing of it needs a read any more.
fn end(
    replicas: &mut Replicas,
    graves: &mut Graves,
    stream: &'static Stream,
    kind: Kind,
    id: &str,
    event: &Event<'_>,
) {
    end_of(
        replicas,
        graves,
        stream,
        (kind, id),
        Some(event.entry.id.clone()),
        event.now,
    );
}

fn end_of(
    replicas: &mut Replicas,
    graves: &mut Graves,
    stream: &'static Stream,
    (kind, id): (Kind, &str),
    cause: Option<String>,
    now: Timestamp,
) {
    let (Some(scope), Some(replica)) = (
        Scope::of(stream, Of::All(kind), id),
        replicas.get_mut(stream.name),
    ) else {
        return;
    };
    replica.dues.retain(|other, _| !other.names(id));
    replica.end_object(id, now);
    // The snapshot that is about to begin forgets it; a line beside it would put that off.
    if stream.rereads.is_empty() && replica.begins_anew() {
        return;
    }
    graves.end(stream, scope, cause);
}

/// As if a deletion's event had named the object: every stream that hangs on it loses its records.
pub(super) fn end_everywhere(
    replicas: &mut Replicas,
    graves: &mut Graves,
    (kind, id): (Kind, &str),
    cause: Option<&String>,
    now: Timestamp,
) {
    graves.bury(id, now);
    for stream in STREAMS
        .iter()
        .filter(|stream| stream.identity.hangs_on(kind))
    {
        end_of(replicas, graves, stream, (kind, id), cause.cloned(), now);
    }
}
