//! A secret's content → [`Integration`], every problem reported at once.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{Content, Credentials, Integration};
use crate::scrub::{NameKey, Rules, UnknownActors};

const KEYS: [&str; 11] = [
    "domain",
    "client_id",
    "client_secret",
    "private_key",
    "key_id",
    "token",
    "integration_name",
    "owner",
    "streams_off",
    "drop_attributes",
    "unknown_actors",
];

/// The problems of a secret's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// One sentence each; none repeats a value that might be secret.
    pub problems: Vec<String>,
    /// The integration's slug, if that much is known.
    pub slug: Option<String>,
}

/// Parses a secret's content. `streams` are the names that `streams_off` may hold.
///
/// # Errors
/// Every problem.
pub fn parse(content: &Content, streams: &[&str]) -> Result<Integration, Problems> {
    let Ok(Value::Object(object)) = serde_json::from_str(content.text.expose_secret()) else {
        let example =
            r#"{"domain": "https://acme.okta.com", "client_id": "0oa...", "client_secret": "..."}"#;
        return Err(Problems {
            problems: vec![format!("it must be one JSON object, such as {example}")],
            slug: None,
        });
    };
    let mut fields = Fields {
        object,
        problems: Vec::new(),
    };
    // A mistyped key may be the name's own.
    let is_name_sure =
        fields.refuse_unknown_keys() || fields.object.contains_key("integration_name");
    let domain = fields.domain();
    let credentials = fields.credentials();
    let name = fields
        .text("integration_name")
        .unwrap_or_else(|| "Okta".to_owned());
    let slug = fields.slug(&name);
    let owner = fields.owner();
    let streams_off = fields.names("streams_off");
    fields.refuse_unknown_streams(&streams_off, streams);
    let rules = fields.rules(domain.as_ref(), credentials.as_ref());
    match (domain, credentials, fields.problems.is_empty()) {
        (Some(Domain { host, is_custom }), Some(credentials), true) => {
            let version = content.version.clone();
            Ok(Integration {
                version,
                host,
                is_custom_domain: is_custom,
                credentials,
                name,
                slug,
                owner,
                streams_off,
                rules,
            })
        }
        _ => Err(Problems {
            problems: fields.problems,
            slug: Some(slug).filter(|slug| is_name_sure && !slug.is_empty()),
        }),
    }
}

struct Fields {
    object: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    /// Returns whether there were none.
    fn refuse_unknown_keys(&mut self) -> bool {
        for key in self
            .object
            .keys()
            .filter(|key| !KEYS.contains(&key.as_str()))
        {
            self.problems.push(format!(
                "key {key:?} is unknown; the keys are {}",
                KEYS.join(", ")
            ));
        }
        self.problems.is_empty()
    }

    fn refuse_unknown_streams(&mut self, off: &[String], streams: &[&str]) {
        let unknown = off
            .iter()
            .filter(|stream| !streams.contains(&stream.as_str()));
        for stream in unknown {
            self.problems.push(format!(
                "streams_off names no stream {stream:?}; the streams are {}",
                streams.join(", ")
            ));
        }
    }

    fn rules(&mut self, domain: Option<&Domain>, credentials: Option<&Credentials>) -> Rules {
        Rules {
            drop_attributes: self.names("drop_attributes"),
            unknown_actors: self.unknown_actors(),
            names: credentials.map(name_key),
            console: domain
                .filter(|domain| !domain.is_custom)
                .and_then(|domain| admin_console(&domain.host)),
        }
    }

