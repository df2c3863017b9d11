//! Where an event comes from: client, network, place, request and device.

use std::net::IpAddr;

use crate::json::Json;

use super::read::{at, mentions, text};
use super::shape::{
    AutonomousSystem, Choice, Device, Endpoint, HttpRequest, Location, Os, Plain, UNKNOWN, Url,
};

/// Start of an operating system's name or platform, and the schema's type. The first that fits.
static OS_TYPES: [(&str, Choice<'static>); 11] = [
    ("windows phone", (101, "Windows Mobile")),
    ("windows mobile", (101, "Windows Mobile")),
    ("windows", (100, "Windows")),
    ("android", (201, "Android")),
    ("linux", (200, "Linux")),
    ("ubuntu", (200, "Linux")),
    ("mac", (300, "macOS")),
    ("osx", (300, "macOS")),
    ("ipad", (302, "iPadOS")),
    ("ios", (301, "iOS")),
    ("iphone", (301, "iOS")),
];

/// `client.device`, and the schema's type.
static CLIENT_TYPES: [(&str, Choice<'static>); 3] = [
    ("Computer", (2, "Desktop")),
    ("Tablet", (4, "Tablet")),
    ("Mobile", (5, "Mobile")),
];

/// First segments of paths that are kept. Links of the sign-in pages are not: they carry one-time tokens.
const KEPT_PATHS: [&str; 4] = ["/api/", "/oauth2/", "/idp/idx/", "/app/"];
/// Below these, the path itself carries a session or a recovery token.
const CUT_PATHS: [&str; 2] = ["/api/v1/sessions/", "/api/v1/authn/recovery/"];

/// The client as an endpoint, if the event says by address or domain who it was.
pub(super) fn source<'a>(event: &'a Json<'a>) -> Option<Endpoint<'a>> {
    let ip = text(event, &["client", "ipAddress"]).filter(|ip| is_ip(ip));
    let domain = text(event, &["securityContext", "domain"]).filter(|domain| *domain != ".");
    ip.or(domain)?;
    let client_type =
        text(event, &["client", "device"]).map(|device| choose(&CLIENT_TYPES, device));
    Some(Endpoint {
        ip,
        name: None,
        domain,
        type_id: client_type.map(|(id, _)| id),
        r#type: client_type.map(|(_, caption)| caption),
        zone: text(event, &["client", "zone"]).filter(|zone| *zone != "null"),
        isp: text(event, &["securityContext", "isp"]),
        autonomous_system: autonomous_system(event),
        location: location(event),
        os: text(event, &["client", "userAgent", "os"]).map(|name| os(name, None)),
        intermediate_ips: intermediate_ips(event, ip),
    })
}

/// Stands for a required endpoint of which nothing is known.
pub(super) fn unknown() -> Endpoint<'static> {
    Endpoint {
        ip: None,
        name: Some(UNKNOWN),
        domain: None,
        type_id: None,
        r#type: None,
        zone: None,
        isp: None,
        autonomous_system: None,
        location: None,
        os: None,
        intermediate_ips: Vec::new(),
    }
}

fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn choose<'a>(table: &[(&str, Choice<'static>)], word: &'a str) -> Choice<'a> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map_or((99, word), |(_, choice)| *choice)
}

fn autonomous_system<'a>(event: &'a Json<'a>) -> Option<AutonomousSystem<'a>> {
    let number = at(event, &["securityContext", "asNumber"])
        .and_then(Json::as_u64)
        .and_then(|n| u32::try_from(n).ok());
    let name = text(event, &["securityContext", "asOrg"]);
    (number.is_some() || name.is_some()).then_some(AutonomousSystem { number, name })
}

/// The schema wants a place's name beside its coordinates.
fn location<'a>(event: &'a Json<'a>) -> Option<Location<'a>> {
    let place = at(event, &["client", "geographicalContext"])?;
    let degrees = |key| at(place, &["geolocation", key]).and_then(Json::as_f64);
    let (city, region, country) = (
        text(place, &["city"]),
        text(place, &["state"]),
        text(place, &["country"]),
    );
    let postal_code = match place.get("postalCode").and_then(Json::as_i64) {
        Some(number) => Some(Plain::Number(number)),
        None => text(place, &["postalCode"]).map(Plain::Text),
    };
    let is_named = city.is_some() || region.is_some() || country.is_some() || postal_code.is_some();
    is_named.then(|| Location {
        city,
        region,
        country,
        postal_code,
        lat: degrees("lat"),
        long: degrees("lon"),
    })
}

