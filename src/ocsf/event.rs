//! The event: which attributes each class has.

use crate::json::Json;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_with::skip_serializing_none;

use super::class::{Class, ClassFacts, OTHER};
use super::outcome::Control;
use super::read::text;
use super::shape::{
    Actor, Api, AuthFactor, Device, Endpoint, Entity, Evidence, FindingInfo, HttpRequest, Metadata,
    Product, Session, Thing, UNKNOWN, User,
};
use super::table::{EventKind, kind};
use super::who::{Cast, NOBODY};
use super::{VERSION, endpoint, outcome, sign_on};

/// An OCSF event of version [`VERSION`], borrowing its texts from the System Log event that
/// [`event`] was given. It is there to be serialized; absent attributes are left out.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    activity_id: u32,
    activity_name: &'a str,
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    type_uid: u32,
    type_name: TypeName,
    /// Milliseconds since 1970; 0 where the source has no time.
    time: i64,
    severity_id: u32,
    severity: &'a str,
    status_id: u32,
    status: &'a str,
    status_code: Option<&'a str>,
    status_detail: Option<&'a str>,
    message: Option<&'a str>,
    metadata: Metadata<'a>,
    actor: Option<Actor<'a>>,
    device: Option<Device<'a>>,
    src_endpoint: Option<Endpoint<'a>>,
    http_request: Option<HttpRequest<'a>>,
    #[serde(flatten)]
    control: Control,
    #[serde(flatten)]
    of_class: OfClass<'a>,
}

/// Attributes of one class or a few.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize)]
struct OfClass<'a> {
    user: Option<User<'a>>,
    group: Option<Thing<'a>>,
    entity: Option<Entity<'a>>,
    privileges: Option<Vec<&'a str>>,
    resource: Option<Thing<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Thing<'a>>,
    api: Option<Api<'a>>,
    service: Option<Thing<'a>>,
    session: Option<Session<'a>>,
    auth_protocol_id: Option<u32>,
    auth_protocol: Option<&'a str>,
    auth_factors: Option<[AuthFactor<'a>; 1]>,
    logon_type_id: Option<u32>,
    logon_type: Option<&'a str>,
    is_mfa: Option<bool>,
    is_remote: Option<bool>,
    account_switch_type_id: Option<u32>,
    account_switch_type: Option<&'static str>,
    finding_info: Option<FindingInfo<'a>>,
    evidences: Option<[Evidence<'a>; 1]>,
    is_alert: Option<bool>,
}

/// Class and activity in words.
#[derive(Debug, Clone, Copy)]
struct TypeName {
    class: &'static str,
    activity: &'static str,
}

impl Serialize for TypeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}: {}", self.class, self.activity))
    }
}

impl Event<'_> {
    /// When it happened; 1970 where the source has no time.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.time).unwrap_or_default()
    }
}

/// Makes an OCSF event of a System Log event, or of any other JSON value.
#[must_use]
pub fn event<'a>(source: &'a Json<'a>) -> Event<'a> {
    let event_type = text(source, &["eventType"]);
    let kind = kind(event_type);
    let cast = Cast::of(source);
    let given = Given {
        source,
        event_type,
        kind,
        cast: &cast,
    };
    let (actor, device) = (given.actor(), endpoint::device(source));
    let control = outcome::control(source);
    let profiles = given.profiles(actor.is_some(), device.is_some(), &control);
    let (severity_id, severity) = outcome::severity(source);
    let (status_id, status) = outcome::status(source, &kind);
    let ClassFacts {
        uid,
        name,
        category_uid,
        category_name,
        ..
    } = *kind.class.facts();
    Event {
        activity_id: kind.activity_id,
        activity_name: given.activity_name(),
        category_uid,
        category_name,
        class_uid: uid,
        class_name: name,
        type_uid: uid * 100 + kind.activity_id,
        type_name: TypeName {
            class: name,
            activity: kind.activity,
        },
        time: time_ms(source),
        severity_id,
        severity,
        status_id,
        status,
        status_code: outcome::result(source),
        status_detail: outcome::reason(source),
        message: text(source, &["displayMessage"]),
        metadata: given.metadata(profiles),
        actor,
        device,
        src_endpoint: given.src_endpoint(),
        http_request: given.http_request(),
        control,
        of_class: given.of_class(),
    }
}

/// When it happened, in milliseconds since 1970; 0 if it does not say.
fn time_ms(source: &Json<'_>) -> i64 {
    text(source, &["published"])
        .and_then(|time| time.parse().ok())
        .map_or(0, Timestamp::as_millisecond)
}

fn profiles(host: bool, security_control: bool) -> &'static [&'static str] {
    match (host, security_control) {
        (true, true) => &["host", "security_control"],
        (true, false) => &["host"],
        (false, true) => &["security_control"],
        (false, false) => &[],
    }
}

/// The source, and its enrichments.
struct Given<'a, 'c> {
    source: &'a Json<'a>,
    event_type: Option<&'a str>,
    kind: EventKind,
    cast: &'c Cast<'a>,
}

