//! The cast of an event: actor, session and targets.

use crate::json::Json;

use super::endpoint::debug_text;
use super::read::{at, mentions, text};
use super::shape::{Actor, Choice, Entity, Session, Thing, UNKNOWN, User};
use super::table::longest;

/// Okta's type of a principal, and the schema's type of a user.
static USER_TYPES: [(&str, Choice<'static>); 6] = [
    ("User", (1, "User")),
    ("AppUser", (1, "User")),
    ("SystemPrincipal", (3, "System")),
    ("PublicClientApp", (4, "Service")),
    ("PublicClientAppEntity", (4, "Service")),
    ("ServiceAccount", (4, "Service")),
];

/// Okta's type of a target, and the schema's type of a managed entity.
static ENTITY_TYPES: [(&str, Choice<'static>); 10] = [
    ("UDDevice", (1, "Device")),
    ("Device", (1, "Device")),
    ("User", (2, "User")),
    ("UserGroup", (3, "Group")),
    ("Org", (4, "Organization")),
    ("PolicyEntity", POLICY),
    ("PolicyRule", POLICY),
    ("Policy", POLICY),
    ("NetworkZone", (7, "Network Zone")),
    ("Zone", (7, "Network Zone")),
];
const POLICY: Choice<'static> = (5, "Policy");

/// Parts of the type of a target that is a privilege.
const PRIVILEGE_TYPES: [&str; 4] = ["role", "scope", "permission", "entitlement"];
/// Debug data that lists privileges, separated by commas.
const PRIVILEGE_LISTS: [&str; 2] = ["privilegeGranted", "grantedScopes"];
/// The privilege that is meant where the event names none, by start of the event type.
static PRIVILEGES: [(&str, &str); 8] = [
    ("app.oauth2", "consent"),
    ("app.oauth2.client.privilege", "administrator"),
    ("application", "access"),
    ("group.application_assignment", "access"),
    ("group.privilege", "administrator"),
    ("master_application", "access"),
    ("user.account.privilege", "administrator"),
    ("user.session.impersonation", "impersonation"),
];

/// An actor or a target, as Okta writes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    uid: Option<&'a str>,
    kind: Option<&'a str>,
    display_name: Option<&'a str>,
    alternate_id: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn read(value: &'a Json<'a>) -> Option<Self> {
        let named = Self {
            uid: text(value, &["id"]),
            kind: text(value, &["type"]),
            display_name: text(value, &["displayName"]),
            alternate_id: text(value, &["alternateId"]),
        };
        named.uid.or(named.name()).map(|_| named)
    }

    fn name(&self) -> Option<&'a str> {
        self.display_name.or(self.alternate_id)
    }

    fn is(&self, kinds: &[&str]) -> bool {
        self.kind.is_some_and(|kind| kinds.contains(&kind))
    }

    fn is_privilege(&self) -> bool {
        self.kind
            .is_some_and(|kind| PRIVILEGE_TYPES.iter().any(|part| mentions(kind, part)))
    }

    fn is_group(&self) -> bool {
        self.kind.is_some_and(|kind| kind.ends_with("Group"))
    }

    fn user(&self) -> User<'a> {
        let (type_id, r#type) = choose(&USER_TYPES, self.kind);
        let (email_addr, uid_alt) = match self.alternate_id {
            Some(login) if is_email(login) => (Some(login), None),
            login => (None, login.filter(|login| Some(*login) != self.uid)),
        };
        User {
            uid: self.uid,
            name: self.name(),
            type_id,
            r#type,
            email_addr,
            uid_alt,
        }
    }

    fn thing(&self) -> Thing<'a> {
        Thing {
            uid: self.uid,
            name: self.name(),
            kind: self.kind,
        }
    }

    fn entity(&self) -> Entity<'a> {
        let (type_id, r#type) = choose(&ENTITY_TYPES, self.kind);
        let policy = (type_id == POLICY.0).then(|| self.thing());
        Entity {
            uid: self.uid,
            name: self.name(),
            type_id,
            r#type,
            policy,
        }
    }
}

fn choose<'a>(table: &[(&str, Choice<'static>)], word: Option<&'a str>) -> Choice<'a> {
    let Some(word) = word else {
        return (0, UNKNOWN);
    };
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map_or((99, word), |(_, choice)| *choice)
}

