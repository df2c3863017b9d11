//! Settings of the function: environment variables → [`Config`], every problem told at once.

use std::fmt;
use std::net::IpAddr;

use jiff::SignedDuration;
use url::{Host, Url};

use crate::metrics::Dimensions;

/// Settings of the function, as the environment has them (see `docs/configuration.md`).
#[derive(Debug, Clone)]
pub struct Config {
    /// Output bucket (`BUCKET`).
    pub bucket: String,
    /// Key prefix without a slash at either end (`PREFIX`).
    pub prefix: String,
    /// Secret to use where the event names none (`SECRET_ID`).
    pub secret_id: Option<String>,
    /// Percent of each Okta rate-limit bucket that a run may use (`RATE_LIMIT_SHARE`).
    pub rate_limit_share_percent: u32,
    /// How often a full snapshot of every entity stream starts (`FULL_SYNC_INTERVAL_HOURS`).
    pub full_sync_interval: SignedDuration,
    /// How often every user's factors are read again (`FACTORS_INTERVAL_HOURS`).
    pub factors_interval: SignedDuration,
    /// How far back the first run reads the System Log (`LOG_LOOKBACK_DAYS`).
    pub log_lookback: SignedDuration,
    /// Longest time of work that a crash may cost (`CHECKPOINT_INTERVAL_SECONDS`).
    pub checkpoint_interval: SignedDuration,
    /// The stack whose metrics every run adds to, and how fine they are (`STACK_NAME`, `METRICS_BY`); `None` for no metrics.
    pub metrics: Option<Dimensions>,
    /// Where to connect instead of the org's domain (`OKTA_ENDPOINT_URL`).
    pub okta_endpoint: Option<Url>,
}

/// Every setting that is missing or wrong, each line led by the variable's name.
#[derive(Debug)]
pub struct ConfigError {
    /// One sentence per problem.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the function's settings are wrong: {}",
            self.problems.join("; ")
        )
    }
}

impl std::error::Error for ConfigError {}

/// The variables that [`Config::read`] knows, for the tests of the template and the documents.
pub const VARIABLES: [&str; 11] = [
    "BUCKET",
    "PREFIX",
    "SECRET_ID",
    "RATE_LIMIT_SHARE",
    "FULL_SYNC_INTERVAL_HOURS",
    "FACTORS_INTERVAL_HOURS",
    "LOG_LOOKBACK_DAYS",
    "CHECKPOINT_INTERVAL_SECONDS",
    "STACK_NAME",
    "METRICS_BY",
    "OKTA_ENDPOINT_URL",
];

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// Names every variable that is missing or has a bad value.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads settings from `lookup`; an empty value counts as unset (that is how
    /// CloudFormation passes an optional parameter).
    ///
    /// # Errors
    /// Names every variable that is missing or has a bad value.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut from = Reading {
            lookup,
            problems: Vec::new(),
        };
        let config = Self {
            bucket: from.bucket(),
            prefix: from.prefix(),
            secret_id: from.text("SECRET_ID"),
            rate_limit_share_percent: u32::try_from(from.whole("RATE_LIMIT_SHARE", 50, 1, 100))
                .unwrap_or(50),
            full_sync_interval: SignedDuration::from_hours(from.whole(
                "FULL_SYNC_INTERVAL_HOURS",
                24,
                1,
                8_760,
            )),
            factors_interval: SignedDuration::from_hours(from.whole(
                "FACTORS_INTERVAL_HOURS",
                168,
                1,
                8_760,
            )),
            log_lookback: SignedDuration::from_hours(
                24 * from.whole("LOG_LOOKBACK_DAYS", 30, 1, 90),
            ),
            checkpoint_interval: SignedDuration::from_secs(from.whole(
                "CHECKPOINT_INTERVAL_SECONDS",
                60,
                1,
                900,
            )),
            metrics: from.metrics(),
            okta_endpoint: from.endpoint(),
        };
        match from.problems.is_empty() {
            true => Ok(config),
            false => Err(ConfigError {
                problems: from.problems,
            }),
        }
    }
}

/// The log level that the function's configuration asks for, as Lambda passes it on: `INFO` unless set.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
#[must_use]
pub fn log_level() -> String {
    std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "INFO".to_owned())
}

struct Reading<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reading<L> {
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn problem(&mut self, name: &str, what: impl fmt::Display) {
        self.problems.push(format!("{name} {what}"));
    }

    fn whole(&mut self, name: &str, default: i64, least: i64, most: i64) -> i64 {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse::<i64>() {
            Ok(value) if (least..=most).contains(&value) => value,
            _ => {
                self.problem(
                    name,
                    format_args!("must be a whole number from {least} to {most}, not {text:?}"),
                );
                default
            }
        }
    }