    /// A key's text, trimmed; `None` where it is absent, null or empty.
    fn text(&mut self, key: &str) -> Option<String> {
        match self.object.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => {
                Some(text.trim().to_owned()).filter(|text| !text.is_empty())
            }
            Some(_) => {
                self.problems.push(format!("{key} must be a string"));
                None
            }
        }
    }

    fn names(&mut self, key: &str) -> Vec<String> {
        match self.object.get(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => items
                .iter()
                .filter_map(Value::as_str)
                .map(|name| name.trim().to_owned())
                .collect(),
            Some(_) => {
                self.problems
                    .push(format!("{key} must be a list of strings"));
                Vec::new()
            }
        }
    }

    fn unknown_actors(&mut self) -> UnknownActors {
        match self.object.get("unknown_actors").map(Value::as_str) {
            None | Some(Some("emails")) => UnknownActors::Emails,
            Some(Some("keep")) => UnknownActors::Keep,
            Some(_) if self.object["unknown_actors"].is_null() => UnknownActors::Emails,
            Some(_) => {
                self.problems
                    .push("unknown_actors must be \"emails\" or \"keep\"".to_owned());
                UnknownActors::Emails
            }
        }
    }

    fn domain(&mut self) -> Option<Domain> {
        let Some(text) = self.text("domain") else {
            self.problems.push(
                "domain is required: the org's address, such as https://acme.okta.com".to_owned(),
            );
            return None;
        };
        let domain = domain(&text);
        if domain.is_none() {
            self.problems.push(format!(
                "domain must be an org's own address under {}, such as https://acme.okta.com, or its custom domain, such as https://login.acme.com, without a port, a path or a user",
                SUFFIXES.join(", ")
            ));
        }
        domain
    }

    fn credentials(&mut self) -> Option<Credentials> {
        let client_id = self.text("client_id");
        let client_secret = self.text("client_secret").map(SecretString::from);
        // A JWK may be pasted as the JSON object that it is.
        let private_key = match self.object.get("private_key") {
            Some(jwk @ Value::Object(_)) => Some(SecretString::from(jwk.to_string())),
            _ => self.text("private_key").map(SecretString::from),
        };
        let key_id = self.text("key_id");
        let token = self.text("token").map(SecretString::from);
        if key_id.is_some() && private_key.is_none() {
            self.problems
                .push("key_id belongs to a private_key, which is not there".to_owned());
        }
        match (client_id, client_secret, private_key, token) {
            (Some(client_id), Some(client_secret), None, None) => Some(Credentials::ClientSecret {
                client_id,
                client_secret,
            }),
            (Some(client_id), None, Some(private_key), None) => Some(Credentials::PrivateKey {
                client_id,
                private_key,
                key_id,
            }),
            (None, None, None, Some(token)) => Some(Credentials::Token(token)),
            _ => {
                let ways = "client_id with client_secret, client_id with private_key, or token";
                self.problems.push(format!(
                    "exactly one way to authenticate must be there: {ways}"
                ));
                None
            }
        }
    }

    fn slug(&mut self, name: &str) -> String {
        let slug = slug(name);
        if slug.is_empty() || slug.len() > 64 {
            self.problems.push(
                "integration_name must hold 1 to 64 letters a to z or digits, for it names objects in the bucket"
                    .to_owned(),
            );
        }
        slug
    }

    fn owner(&mut self) -> Option<String> {
        let owner = self.text("owner")?;
        let parts = owner.split_once('@');
        if parts.is_none_or(|(user, host)| user.is_empty() || host.is_empty() || host.contains('@'))
            || owner.contains(char::is_whitespace)
        {
            self.problems
                .push("owner must be an e-mail address".to_owned());
        }
        Some(owner)
    }
}

/// Okta's own domain suffixes. <https://developer.okta.com/docs/guides/find-your-domain/main/>
const SUFFIXES: [&str; 7] = [
    "okta.com",
    "oktapreview.com",
    "okta-emea.com",
    "okta-gov.com",
    "okta.mil",
    "okta-miltest.com",
    "trex-govcloud.com",
];

/// Where an org is to be asked.
struct Domain {
    host: String,
    /// Whether it is no address of Okta's: the org's own one has to be asked for.
    is_custom: bool,
}