/// The schema's rule for an e-mail address: one `@`, a host with a dot in it, and no unusual letters.
fn is_email(text: &str) -> bool {
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+,-./=?^_`{|}~".contains(c);
    let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split_once('@').is_some_and(|(local, host)| {
        let (first, rest) = host.split_once('.').unwrap_or_default();
        let is_filled = !local.is_empty() && !first.is_empty() && !rest.is_empty();
        is_filled
            && local.chars().all(is_local)
            && first.chars().all(is_host)
            && rest.chars().all(|c| is_host(c) || c == '.')
    })
}

/// The people and things of one event.
pub(super) struct Cast<'a> {
    event: &'a Json<'a>,
    actor: Option<Named<'a>>,
    targets: Vec<Named<'a>>,
}

impl<'a> Cast<'a> {
    pub(super) fn of(event: &'a Json<'a>) -> Self {
        let targets = event
            .get("target")
            .and_then(Json::as_array)
            .unwrap_or_default();
        let actor = event.get("actor").and_then(Named::read);
        Self {
            event,
            actor,
            targets: targets.iter().filter_map(Named::read).collect(),
        }
    }

    /// The actor with session and client.
    pub(super) fn actor(&self) -> Option<Actor<'a>> {
        let user = self.actor.map(|actor| actor.user());
        let (session, app_uid) = (self.session(), text(self.event, &["client", "id"]));
        (user.is_some() || session.is_some() || app_uid.is_some()).then_some(Actor {
            user,
            session,
            app_uid,
        })
    }

    pub(super) fn session(&self) -> Option<Session<'a>> {
        let context = at(self.event, &["authenticationContext"])?;
        let (uid, issuer) = (
            text(context, &["externalSessionId"]),
            text(context, &["issuer", "id"]),
        );
        uid.or(issuer).map(|_| Session { uid, issuer })
    }

    fn first(&self, kinds: &[&str]) -> Option<&Named<'a>> {
        kinds
            .iter()
            .find_map(|kind| self.targets.iter().find(|target| target.is(&[*kind])))
    }

    /// The user who signs in: the one that the event names, or else its actor.
    pub(super) fn signing_user(&self) -> User<'a> {
        self.first(&["User"])
            .or(self.actor.as_ref())
            .map_or(NOBODY, Named::user)
    }

    /// The user whose account changes. An event that names no target is about its actor.
    pub(super) fn changed_user(&self) -> User<'a> {
        let actor = self
            .actor
            .as_ref()
            .filter(|actor| self.targets.is_empty() && actor.is(&["User"]));
        self.first(&["User", "AppUser"])
            .or(actor)
            .map_or(NOBODY, Named::user)
    }

    /// The grantee: a user, or the client that acts for itself.
    pub(super) fn grantee(&self) -> User<'a> {
        self.first(&GRANTEES).map_or(NOBODY, Named::user)
    }

    /// The member of a group that the event names.
    pub(super) fn member(&self) -> Option<User<'a>> {
        self.first(&["User", "AppUser"]).map(Named::user)
    }

    pub(super) fn group(&self) -> Thing<'a> {
        self.targets
            .iter()
            .find(|target| target.is_group())
            .map_or(NOTHING, Named::thing)
    }

    /// The object that a group is granted: the first target that is neither group nor user nor role.
    pub(super) fn granted_resource(&self) -> Option<Thing<'a>> {
        let is_other = |target: &&Named<'a>| {
            !target.is_group() && !target.is(&GRANTEES) && !target.is_privilege()
        };
        self.targets.iter().find(is_other).map(Named::thing)
    }

    /// The object that is managed: the first target that is no user, or else the user.
    pub(super) fn entity(&self) -> Entity<'a> {
        let thing = self.targets.iter().find(|target| !target.is(&["User"]));
        thing
            .or(self.targets.first())
            .map_or(NO_ENTITY, Named::entity)
    }

    /// The application that is signed in to; Okta itself where the event names none.
    pub(super) fn service(&self) -> Thing<'a> {
        let app = self
            .first(&["AppInstance", "PublicClientApp"])
            .map(Named::thing);
        Thing {
            kind: None,
            ..app.unwrap_or(OKTA)
        }
    }

    /// Every target.
    pub(super) fn resources(&self) -> Vec<Thing<'a>> {
        self.targets.iter().map(Named::thing).collect()
    }

    /// The objects that a user is granted: the targets that are neither users nor privileges.
    pub(super) fn granted_resources(&self) -> Vec<Thing<'a>> {
        let others = self
            .targets
            .iter()
            .filter(|target| !target.is(&GRANTEES) && !target.is_privilege());
        others.map(Named::thing).collect()
    }

    /// The privileges that the event grants or revokes; if it names none, those that its type implies.
    pub(super) fn privileges(&self, event_type: Option<&str>) -> Vec<&'a str> {
        let listed = PRIVILEGE_LISTS
            .iter()
            .find_map(|key| debug_text(self.event, key))
            .unwrap_or_default();
        let listed = listed
            .split(',')
            .map(str::trim)
            .filter(|privilege| !privilege.is_empty());
        let named = self
            .targets
            .iter()
            .filter(|target| target.is_privilege())
            .filter_map(|target| target.name().or(target.uid));
        let mut privileges: Vec<_> = listed.collect();
        if privileges.is_empty() {
            privileges.extend(named);
        }
        if !privileges.is_empty() {
            return privileges;
        }
        let meant = |prefix: &str| {
            PRIVILEGES
                .iter()
                .find(|(start, _)| *start == prefix)
                .map(|(_, meant)| *meant)
        };
        vec![
            event_type
                .and_then(|event_type| longest(event_type, meant))
                .unwrap_or(UNKNOWN),
        ]
    }

    /// Text of an authenticator that a target names.
    pub(super) fn authenticator(&self) -> Option<&'a str> {
        self.first(&["AuthenticatorEnrollment", "Factor", "AuthenticatorMethod"])
            .and_then(Named::name)
    }
}

const GRANTEES: [&str; 5] = [
    "User",
    "AppUser",
    "PublicClientApp",
    "PublicClientAppEntity",
    "ServiceAccount",
];

/// Stands for a required user of whom nothing is known.
pub(super) const NOBODY: User<'static> = User {
    uid: None,
    name: Some(UNKNOWN),
    type_id: 0,
    r#type: UNKNOWN,
    email_addr: None,
    uid_alt: None,
};
const NOTHING: Thing<'static> = Thing {
    uid: None,
    name: Some(UNKNOWN),
    kind: None,
};
const OKTA: Thing<'static> = Thing {
    uid: None,
    name: Some("Okta"),
    kind: None,
};
const NO_ENTITY: Entity<'static> = Entity {
    uid: None,
    name: Some(UNKNOWN),
    type_id: 0,
    r#type: UNKNOWN,
    policy: None,
};
