//! How somebody signed in: protocol, factors, kind of logon.

use crate::json::Json;

use super::endpoint::debug_text;
use super::read::{mentions, text};
use super::shape::{AuthFactor, Choice};
use super::table::longest;

/// A part of `signOnMode`, and the schema's protocol. The first that fits.
static SIGN_ON_MODES: [(&str, Choice<'static>); 5] = [
    ("saml", (5, "SAML")),
    ("openid", (4, "OpenID")),
    ("oidc", (4, "OpenID")),
    ("basic", (11, "Basic Authentication")),
    ("fed", (99, "WS-Federation")),
];

/// Start of an event type, and the schema's protocol.
static PROTOCOLS: [(&str, Choice<'static>); 12] = [
    ("app.kerberos_rich_client", (2, "Kerberos")),
    ("app.oauth2", (6, "OAUTH 2.0")),
    ("app.oauth2.signon", (4, "OpenID")),
    ("pam.server.ssh_login", (99, "SSH")),
    ("system.iwa_agentless", (2, "Kerberos")),
    ("system.ldapi", (12, "LDAP")),
    ("user.authentication.auth_via_LDAP_agent", (12, "LDAP")),
    ("user.authentication.auth_via_inbound_SAML", (5, "SAML")),
    ("user.authentication.auth_via_iwa", (2, "Kerberos")),
    ("user.authentication.auth_via_radius", (10, "RADIUS")),
    ("user.authentication.auth_via_richclient", (99, "WS-Trust")),
    ("user.authentication.auth_via_social", (6, "OAUTH 2.0")),
];

/// A part of a factor's name or key, and the schema's type. The first that fits.
static FACTORS: [(&str, Choice<'static>); 21] = [
    ("push", (5, "Push Notification")),
    ("webauthn", (10, "WebAuthn")),
    ("security key", (10, "WebAuthn")),
    ("passkey", (10, "WebAuthn")),
    ("u2f", (9, "U2F")),
    ("yubikey", (6, "Hardware Token")),
    ("rsa", (6, "Hardware Token")),
    ("symantec", (6, "Hardware Token")),
    ("hardware", (6, "Hardware Token")),
    ("sms", (1, "SMS")),
    ("call", (3, "Phone Call")),
    ("voice", (3, "Phone Call")),
    ("email", (8, "Email")),
    ("question", (2, "Security Question")),
    ("password", (11, "Password")),
    ("soft_token", (7, "OTP")),
    ("otp", (7, "OTP")),
    ("google", (7, "OTP")),
    ("token:software", (7, "OTP")),
    ("biometric", (4, "Biometric")),
    ("fingerprint", (4, "Biometric")),
];
const PASSWORD: u32 = 11;

/// Event types that are the proof of a further factor, unless that factor is the password.
const SECOND_FACTOR_EVENTS: [&str; 2] =
    ["user.authentication.auth_via_mfa", "user.mfa.okta_verify"];

/// `transaction.type`, and the schema's type of logon. Nobody sits at Okta's console: what a
/// person does comes over the network.
static LOGON_TYPES: [(&str, Choice<'static>); 2] = [("WEB", (3, "Network")), ("JOB", (4, "Batch"))];

/// How somebody signed in, as far as the event says.
#[derive(Debug, Default)]
pub(super) struct SignOn<'a> {
    pub protocol: Option<Choice<'a>>,
    pub logon_type: Option<Choice<'static>>,
    pub is_mfa: Option<bool>,
    pub is_remote: Option<bool>,
}

pub(super) fn sign_on<'a>(
    event: &'a Json<'a>,
    event_type: Option<&str>,
    factor: Option<&AuthFactor<'_>>,
) -> SignOn<'a> {
    let logon_type = text(event, &["transaction", "type"])
        .and_then(|transaction| LOGON_TYPES.iter().find(|(name, _)| *name == transaction))
        .map(|(_, choice)| *choice);
    SignOn {
        protocol: protocol(event, event_type),
        logon_type,
        is_mfa: is_mfa(event, event_type, factor),
        is_remote: logon_type
            .is_some_and(|(id, _)| id == LOGON_TYPES[0].1.0)
            .then_some(true),
    }
}

fn protocol<'a>(event: &'a Json<'a>, event_type: Option<&str>) -> Option<Choice<'a>> {
    let by_mode =
        debug_text(event, "signOnMode").and_then(|mode| first_mention(&SIGN_ON_MODES, mode));
    let named = |prefix: &str| {
        PROTOCOLS
            .iter()
            .find(|(start, _)| *start == prefix)
            .map(|(_, choice)| *choice)
    };
    by_mode.or_else(|| longest(event_type?, named))
}

fn is_mfa(
    event: &Json<'_>,
    event_type: Option<&str>,
    factor: Option<&AuthFactor<'_>>,
) -> Option<bool> {
    if debug_text(event, "authMethodSecondType").is_some() {
        return Some(true);
    }
    let proves = |prefix: &str| SECOND_FACTOR_EVENTS.contains(&prefix).then_some(());
    longest(event_type?, proves)
        .map(|()| factor.is_none_or(|factor| factor.factor_type_id != PASSWORD))
}

/// The factor that the event names: in its debug data, by an authenticator among its targets, or
/// as its credential's type.
pub(super) fn factor<'a>(
    event: &'a Json<'a>,
    authenticator: Option<&'a str>,
) -> Option<AuthFactor<'a>> {
    let word = debug_text(event, "factor")
        .or(authenticator)
        .or_else(|| text(event, &["authenticationContext", "credentialType"]))?;
    let (factor_type_id, factor_type) = first_mention(&FACTORS, word).unwrap_or((99, word));
    let provider = text(event, &["authenticationContext", "credentialProvider"]);
    Some(AuthFactor {
        factor_type_id,
        factor_type,
        provider,
    })
}