fn os<'a>(name: &'a str, version: Option<&'a str>) -> Os<'a> {
    let is_ipad = mentions(name, "ipad");
    let starts = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let fits = |prefix: &str| {
        if is_ipad {
            prefix == "ipad"
        } else {
            starts(prefix)
        }
    };
    let (type_id, r#type) = OS_TYPES
        .iter()
        .find(|(prefix, _)| fits(prefix))
        .map_or((99, name), |(_, choice)| *choice);
    Os {
        name,
        type_id,
        r#type,
        version,
    }
}

fn intermediate_ips<'a>(event: &'a Json<'a>, client_ip: Option<&str>) -> Vec<&'a str> {
    let chain = at(event, &["request", "ipChain"])
        .and_then(Json::as_array)
        .unwrap_or_default();
    let ips = chain.iter().filter_map(|hop| text(hop, &["ip"]));
    ips.filter(|ip| Some(*ip) != client_ip && is_ip(ip))
        .collect()
}

/// The request, without query or fragment.
pub(super) fn http_request<'a>(event: &'a Json<'a>) -> Option<HttpRequest<'a>> {
    let uid = debug_text(event, "requestId");
    let user_agent = text(event, &["client", "userAgent", "rawUserAgent"]);
    let url = debug_text(event, "requestUri")
        .or_else(|| debug_text(event, "url"))
        .and_then(path)
        .map(|path| Url { path });
    (uid.is_some() || user_agent.is_some() || url.is_some()).then_some(HttpRequest {
        uid,
        user_agent,
        url,
    })
}

fn path(address: &str) -> Option<&str> {
    let path = address.split(['?', ';', '#']).next()?;
    let is_kept = KEPT_PATHS.iter().any(|start| path.starts_with(start));
    is_kept.then(|| {
        CUT_PATHS
            .iter()
            .find(|start| path.starts_with(**start))
            .map_or(path, |start| *start)
    })
}

/// The device that Okta knows, which the schema's `host` profile describes.
pub(super) fn device<'a>(event: &'a Json<'a>) -> Option<Device<'a>> {
    let device = event.get("device")?;
    let (uid, name) = (text(device, &["id"]), text(device, &["name"]));
    uid.or(name)?;
    Some(Device {
        uid,
        name,
        type_id: 0,
        r#type: UNKNOWN,
        os: text(device, &["os_platform"])
            .map(|platform| os(platform, text(device, &["os_version"]))),
        is_managed: device.get("managed").and_then(Json::as_bool),
    })
}

/// A text of the debug data, in which Okta puts values without a field of their own.
pub(super) fn debug_text<'a>(event: &'a Json<'a>, key: &str) -> Option<&'a str> {
    text(event, &["debugContext", "debugData", key])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(endpoint: Option<Endpoint<'_>>) -> Value {
        serde_json::to_value(endpoint).unwrap()
    }

    #[test]
    fn a_client_without_address_and_domain_is_no_endpoint() {
        for event in [
            json!({}),
            json!({"client": {"ipAddress": "none", "device": "Computer"}}),
            json!({"client": 1}),
        ] {
            assert!(source(&Json::from(&event)).is_none(), "{event}");
        }
    }

    #[test]
    fn coordinates_alone_are_no_location() {
        let place = json!({"geolocation": {"lat": 1.5, "lon": 2.5}, "city": null});
        let event = json!({"client": {"ipAddress": "2001:db8::1", "geographicalContext": place}});
        assert_eq!(
            written(source(&Json::from(&event))),
            json!({"ip": "2001:db8::1"})
        );
    }

    #[test]
    fn a_postal_code_is_written_as_text() {
        for (given, expected) in [(json!(10013), "10013"), (json!("EC1A"), "EC1A")] {
            let event = json!({"client": {"ipAddress": "192.0.2.1", "geographicalContext": {"postalCode": given}}});
            assert_eq!(
                written(source(&Json::from(&event)))["location"],
                json!({"postal_code": expected})
            );
        }
    }

    #[test]
    fn only_hops_beside_the_client_are_intermediate() {
        let event = json!({"client": {"ipAddress": "192.0.2.1"}, "request": {"ipChain": [{"ip": "192.0.2.1"}, {"ip": "198.51.100.7"}, {"ip": "x"}, 3]}});
        assert_eq!(
            written(source(&Json::from(&event)))["intermediate_ips"],
            json!(["198.51.100.7"])
        );
    }

    #[test]
    fn an_operating_system_has_the_type_of_its_name() {
        let type_of = |name: &'static str| os(name, None).type_id;
        let names = [
            "Windows 10",
            "Mac OS X",
            "OSX",
            "iOS 17 (iPad)",
            "iOS 17",
            "Ubuntu",
            "Android",
            "Chrome OS",
            "é",
        ];
        assert_eq!(
            names.map(type_of),
            [100, 300, 300, 302, 301, 200, 201, 99, 99]
        );
    }

    #[test]
    fn no_token_of_an_address_is_written() {
        assert_eq!(path("/api/v1/users?search=x"), Some("/api/v1/users"));
        assert_eq!(path("/app/x/sso;jsessionid=1#f"), Some("/app/x/sso"));
        assert_eq!(path("/api/v1/sessions/102abc"), Some("/api/v1/sessions/"));
        assert_eq!(path("/welcome/one-time"), None);
        assert_eq!(path("https://example.com/api/"), None);
    }
}
