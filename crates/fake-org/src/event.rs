//! System Log events in Okta's shape.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::okta_time;
use crate::event_names::described;

/// An actor or a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    /// Okta id.
    pub id: String,
    /// `User`, `UserGroup`, `AppInstance`, ….
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Login of a user, label of an app, `unknown` for groups.
    pub alternate_id: String,
    /// Name for people.
    pub display_name: String,
    /// Mostly null.
    pub detail_entry: Option<Value>,
    /// The change, `{from, to}`; only in some targets of some events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_details: Option<Value>,
}

impl Party {
    /// A party without details.
    #[must_use]
    pub fn new(kind: &'static str, id: &str, alternate_id: &str, display_name: &str) -> Self {
        Self {
            id: id.into(),
            kind: kind.into(),
            alternate_id: alternate_id.into(),
            display_name: display_name.into(),
            detail_entry: None,
            change_details: None,
        }
    }

    /// Okta itself.
    #[must_use]
    pub fn system() -> Self {
        Self::new(
            "SystemPrincipal",
            "okta.system.principal",
            "system@okta.com",
            "Okta System",
        )
    }
}

/// Where a request came from: its place, network and device.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// IP address.
    pub ip: String,
    /// City, state, country and postal code.
    pub place: [Cow<'static, str>; 4],
    /// Latitude and longitude.
    pub position: (f64, f64),
    /// User agent, operating system, browser, device.
    pub agent: [Cow<'static, str>; 4],
    /// Autonomous system: number, organization, domain.
    pub network: (u32, Cow<'static, str>, Cow<'static, str>),
}

impl Origin {
    fn geography(&self) -> Value {
        let [city, state, country, postal] = &self.place;
        let (lat, lon) = self.position;
        json!({"city": city, "state": state, "country": country, "postalCode": postal, "geolocation": {"lat": lat, "lon": lon}})
    }

    fn client(&self) -> Value {
        let [raw, os, browser, device] = &self.agent;
        json!({
            "userAgent": {"rawUserAgent": raw, "os": os, "browser": browser},
            "zone": "null",
            "device": device,
            "id": null,
            "ipAddress": self.ip,
            "geographicalContext": self.geography(),
        })
    }

    fn security(&self) -> Value {
        let (number, name, domain) = &self.network;
        json!({"asNumber": number, "asOrg": name, "isp": name, "domain": domain, "isProxy": false})
    }

    fn chain(&self) -> Value {
        json!({"ipChain": [{"ip": self.ip, "geographicalContext": self.geography(), "version": "V4", "source": null}]})
    }
}

/// One event of the System Log.
#[derive(Clone, Debug)]
pub struct Event {
    /// Such as `user.session.start`.
    pub event_type: Cow<'static, str>,
    /// The actor; `None` takes the org's current actor.
    pub actor: Option<Party>,
    /// To whom or what; `None` is written as null.
    pub targets: Option<Vec<Party>>,
    /// `SUCCESS`, `FAILURE`, `SKIPPED`, ….
    pub result: &'static str,
    /// Why, for failures.
    pub reason: Option<&'static str>,
    /// When it is said to have happened; `None` is when it is appended.
    pub published: Option<Timestamp>,
    /// Where it came from; `None` is Okta itself.
    pub origin: Option<Arc<Origin>>,
    /// `debugContext.debugData`.
    pub debug: Map<String, Value>,
    /// The part of `debugData` that it shares with the other events of a visit.
    pub(crate) context: Option<Arc<Map<String, Value>>>,
    /// `None` draws one.
    pub uuid: Option<String>,
    /// `authenticationContext.externalSessionId`.
    pub session: Option<String>,
}

impl Event {
    /// A successful event.
    #[must_use]
    pub fn new(event_type: impl Into<Cow<'static, str>>) -> Self {
        Self {
            event_type: event_type.into(),
            actor: None,
            targets: None,
            result: "SUCCESS",
            reason: None,
            published: None,
            origin: None,
            debug: Map::new(),
            context: None,
            uuid: None,
            session: None,
        }
    }

    /// Sets the actor.
    #[must_use]
    pub fn by(mut self, actor: Party) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Adds a target.
    #[must_use]
    pub fn on(mut self, target: Party) -> Self {
        self.targets.get_or_insert_default().push(target);
        self
    }

    /// Adds an entry of `debugData`.
    #[must_use]
    pub fn debug(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.debug.insert(key.into(), value.into());
        self
    }

    /// Makes it a failure.
    #[must_use]
    pub fn failed(mut self, reason: &'static str) -> Self {
        (self.result, self.reason) = ("FAILURE", Some(reason));
        self
    }

    /// Says when it happened.
    #[must_use]
    pub fn published_at(mut self, at: Timestamp) -> Self {
        self.published = Some(at);
        self
    }

    fn debug_data(&self) -> Map<String, Value> {
        let mut data = self.context.as_deref().cloned().unwrap_or_default();
        data.extend(self.debug.clone());
        data
    }

    /// The event as Okta writes it; absent parts that the log fills in are null.
    pub(crate) fn json(&self) -> Value {
        let (message, legacy) = described(&self.event_type);
        let origin = self.origin.as_deref();
        let uuid = self.uuid.as_deref().unwrap_or_default();
        json!({
            "actor": self.actor,
            "client": origin.map_or_else(no_client, Origin::client),
            "device": null,
            "authenticationContext": {
                "authenticationProvider": null, "credentialProvider": null, "credentialType": null, "issuer": null,
                "interface": null, "authenticationStep": 0, "rootSessionId": null,
                "externalSessionId": self.session.as_deref().unwrap_or("unknown"),
            },
            "displayMessage": message,
            "eventType": self.event_type,
            "outcome": {"result": self.result, "reason": self.reason},
            "published": self.published.map(okta_time),
            "securityContext": origin.map_or_else(no_security, Origin::security),
            "severity": if self.result == "FAILURE" { "WARN" } else { "INFO" },
            "debugContext": {"debugData": self.debug_data()},
            "legacyEventType": legacy,
            "transaction": {"type": if origin.is_some() { "WEB" } else { "JOB" }, "id": uuid.replace('-', ""), "detail": {}},
            "uuid": uuid,
            "version": "0",
            "request": origin.map_or_else(|| json!({"ipChain": []}), Origin::chain),
            "target": self.targets,
        })
    }
}

fn no_client() -> Value {
    json!({"userAgent": null, "zone": null, "device": null, "id": null, "ipAddress": null, "geographicalContext": null})
}

fn no_security() -> Value {
    json!({"asNumber": null, "asOrg": null, "isp": null, "domain": null, "isProxy": null})
}