fn first_mention(table: &[(&str, Choice<'static>)], word: &str) -> Option<Choice<'static>> {
    table
        .iter()
        .find(|(part, _)| mentions(word, part))
        .map(|(_, choice)| *choice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_password_is_no_second_factor() {
        let mfa = |factor: &str| {
            let event = json!({"debugContext": {"debugData": {"factor": factor}}});
            is_mfa(
                &Json::from(&event),
                Some("user.authentication.auth_via_mfa"),
                super::factor(&Json::from(&event), None).as_ref(),
            )
        };
        assert_eq!(
            (mfa("PASSWORD_AS_FACTOR"), mfa("OKTA_VERIFY_PUSH"), mfa("")),
            (Some(false), Some(true), Some(true))
        );
        assert_eq!(
            is_mfa(&Json::from(&json!({})), Some("user.session.start"), None),
            None
        );
    }

    #[test]
    fn the_sign_on_mode_says_more_than_the_event_type() {
        let event = json!({"debugContext": {"debugData": {"signOnMode": "SAML 2.0"}}});
        assert_eq!(
            protocol(&Json::from(&event), Some("app.oauth2.signon")).map(|(id, _)| id),
            Some(5)
        );
        assert_eq!(
            protocol(&Json::from(&json!({})), Some("app.oauth2.signon")).map(|(id, _)| id),
            Some(4)
        );
        assert_eq!(
            protocol(&Json::from(&json!({})), Some("app.oauth2.as.token.grant")).map(|(id, _)| id),
            Some(6)
        );
        assert_eq!(
            protocol(&Json::from(&json!({})), Some("user.session.start")),
            None
        );
    }

    #[test]
    fn a_factor_has_the_type_of_its_name() {
        let names = [
            "SMS_FACTOR",
            "OKTA_VERIFY_PUSH",
            "Security Key or Biometric",
            "OKTA_SOFT_TOKEN",
            "SIGNED_NONCE",
        ];
        let empty = json!({});
        assert_eq!(
            names.map(|name| factor(&Json::from(&empty), Some(name))
                .unwrap()
                .factor_type_id),
            [1, 5, 10, 7, 99]
        );
    }
}
