//! The schema's objects, as far as System Log events fill them; absent members are left out.
//! <https://schema.ocsf.io/1.8.0/objects>

use serde::{Serialize, Serializer};
use serde_with::skip_serializing_none;

/// Stands for a required name that the source does not have.
pub(super) const UNKNOWN: &str = "Unknown";

/// An enumerated attribute: the id and, beside it, the caption or (99) the source's own word.
pub(super) type Choice<'a> = (u32, &'a str);

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Metadata<'a> {
    pub version: &'static str,
    pub product: Product,
    pub log_name: &'static str,
    pub log_version: Option<&'a str>,
    pub uid: Option<&'a str>,
    pub event_code: Option<&'a str>,
    pub correlation_uid: Option<&'a str>,
    pub original_time: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub profiles: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Product {
    pub name: &'static str,
    pub vendor_name: &'static str,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Actor<'a> {
    pub user: Option<User<'a>>,
    pub session: Option<Session<'a>>,
    /// The OAuth client that made the request.
    pub app_uid: Option<&'a str>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct User<'a> {
    pub uid: Option<&'a str>,
    pub name: Option<&'a str>,
    pub type_id: u32,
    pub r#type: &'a str,
    pub email_addr: Option<&'a str>,
    /// The login where it is no e-mail address.
    pub uid_alt: Option<&'a str>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Session<'a> {
    pub uid: Option<&'a str>,
    pub issuer: Option<&'a str>,
}

/// A thing with a name, an id or both: a group, a resource, a policy or a service.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Thing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Entity<'a> {
    pub uid: Option<&'a str>,
    pub name: Option<&'a str>,
    pub type_id: u32,
    pub r#type: &'a str,
    pub policy: Option<Thing<'a>>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Endpoint<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autonomous_system: Option<AutonomousSystem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<Os<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intermediate_ips: Vec<&'a str>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct AutonomousSystem<'a> {
    pub number: Option<u32>,
    pub name: Option<&'a str>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Location<'a> {
    pub city: Option<&'a str>,
    pub region: Option<&'a str>,
    pub country: Option<&'a str>,
    pub postal_code: Option<Plain<'a>>,
    /// Degrees.
    pub lat: Option<f64>,
    /// Degrees.
    pub long: Option<f64>,
}

/// A text that the source may hold as a number; written as a text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plain<'a> {
    Text(&'a str),
    Number(i64),
}

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.collect_str(number),
        }
    }
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Os<'a> {
    pub name: &'a str,
    pub type_id: u32,
    pub r#type: &'a str,
    pub version: Option<&'a str>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Device<'a> {
    pub uid: Option<&'a str>,
    pub name: Option<&'a str>,
    pub type_id: u32,
    pub r#type: &'a str,
    pub os: Option<Os<'a>>,
    pub is_managed: Option<bool>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct HttpRequest<'a> {
    pub uid: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub url: Option<Url<'a>>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Url<'a> {
    pub path: &'a str,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct AuthFactor<'a> {
    pub factor_type_id: u32,
    pub factor_type: &'a str,
    pub provider: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Api<'a> {
    pub operation: &'a str,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct FindingInfo<'a> {
    pub uid: &'a str,
    pub title: &'a str,
    pub types: Option<[&'a str; 1]>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
pub(super) struct Evidence<'a> {
    pub user: Option<User<'a>>,
    pub src_endpoint: Option<Endpoint<'a>>,
    pub http_request: Option<HttpRequest<'a>>,
}
