//! Answers: status, headers and body → one meaning, with a remedy where somebody has to act. Nothing else looks at a
//! status.
//! <https://developer.okta.com/docs/reference/error-codes/>

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

use super::Error;
use super::announced::{Announced, LONGEST_WAIT, date};
use super::asked::Asked;
use super::refusal::{Challenge, Refusal};
use super::remedy::{self, Way};
use crate::body::Body;

/// An answer as it came, with any status.
#[derive(Debug)]
pub(super) struct Raw {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Body,
    /// When its head arrived, by the function's clock.
    pub received_at: Timestamp,
}

/// No usable answer, or Okta's own trouble.
#[derive(Debug)]
pub(super) struct AnswerTrouble {
    pub text: String,
    pub size: Size,
}

/// Whether a smaller page may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// It does not matter.
    Indifferent,
    /// It may be the cause, if the trouble comes again.
    Suspect,
    /// It is the cause.
    TooMuch,
    /// It probably is the cause: no answer came in time. Each try costs a minute.
    Slow,
}

/// The meaning of an answer to a GET.
#[derive(Debug)]
pub(super) enum Meaning {
    /// A page.
    Page,
    /// This error: asking again would change nothing.
    Final(Error),
    /// This error, if it is still there the second time: such answers have passed by themselves.
    Doubtful(Error),
    /// This error, if a new token does not help.
    NewToken(Error),
    /// This error, if a new proof (nonce, clock) does not help, and then a new token.
    NewProof(Error),
    /// This error, if leaving out decoration does not help.
    Undecorated(Error),
    /// This error, if a smaller page does not help: Okta names the page size.
    LargePage(Error),
    /// Worth several more attempts.
    Trouble(AnswerTrouble),
}

/// The meaning of an answer of the token endpoint.
#[derive(Debug)]
pub(super) enum Grant {
    /// A token.
    Token,
    /// A proof is wanted, or another one.
    NewProof(Error),
    /// This error, unless the clocks differ.
    Clock(Error),
    /// This error: none of the scopes is granted, and all are known.
    Nothing(Error),
    /// One of the scopes is unknown.
    UnknownScope(Error),
    /// This error.
    Final(Error),
    /// This error, if it is still there the second time.
    Doubtful(Error),
    /// Worth several more attempts.
    Trouble(AnswerTrouble),
}

/// How long Okta keeps a client waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slowed {
    /// The rate limit is used up until then.
    Until(Timestamp),
    /// Too many at once, or a 429 that does not say for how long, or gives an impossible wait.
    Crowded,
}

/// Whether an answer shows that the request was taken without objection.
pub(super) fn is_taken(status: u16) -> bool {
    status == 200
}

/// Whether an answer is a 429, and for how long. More than [`LONGEST_WAIT`] is taken for a mistake.
pub(super) fn slowed(
    status: u16,
    announced: Option<Announced>,
    retry_after: Option<SignedDuration>,
    now: Timestamp,
) -> Option<Slowed> {
    if status != 429 {
        return None;
    }
    let told = announced
        .map(|announced| announced.resets_in)
        .or(retry_after);
    Some(match told.filter(|wait| *wait <= LONGEST_WAIT) {
        Some(wait) => Slowed::Until(now + wait.max(SignedDuration::from_secs(1))),
        None => Slowed::Crowded,
    })
}

impl Raw {
    /// How far the org's clock is ahead of the function's, to about a second; `None` where the answer has no `Date`.
    pub(super) fn clock_ahead(&self) -> Option<SignedDuration> {
        Some(date(&self.headers)?.duration_since(self.received_at))
    }