impl<'a> Given<'a, '_> {
    /// Where the class has no caption for it, the source's own word.
    fn activity_name(&self) -> &'a str {
        self.event_type
            .filter(|_| self.kind.activity == OTHER)
            .unwrap_or(self.kind.activity)
    }

    /// The profiles that the event uses beside its class.
    fn profiles(
        &self,
        has_actor: bool,
        has_device: bool,
        control: &outcome::Control,
    ) -> &'static [&'static str] {
        let is_finding = self.kind.class == Class::Finding;
        let is_host_used = has_device && !is_finding || has_actor && self.has_actor_by_profile();
        profiles(is_host_used, control.needs_profile(is_finding))
    }

    fn metadata(&self, profiles: &'static [&'static str]) -> Metadata<'a> {
        Metadata {
            version: VERSION,
            product: Product {
                name: "Okta",
                vendor_name: "Okta",
            },
            log_name: "System Log",
            log_version: text(self.source, &["version"]),
            uid: text(self.source, &["uuid"]),
            event_code: self.event_type,
            correlation_uid: text(self.source, &["transaction", "id"]),
            original_time: text(self.source, &["published"]),
            profiles,
        }
    }

    /// Whether the class has an actor with the `host` profile only.
    fn has_actor_by_profile(&self) -> bool {
        matches!(self.kind.class, Class::Base | Class::Finding)
    }

    fn http_request(&self) -> Option<HttpRequest<'a>> {
        self.has_request()
            .then(|| endpoint::http_request(self.source))
            .flatten()
    }

    /// Whether the class has the request and its endpoint as attributes of its own.
    fn has_request(&self) -> bool {
        !matches!(self.kind.class, Class::Base | Class::Finding)
    }

    fn actor(&self) -> Option<Actor<'a>> {
        let needed = (self.kind.class == Class::Api).then_some(Actor {
            user: Some(NOBODY),
            session: None,
            app_uid: None,
        });
        self.cast.actor().or(needed)
    }

    fn src_endpoint(&self) -> Option<Endpoint<'a>> {
        let needed = || (self.kind.class == Class::Api).then(endpoint::unknown);
        if self.has_request() {
            endpoint::source(self.source).or_else(needed)
        } else {
            None
        }
    }

    fn of_class(&self) -> OfClass<'a> {
        let cast = self.cast;
        match self.kind.class {
            Class::Base => OfClass::default(),
            Class::Finding => self.finding(),
            Class::Account => OfClass {
                user: Some(cast.changed_user()),
                auth_factors: self.changed_factor(),
                ..OfClass::default()
            },
            Class::Authentication => self.authentication(),
            Class::Entity => OfClass {
                entity: Some(cast.entity()),
                ..OfClass::default()
            },
            Class::UserAccess => OfClass {
                user: Some(cast.grantee()),
                privileges: Some(cast.privileges(self.event_type)),
                resources: cast.granted_resources(),
                ..OfClass::default()
            },
            Class::Group => self.group(),
            Class::Api => OfClass {
                api: Some(Api {
                    operation: self.event_type.unwrap_or(UNKNOWN),
                }),
                resources: cast.resources(),
                ..OfClass::default()
            },
        }
    }

    fn authentication(&self) -> OfClass<'a> {
        let factor = sign_on::factor(self.source, self.cast.authenticator());
        let sign_on = sign_on::sign_on(self.source, self.event_type, factor.as_ref());
        let switch = (self.kind.activity == "Account Switch").then_some((2, "Impersonate"));
        OfClass {
            user: Some(self.cast.signing_user()),
            service: Some(self.cast.service()),
            session: self.cast.session(),
            auth_protocol_id: sign_on.protocol.map(|(id, _)| id),
            auth_protocol: sign_on.protocol.map(|(_, caption)| caption),
            auth_factors: factor.map(|factor| [factor]),
            logon_type_id: sign_on.logon_type.map(|(id, _)| id),
            logon_type: sign_on.logon_type.map(|(_, caption)| caption),
            is_mfa: sign_on.is_mfa,
            is_remote: sign_on.is_remote,
            account_switch_type_id: switch.map(|(id, _)| id),
            account_switch_type: switch.map(|(_, caption)| caption),
            ..OfClass::default()
        }
    }

    /// The factor that is enrolled, changed or removed; not the one with which the admin signed in.
    fn changed_factor(&self) -> Option<[AuthFactor<'a>; 1]> {
        let is_about_factor =
            self.kind.activity.starts_with("MFA") || self.cast.authenticator().is_some();
        is_about_factor
            .then(|| sign_on::factor(self.source, self.cast.authenticator()))
            .flatten()
            .map(|factor| [factor])
    }

    fn group(&self) -> OfClass<'a> {
        let is_grant = self.kind.activity.ends_with("Privileges");
        OfClass {
            user: self.cast.member(),
            group: Some(self.cast.group()),
            privileges: is_grant.then(|| self.cast.privileges(self.event_type)),
            resource: self.cast.granted_resource(),
            ..OfClass::default()
        }
    }

    fn finding(&self) -> OfClass<'a> {
        let uid = text(self.source, &["uuid"]).unwrap_or(UNKNOWN);
        let title = text(self.source, &["displayMessage"])
            .or(self.event_type)
            .unwrap_or(UNKNOWN);
        let user = self.cast.member();
        let src_endpoint = endpoint::source(self.source);
        let is_seen = user.is_some() || src_endpoint.is_some();
        let http_request = endpoint::http_request(self.source);
        OfClass {
            finding_info: Some(FindingInfo {
                uid,
                title,
                types: self.event_type.map(|event_type| [event_type]),
            }),
            evidences: is_seen.then_some([Evidence {
                user,
                src_endpoint,
                http_request,
            }]),
            resources: self.cast.resources(),
            is_alert: Some(self.kind.activity != "Close"),
            ..OfClass::default()
        }
    }
}