    fn bucket(&mut self) -> String {
        let Some(bucket) = self.text("BUCKET") else {
            self.problem("BUCKET", "is required: the name of the output bucket");
            return String::new();
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_name = (3..=63).contains(&bucket.len()) && bucket.chars().all(plain);
        if !is_name && !bucket.starts_with("arn:") {
            self.problem(
                "BUCKET",
                format_args!("must be a bucket's name or an access point's ARN, not {bucket:?}"),
            );
        }
        bucket
    }

    fn metrics(&mut self) -> Option<Dimensions> {
        let per_integration = match self.text("METRICS_BY").as_deref() {
            None | Some("integration") => true,
            Some("stack") => false,
            Some(other) => {
                self.problem(
                    "METRICS_BY",
                    format_args!("must be stack or integration, not {other:?}"),
                );
                true
            }
        };
        let stack = self.text("STACK_NAME")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if stack.len() > 128 || !stack.chars().all(plain) {
            self.problem(
                "STACK_NAME",
                format_args!("must be at most 128 letters, digits and -, not {stack:?}"),
            );
        }
        Some(Dimensions {
            stack,
            per_integration,
        })
    }

    fn prefix(&mut self) -> String {
        let Some(prefix) = self.text("PREFIX") else {
            return "okta".to_owned();
        };
        let safe = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()/=".contains(c);
        if prefix.starts_with('/') || prefix.ends_with('/') {
            self.problem(
                "PREFIX",
                format_args!("must not begin or end with a slash, as {prefix:?} does"),
            );
        } else if prefix.contains("//") || prefix.len() > 512 || !prefix.chars().all(safe) {
            let rule =
                "must be at most 512 letters, digits and !-_.*'()= in parts with one slash between";
            self.problem("PREFIX", format_args!("{rule}, not {prefix:?}"));
        }
        prefix
    }

    fn endpoint(&mut self) -> Option<Url> {
        let name = "OKTA_ENDPOINT_URL";
        let text = self.text(name)?;
        match parse_endpoint(&text) {
            Ok(url) => Some(url),
            Err(problem) => {
                self.problem(name, problem);
                None
            }
        }
    }
}

fn parse_endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is no URL ({error})"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(
            "must be scheme, host and port alone, as in https://proxy.example.com:8443".to_owned(),
        );
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err("may be plain http for loopback addresses only; use https".to_owned()),
        other => Err(format!("must be https, not {other}")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Config::read(move |name| {
            pairs
                .iter()
                .find(|(k, _)| k == name)
                .map(|(_, v)| v.clone())
        })
    }

    #[test]
    fn only_the_bucket_is_required() {
        let config = read(&[("BUCKET", "acme-okta")]).unwrap();
        assert_eq!(config.prefix, "okta");
        assert_eq!(config.rate_limit_share_percent, 50);
        assert_eq!(config.full_sync_interval, SignedDuration::from_hours(24));
        assert_eq!(config.factors_interval, SignedDuration::from_hours(168));
        assert_eq!(config.log_lookback, SignedDuration::from_hours(720));
        assert_eq!(config.checkpoint_interval, SignedDuration::from_secs(60));
        assert!(config.secret_id.is_none() && config.okta_endpoint.is_none());
    }

    #[test]
    fn every_bad_value_is_told_by_name_at_once() {
        let error = read(&[
            ("PREFIX", "/okta/"),
            ("RATE_LIMIT_SHARE", "0"),
            ("FULL_SYNC_INTERVAL_HOURS", "daily"),
            ("FACTORS_INTERVAL_HOURS", "-1"),
            ("LOG_LOOKBACK_DAYS", "91"),
            ("CHECKPOINT_INTERVAL_SECONDS", "0"),
            ("STACK_NAME", "acme okta"),
            ("METRICS_BY", "org"),
            ("OKTA_ENDPOINT_URL", "http://okta.example.com"),
        ])
        .unwrap_err();
        assert_eq!(error.problems.len(), 10, "{error}");
        for name in VARIABLES.iter().filter(|name| **name != "SECRET_ID") {
            assert!(
                error.to_string().contains(name),
                "{name} is not named in: {error}"
            );
        }
    }

    #[test]
    fn an_empty_value_is_an_unset_one() {
        let config = read(&[
            ("BUCKET", "acme-okta"),
            ("SECRET_ID", ""),
            ("RATE_LIMIT_SHARE", " "),
        ])
        .unwrap();
        assert!(config.secret_id.is_none());
        assert_eq!(config.rate_limit_share_percent, 50);
    }

    #[test]
    fn plain_http_reaches_loopback_only() {
        for good in [
            "http://127.0.0.1:9000",
            "http://localhost:1",
            "http://[::1]:80/",
            "https://proxy.example.com",
        ] {
            assert!(parse_endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "ftp://localhost",
            "https://u:p@x.example",
            "https://x.example/a",
            "x",
        ] {
            assert!(parse_endpoint(bad).is_err(), "{bad}");
        }
    }
}