fn domain(text: &str) -> Option<Domain> {
    let own = org_host(text).map(|host| Domain {
        host,
        is_custom: false,
    });
    own.or_else(|| {
        custom_host(text).map(|host| Domain {
            host,
            is_custom: true,
        })
    })
}

/// The host of an address as people write it.
fn bare(address: &str) -> String {
    let address = address.to_ascii_lowercase();
    let bare = address.strip_prefix("https://").unwrap_or(&address);
    bare.strip_suffix('/').unwrap_or(bare).to_owned()
}

/// A host that may be an org's custom domain: names of letters, digits and `-`, the last one no number (an address in
/// digits), and none of Okta's.
fn custom_host(address: &str) -> Option<String> {
    let host = bare(address);
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        let is_plain = label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len())
            && is_plain
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // `0x7f.1` and its like are addresses, too.
    let is_name =
        labels.last()?.bytes().all(|b| !b.is_ascii_digit()) || labels.last()?.starts_with("xn--");
    let is_oktas = SUFFIXES
        .iter()
        .any(|suffix| host == *suffix || host.ends_with(&format!(".{suffix}")));
    (labels.len() > 1 && host.len() <= 253 && labels.iter().all(is_label) && is_name && !is_oktas)
        .then_some(host)
}

/// The host of an org's own address, without `-admin`; `None` where it has none of Okta's suffixes.
#[must_use]
pub fn org_host(address: &str) -> Option<String> {
    let bare = bare(address);
    let (org, suffix) = bare.split_once('.')?;
    let org = org.strip_suffix("-admin").unwrap_or(org);
    let named = !org.is_empty() && org.len() <= 63 && !org.starts_with('-') && !org.ends_with('-');
    let plain = org.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (named && plain && SUFFIXES.contains(&suffix)).then(|| format!("{org}.{suffix}"))
}

/// The Admin Console of an org's own host: `acme.okta.com` → `acme-admin.okta.com`.
pub(super) fn admin_console(host: &str) -> Option<String> {
    let (org, suffix) = host.split_once('.')?;
    Some(format!("{org}-admin.{suffix}"))
}

/// The key of withheld names: another credential makes another key.
fn name_key(credentials: &Credentials) -> NameKey {
    let credential = match credentials {
        Credentials::ClientSecret { client_secret, .. } => client_secret,
        Credentials::PrivateKey { private_key, .. } => private_key,
        Credentials::Token(token) => token,
    };
    NameKey::of(credential.expose_secret())
}

fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Integration, Problems> {
        parse(
            &Content {
                version: "v1".into(),
                text: content.into(),
            },
            &["users", "factors"],
        )
    }

    #[test]
    fn a_domain_is_taken_as_people_write_it() {
        for domain in [
            "https://acme.okta.com",
            "acme.okta.com",
            "https://acme-admin.okta.com/",
            "HTTPS://Acme.Okta.com/",
            "acme-admin.okta.com",
        ] {
            assert_eq!(
                org_host(domain).as_deref(),
                Some("acme.okta.com"),
                "{domain}"
            );
        }
        assert_eq!(org_host("a-b.okta.mil").as_deref(), Some("a-b.okta.mil"));
        for domain in [
            "http://acme.okta.com",
            "okta.com",
            "login.acme.com",
            "acme.okta.com.evil.io",
            "evil.io/acme.okta.com",
            "a.b.okta.com",
            "https://u@acme.okta.com",
            "acme.okta.com/x",
            "-admin.okta.com",
            "",
            "acme.okta.com//",
        ] {
            assert_eq!(org_host(domain), None, "{domain}");
        }
    }

    #[test]
    fn another_host_is_a_custom_domain_if_it_is_a_name_and_nothing_else() {
        for (address, host) in [
            ("https://login.acme.com", "login.acme.com"),
            ("Login.Acme.com/", "login.acme.com"),
            ("id.xn--bcher-kva.example", "id.xn--bcher-kva.example"),
            ("acme.okta.com.evil.io", "acme.okta.com.evil.io"),
        ] {
            assert_eq!(custom_host(address).as_deref(), Some(host), "{address}");
            assert!(domain(address).unwrap().is_custom, "{address}");
        }
        for address in [
            "http://login.acme.com",
            "https://login.acme.com:8443",
            "https://login.acme.com/app",
            "https://u@login.acme.com",
            "https://192.0.2.7",
            "0x7f.1",
            "https://[2001:db8::1]",
            "localhost",
            "okta.com",
            "a.b.okta.com",
            "login..com",
            "-login.acme.com",
            "login.acme.com//",
            "",
        ] {
            assert!(domain(address).is_none(), "{address}");
        }
        for suffix in ["okta-miltest.com", "trex-govcloud.com"] {
            let own = domain(&format!("https://acme-admin.{suffix}")).unwrap();
            assert_eq!((own.host, own.is_custom), (format!("acme.{suffix}"), false));
        }
    }

    #[test]
    fn exactly_one_way_to_authenticate_is_accepted() {
        let read = |rest: &str| read(&format!(r#"{{"domain":"acme.okta.com",{rest}}}"#));
        assert!(matches!(
            read(r#""client_id":"a","client_secret":"b""#)
                .unwrap()
                .credentials,
            Credentials::ClientSecret { .. }
        ));
        assert!(matches!(
            read(r#""client_id":"a","private_key":"b","key_id":"k""#)
                .unwrap()
                .credentials,
            Credentials::PrivateKey { .. }
        ));
        let jwk = read(r#""client_id":"a","private_key":{"kty":"RSA"}"#)
            .unwrap()
            .credentials;
        assert!(
            matches!(jwk, Credentials::PrivateKey { private_key, .. } if private_key.expose_secret().contains("RSA"))
        );
        assert!(matches!(
            read(r#""token":"t""#).unwrap().credentials,
            Credentials::Token(_)
        ));
        for bad in [
            r#""client_id":"a""#,
            r#""client_secret":"b""#,
            r#""token":"t","client_id":"a","client_secret":"b""#,
            r#""client_id":"a","client_secret":"b","private_key":"c""#,
            r#""owner":null"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once_and_no_value_is_repeated() {
        let problems = read(r#"{"domain":"hunter2.example.com:443","client_secret":"hunter2","clientid":"hunter2","owner":"hunter2","integration_name":"---","streams_off":["rolls"],"drop_attributes":"x","unknown_actors":"hunter2"}"#).unwrap_err().problems;
        assert_eq!(problems.len(), 8, "{problems:#?}");
        assert!(!problems.join(" ").contains("hunter2"));
    }

    #[test]
    fn names_of_unknown_actors_are_kept_only_on_demand() {
        let rules = |rest: &str| {
            let text = format!(r#"{{"domain":"acme.okta.com","token":"t"{rest}}}"#);
            read(&text)
                .map(|integration| integration.rules.unknown_actors)
                .ok()
        };
        for default in [
            "",
            r#","unknown_actors":null"#,
            r#","unknown_actors":"emails""#,
        ] {
            assert_eq!(rules(default), Some(UnknownActors::Emails), "{default}");
        }
        assert_eq!(
            rules(r#","unknown_actors":"keep""#),
            Some(UnknownActors::Keep)
        );
        for bad in [
            r#","unknown_actors":"Keep""#,
            r#","unknown_actors":true"#,
            r#","unknown_actors":[]"#,
        ] {
            assert_eq!(rules(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_name_makes_the_slug() {
        assert_eq!(slug("Okta"), "okta");
        assert_eq!(slug("  Acme Corp. (EU) "), "acme-corp-eu");
        assert_eq!(slug("日本"), "");
    }

    #[test]
    fn credentials_do_not_print() {
        let integration =
            read(r#"{"domain":"acme.okta.com","client_id":"a","client_secret":"hunter2"}"#)
                .unwrap();
        assert!(!format!("{integration:?}").contains("hunter2"));
    }
}