    /// The newest `DPoP-Nonce`. <https://www.rfc-editor.org/rfc/rfc9449#section-8.2>
    pub(super) fn nonce(&self) -> Option<String> {
        self.header("dpop-nonce").map(str::to_owned)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Trouble of Okta's own, usually transient.
    fn trouble(&self, refusal: &Refusal) -> Option<AnswerTrouble> {
        let text = || format!("HTTP {}{}", self.status, refusal.told());
        match self.status {
            200 if self.body.is_json() => None,
            200 => Some(AnswerTrouble {
                text: "the answer is not JSON".to_owned(),
                size: Size::Suspect,
            }),
            // A query that takes too long ends with E0000009.
            500 | 504 => Some(AnswerTrouble {
                text: text(),
                size: Size::Suspect,
            }),
            408 | 425 | 501.. => Some(AnswerTrouble {
                text: text(),
                size: Size::Indifferent,
            }),
            _ => None,
        }
    }

    /// Where a redirect leads, in words.
    fn moved(&self, host: &str) -> Option<String> {
        let location = self
            .header("location")
            .filter(|_| (300..400).contains(&self.status))?;
        remedy::moved(location, host)
    }
}

/// The meaning of the answer to `asked` for a function that signs in by `way`.
pub(super) fn meaning(raw: &Raw, asked: &Asked, way: Way, host: &str) -> Meaning {
    if raw.status == 200 && raw.body.is_json() {
        return Meaning::Page;
    }
    let refusal = Refusal::read(&raw.body);
    if let Some(trouble) = raw.trouble(&refusal) {
        return Meaning::Trouble(trouble);
    }
    let challenge = Challenge::read(&raw.headers);
    let said = format!(
        "GET {}: HTTP {}{}{}",
        asked.path(),
        raw.status,
        refusal.told(),
        challenge.told()
    );
    if refusal.code == "E0000015" {
        return Meaning::Final(Error::NotApplicable(format!(
            "the org does not have this feature ({said})"
        )));
    }
    if challenge.is_about_proof() || refusal.is_about_proof() {
        let text =
            format!("Okta does not accept the function's DPoP proofs: check its clock ({said})");
        return Meaning::NewProof(Error::Failed(text));
    }
    match raw.status {
        300..400 => {
            let text = raw.moved(host).unwrap_or_else(|| {
                "Okta answers with a redirect, which is not followed".to_owned()
            });
            Meaning::Final(Error::Failed(format!("{text} ({said})")))
        }
        400 | 406 | 415 => malformed(&refusal, asked, said),
        401 => {
            let text = format!(
                "Okta does not accept the access: {} ({said})",
                remedy::access(way)
            );
            Meaning::NewToken(Error::Rejected(text))
        }
        403 => forbidden(&refusal, &challenge, asked, way, said),
        404 if matches!(refusal.code.as_str(), "E0000007" | "E0000008") => {
            Meaning::Final(Error::Gone)
        }
        404 => Meaning::Doubtful(Error::Failed(format!(
            "the answer is not Okta's own word for an absence ({said})"
        ))),
        _ => Meaning::Doubtful(Error::Failed(said)),
    }
}

/// Whether an answer shows that the credentials are good, also if it refuses.
pub(super) fn takes_access(raw: &Raw, asked: &Asked, way: Way) -> bool {
    match meaning(raw, asked, way, "") {
        Meaning::Page | Meaning::Undecorated(_) | Meaning::LargePage(_) => true,
        Meaning::Final(error) | Meaning::Doubtful(error) => !matches!(error, Error::Failed(_)),
        Meaning::NewToken(_) | Meaning::NewProof(_) | Meaning::Trouble(_) => false,
    }
}

fn malformed(refusal: &Refusal, asked: &Asked, said: String) -> Meaning {
    match refusal.code.as_str() {
        _ if asked.limit().is_some() && refusal.is_about_limit() => {
            Meaning::LargePage(Error::Refused(said))
        }
        // Seen for a position that Okta has forgotten; E0000053 if its time is before the System Log's memory.
        "E0000029" | "E0000031" | "E0000053" if asked.is_continued() => {
            Meaning::Doubtful(Error::Expired)
        }
        _ if asked.is_continued() && refusal.is_about_position() => {
            Meaning::Doubtful(Error::Expired)
        }
        _ if asked.is_decorated() => Meaning::Undecorated(Error::Refused(said)),
        _ => Meaning::Final(Error::Refused(said)),
    }
}

fn forbidden(
    refusal: &Refusal,
    challenge: &Challenge,
    asked: &Asked,
    way: Way,
    said: String,
) -> Meaning {
    if let Some(scope) = challenge.missing_scope() {
        return Meaning::Final(Error::Unavailable(format!(
            "{} ({said})",
            remedy::scope(way, scope)
        )));
    }
    if refusal.is_about_zones() || challenge.is_about_zones() {
        return Meaning::Final(Error::Unavailable(format!(
            "{} ({said})",
            remedy::zones(way)
        )));
    }
    match refusal.code.as_str() {
        // No absence: the object is there, and Okta does not say what hangs on it.
        "E0000038" => Meaning::Final(Error::Unavailable(format!(
            "Okta does not allow this in the object's present state; it is asked again later ({said})"
        ))),
        "E0000005" => Meaning::NewToken(Error::Failed(format!(
            "Okta does not accept the session ({said})"
        ))),
        "" => Meaning::Doubtful(Error::Failed(format!(
            "the answer is not Okta's own refusal ({said})"
        ))),
        _ => {
            let error = Error::Unavailable(format!("{} ({said})", remedy::role(way, asked.path())));
            // Okta gave the page before this one, so it probably allows this one, too.
            if asked.is_continued() {
                Meaning::Doubtful(error)
            } else {
                Meaning::Final(error)
            }
        }
    }
}

/// The meaning of an answer of the token endpoint at `host` for a function that signs in by `way`.
pub(super) fn grant(raw: &Raw, way: Way, host: &str) -> Grant {
    if raw.status == 200 && raw.body.is_json() {
        return Grant::Token;
    }
    let refusal = Refusal::read(&raw.body);
    if let Some(trouble) = raw.trouble(&refusal) {
        return Grant::Trouble(trouble);
    }
    let rejected = |what: &str| {
        Error::Rejected(format!(
            "Okta grants no access token (HTTP {}{}): {what}",
            raw.status,
            refusal.told()
        ))
    };
    if refusal.is_about_proof() {
        return Grant::NewProof(rejected(
            "it does not accept the function's DPoP proofs: check its clock",
        ));
    }
    if refusal.is_about_zones() {
        return Grant::Final(rejected(&remedy::zones(way)));
    }
    match refusal.error.as_str() {
        "invalid_client" => Grant::Clock(rejected(remedy::client(way))),
        "consent_required" | "access_denied" => Grant::Nothing(rejected(remedy::scopes(way))),
        "invalid_scope" => Grant::UnknownScope(rejected(
            "the org knows none of the scopes that were asked for",
        )),
        "" if refusal.code.is_empty() => match raw.moved(host) {
            Some(moved) => Grant::Final(rejected(&moved)),
            None => Grant::Doubtful(rejected(&format!(
                "there is no Okta token endpoint at {host}: check the secret's domain"
            ))),
        },
        _ => Grant::Final(rejected("see Okta's description")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderName;

    const PATH: &str = "/api/v1/groups?limit=200";
    const CONTINUED: &str = "/api/v1/groups?after=secret&limit=200";

    fn raw(status: u16, headers: &[(&str, &str)], body: &str) -> Raw {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        let received_at = "2026-11-23T18:00:00Z".parse().unwrap();
        Raw {
            status,
            headers: map,
            body: body.to_owned().into(),
            received_at,
        }
    }

    /// The meaning as its name and its error's.
    fn read(target: &str, answer: &Raw) -> String {
        let text = format!(
            "{:?}",
            meaning(answer, &Asked::new(target, ""), Way::App, "acme.okta.com")
        );
        assert!(!text.contains("secret"), "{text}");
        text.split('"')
            .next()
            .unwrap()
            .trim_end_matches(['(', ')'])
            .replace('(', " ")
    }

    fn code(code: &str) -> String {
        format!(r#"{{"errorCode":"{code}","errorSummary":"x"}}"#)
    }

    fn assert_meanings(cases: &[(&str, u16, &str, &str)]) {
        for (target, status, body, expected) in cases {
            assert_eq!(
                read(target, &raw(*status, &[], body)),
                *expected,
                "{target} {status} {body}"
            );
        }
    }

    #[test]
    fn a_status_and_its_code_have_one_meaning() {
        assert_meanings(&[
            (PATH, 200, "[]", "Page"),
            (PATH, 200, "<html>", "Trouble AnswerTrouble { text: "),
            (PATH, 404, &code("E0000007"), "Final Gone"),
            (PATH, 404, &code("E0000008"), "Final Gone"),
            (PATH, 404, r#"{"status":404}"#, "Doubtful Failed"),
            (PATH, 404, "", "Doubtful Failed"),
            (PATH, 404, "<html>", "Doubtful Failed"),
            (PATH, 403, &code("E0000038"), "Final Unavailable"),
            (PATH, 403, &code("E0000005"), "NewToken Failed"),
            (PATH, 403, &code("E0000006"), "Final Unavailable"),
            (PATH, 403, "<html>", "Doubtful Failed"),
            (PATH, 401, &code("E0000011"), "NewToken Rejected"),
            (PATH, 401, &code("E0000015"), "Final NotApplicable"),
            (PATH, 403, &code("E0000015"), "Final NotApplicable"),
            (PATH, 400, &code("E0000031"), "Final Refused"),
            (PATH, 423, &code("E0000239"), "Doubtful Failed"),
            (
                PATH,
                503,
                &code("E0000010"),
                "Trouble AnswerTrouble { text: ",
            ),
        ]);
    }

    #[test]
    fn a_refused_query_tells_which_part_of_it_okta_does_not_take() {
        let limit = r#"{"errorCode":"E0000001","errorCauses":[{"errorSummary":"limit: must be less than or equal to 20"}]}"#;
        let after = r#"{"errorCode":"E0000001","errorCauses":[{"errorSummary":"after: invalid"}]}"#;
        let of_one = r#"{"errorCode":"E0000001","errorSummary":"Api validation failed: limit"}"#;
        let (factors, stats) = ("/api/v1/users/00u1/factors", "/api/v1/groups?expand=stats");
        assert_meanings(&[
            (PATH, 400, limit, "LargePage Refused"),
            (factors, 400, of_one, "Final Refused"),
            (stats, 400, &code("E0000001"), "Undecorated Refused"),
            (CONTINUED, 403, &code("E0000006"), "Doubtful Unavailable"),
            (CONTINUED, 400, &code("E0000031"), "Doubtful Expired"),
            (CONTINUED, 400, &code("E0000029"), "Doubtful Expired"),
            (CONTINUED, 400, &code("E0000001"), "Final Refused"),
            (CONTINUED, 400, after, "Doubtful Expired"),
            (CONTINUED, 400, "", "Final Refused"),
        ]);
    }

    #[test]
    fn only_trouble_of_a_size_makes_pages_smaller() {
        let size =
            |status| match meaning(&raw(status, &[], ""), &Asked::new(PATH, ""), Way::App, "") {
                Meaning::Trouble(trouble) => trouble.size,
                other => panic!("{status}: {other:?}"),
            };
        assert_eq!([500, 504].map(size), [Size::Suspect; 2]);
        assert_eq!([408, 502, 503, 599].map(size), [Size::Indifferent; 4]);
    }

    #[test]
    fn a_challenge_says_more_than_its_status() {
        let scope = r#"Bearer error="insufficient_scope", scope="okta.groups.read""#;
        for (status, challenge, expected) in [
            (
                400,
                r#"DPoP algs="ES256", error="invalid_dpop_proof""#,
                "NewProof Failed",
            ),
            (401, r#"DPoP error="use_dpop_nonce""#, "NewProof Failed"),
            (401, r#"Bearer error="invalid_token""#, "NewToken Rejected"),
            (403, scope, "Final Unavailable"),
        ] {
            assert_eq!(
                read(
                    CONTINUED,
                    &raw(status, &[("www-authenticate", challenge)], "")
                ),
                expected,
                "{challenge}"
            );
        }
    }

    #[test]
    fn a_remedy_fits_the_way_in_which_one_signs_in() {
        let told = |way, target: &str, answer: &Raw| {
            format!(
                "{:?}",
                meaning(answer, &Asked::new(target, ""), way, "acme.okta.com")
            )
        };
        let scope = raw(
            403,
            &[(
                "www-authenticate",
                r#"Bearer error="insufficient_scope", scope="okta.groups.read""#,
            )],
            "",
        );
        assert!(
            told(Way::App, PATH, &scope)
                .contains("okta.groups.read is not granted: grant it to the app")
        );
        assert!(told(Way::Integration, PATH, &scope).contains("install it again"));
        let role = raw(403, &[], &code("E0000006"));
        assert!(told(Way::Token, PATH, &role).contains("the API token's owner"));
        for path in [
            "/api/v1/iam/roles",
            "/api/v1/users/00u1/roles",
            "/oauth2/v1/clients/0oa1/roles",
        ] {
            assert!(
                told(Way::App, path, &role)
                    .contains("beside Read-only Administrator, a custom admin role"),
                "{path}"
            );
        }
        let zone = r#"{"error":"access_denied","error_description":"The request is made from outside the client's permitted network zones."}"#;
        assert!(told(Way::App, PATH, &raw(403, &[], zone)).contains("network zones of the app"));
        let moved = raw(
            301,
            &[("location", "https://new.okta.com/api/v1/groups")],
            "",
        );
        assert!(told(Way::App, PATH, &moved).contains("answers at new.okta.com now"));
    }

    fn told_of_grant(way: Way, answer: &Raw) -> String {
        format!("{:?}", grant(answer, way, "acme.okta.com"))
    }

    fn oauth(status: u16, error: &str, why: &str) -> Raw {
        let body = format!(r#"{{"error":"{error}","error_description":"{why}"}}"#);
        raw(status, &[], &body)
    }

    fn assert_grants(cases: &[(Raw, &str, &str)]) {
        for (answer, kind, word) in cases {
            let told = told_of_grant(Way::App, answer);
            assert!(
                told.starts_with(kind) && told.contains(word),
                "{kind} {word}: {told}"
            );
        }
    }

    #[test]
    fn the_token_endpoint_says_why_it_grants_nothing() {
        let (scopes, zone) = (
            "Okta API Scopes",
            "outside the client's permitted network zones",
        );
        assert_grants(&[
            (oauth(401, "invalid_client", "x"), "Clock", "private_key"),
            (oauth(400, "invalid_scope", "x"), "UnknownScope", "scopes"),
            (oauth(400, "consent_required", "x"), "Nothing", scopes),
            (oauth(403, "access_denied", zone), "Final", "network zones"),
            (oauth(400, "use_dpop_nonce", "x"), "NewProof", "proofs"),
            (raw(403, &[], &code("E0000006")), "Final", "E0000006"),
        ]);
        let refused = oauth(400, "consent_required", "x");
        assert!(told_of_grant(Way::Integration, &refused).contains("install it again"));
    }

    #[test]
    fn another_server_in_place_of_the_token_endpoint_is_told_by_its_name() {
        let moved = ("location", "https://new.okta.com/oauth2/v1/token");
        let no_endpoint = "no Okta token endpoint at acme.okta.com";
        let domain = "check the secret's domain";
        assert_grants(&[
            (raw(301, &[moved], ""), "Final", "new.okta.com"),
            (
                raw(302, &[("location", "/login")], ""),
                "Doubtful",
                no_endpoint,
            ),
            (raw(404, &[], "<html>"), "Doubtful", domain),
        ]);
    }

    #[test]
    fn a_wait_that_is_too_long_is_a_mistake() {
        let now: Timestamp = "2026-11-23T18:00:00Z".parse().unwrap();
        let wait = |seconds| Some(SignedDuration::from_secs(seconds));
        assert_eq!(slowed(200, None, wait(5), now), None);
        assert_eq!(slowed(429, None, None, now), Some(Slowed::Crowded));
        assert_eq!(
            slowed(429, None, wait(5), now),
            Some(Slowed::Until(now + SignedDuration::from_secs(5)))
        );
        assert_eq!(
            slowed(429, None, wait(-5), now),
            Some(Slowed::Until(now + SignedDuration::from_secs(1)))
        );
        assert_eq!(slowed(429, None, wait(601), now), Some(Slowed::Crowded));
        let announced = |resets_in| Announced {
            limit: 1,
            remaining: 0,
            reset: now,
            resets_in,
        };
        assert_eq!(
            slowed(
                429,
                Some(announced(SignedDuration::from_hours(24))),
                None,
                now
            ),
            Some(Slowed::Crowded)
        );
    }
}
