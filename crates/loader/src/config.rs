//! Settings: environment variables → [`Config`], every problem reported at once.

use std::fmt;

use jiff::SignedDuration;
use url::{Host, Url};

/// The variables that [`Config::read`] knows.
pub const VARIABLES: [&str; 5] = [
    "BUCKET",
    "PREFIX",
    "AUTHOMIZE_SECRET_ID",
    "AUTHOMIZE_API_URL",
    "FULL_LOAD_INTERVAL_HOURS",
];

/// The environment's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the manifests are (`BUCKET`).
    pub bucket: String,
    /// Key prefix without a slash at either end (`PREFIX`).
    pub prefix: String,
    /// Secrets Manager name or ARN of Authomize's token (`AUTHOMIZE_SECRET_ID`).
    pub secret_id: String,
    /// Origin of the API (`AUTHOMIZE_API_URL`); the secret's `base_url` wins over it.
    pub api_url: Url,
    /// How often everything is posted again (`FULL_LOAD_INTERVAL_HOURS`).
    pub full_load_interval: SignedDuration,
}

/// Every setting that is missing or wrong, each led by the variable's name.
#[derive(Debug)]
pub struct ConfigError {
    /// One sentence per problem.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the loader's settings are wrong: {}",
            self.problems.join("; ")
        )
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads settings from `lookup`; an empty value counts as unset, as CloudFormation passes an optional parameter.
    ///
    /// # Errors
    /// Names every variable that is missing or has a bad value.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name: &str| {
            lookup(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let mut problems = Vec::new();
        let mut required = |name: &str, what: &str| {
            text(name).unwrap_or_else(|| {
                problems.push(format!("{name} is required: {what}"));
                String::new()
            })
        };
        let bucket = required("BUCKET", "the name of the collector's bucket");
        let secret_id = required(
            "AUTHOMIZE_SECRET_ID",
            "name or ARN of the secret with Authomize's API token",
        );
        let prefix = text("PREFIX").unwrap_or_else(|| "okta".to_owned());
        if prefix.starts_with('/') || prefix.ends_with('/') {
            problems.push(format!(
                "PREFIX must not begin or end with a slash, as {prefix:?} does"
            ));
        }
        let url =
            text("AUTHOMIZE_API_URL").unwrap_or_else(|| "https://api.authomize.com".to_owned());
        let api_url = origin(&url)
            .map_err(|problem| problems.push(format!("AUTHOMIZE_API_URL {problem}")))
            .ok();
        let hours =
            hours(text("FULL_LOAD_INTERVAL_HOURS")).map_err(|problem| problems.push(problem));
        match (api_url, hours, problems.is_empty()) {
            (Some(api_url), Ok(hours), true) => Ok(Self {
                bucket,
                prefix,
                secret_id,
                api_url,
                full_load_interval: SignedDuration::from_hours(hours),
            }),
            _ => Err(ConfigError { problems }),
        }
    }
}

/// Hours between two full loads; `Err` has the limits.
fn hours(text: Option<String>) -> Result<i64, String> {
    let Some(text) = text else { return Ok(24) };
    let hours = text
        .parse()
        .ok()
        .filter(|hours| (1..=8_760).contains(hours));
    hours.ok_or_else(|| {
        format!("FULL_LOAD_INTERVAL_HOURS must be a whole number from 1 to 8760, not {text:?}")
    })
}

/// An API's origin: https only, plain http for loopback addresses only, since each request carries the token.
///
/// # Errors
/// The fault in words, as the end of a sentence that begins with the setting's name.
pub fn origin(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is no URL ({error})"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must be scheme, host and port alone, as in https://api.authomize.com".to_owned(),
        );
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => Err("may be plain http for loopback addresses only; use https".to_owned()),
        other => Err(format!("must be https, not {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn bucket_and_secret_are_required_and_the_rest_has_defaults() {
        let config = read(&[
            ("BUCKET", "acme"),
            ("AUTHOMIZE_SECRET_ID", "authomize"),
            ("PREFIX", ""),
        ])
        .unwrap();
        assert_eq!(
            (config.prefix.as_str(), config.api_url.as_str()),
            ("okta", "https://api.authomize.com/")
        );
        assert_eq!(config.full_load_interval, SignedDuration::from_hours(24));
    }

    #[test]
    fn every_bad_value_is_told_by_name_at_once() {
        let error = read(&[
            ("PREFIX", "/okta"),
            ("AUTHOMIZE_API_URL", "http://api.authomize.com"),
            ("FULL_LOAD_INTERVAL_HOURS", "0"),
        ])
        .unwrap_err();
        assert_eq!(error.problems.len(), 5, "{error}");
        for name in VARIABLES {
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn the_token_travels_over_tls_or_not_at_all() {
        for good in [
            "https://eu.api.authomize.com",
            "http://127.0.0.1:9",
            "http://localhost:1",
            "http://[::1]",
        ] {
            assert!(origin(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1",
            "https://x.example/v2",
            "https://u:p@x.example",
            "ftp://localhost",
            "x",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
