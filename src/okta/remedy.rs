//! Remedies: the words that tell a reader where in Okta to put something right. They depend on how one signs in.
//! <https://developer.okta.com/docs/guides/build-api-integration/main/>
//! <https://developer.okta.com/docs/concepts/role-assignment/>

/// How the function signs in to an org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Client secret: an API service integration. Its scopes are fixed at its installation.
    Integration,
    /// Private key: an API Services app.
    App,
    /// API token.
    Token,
}

/// A scope that is missing, such as `okta.groups.read`.
pub(super) fn scope(way: Way, scope: &str) -> String {
    let remedy = match way {
        Way::Integration => {
            "remove the integration in Okta (Applications and Resources, API Service Integrations) and install it again: its scopes are approved at its installation"
        }
        Way::App => {
            "grant it to the app in Okta (Applications, the app, Okta API Scopes); a super administrator may"
        }
        Way::Token => {
            "Okta asks an API token for it: check that the secret's token is one of this org"
        }
    };
    format!("the scope {scope} is not granted: {remedy}")
}

/// A scope that the org does not know.
pub(super) fn unknown_scope(scope: &str) -> String {
    format!(
        "the org does not know the scope {scope}: it lacks the feature; ask Okta for it, or name the streams of the scope in streams_off"
    )
}

/// An admin role that is missing for `path`.
pub(super) fn role(way: Way, path: &str) -> String {
    let owner = match way {
        Way::Integration => "the integration (its tab Admin roles)",
        Way::App => "the app (its tab Admin roles)",
        Way::Token => "the API token's owner (Security, Administrators)",
    };
    let is_of_roles =
        path.starts_with("/api/v1/iam/") || path.split('/').any(|part| part == "roles");
    if is_of_roles {
        return format!(
            "an admin role is missing: assign {owner}, beside Read-only Administrator, a custom admin role with the permission \"View roles, resources, and admin assignments\" on a resource set of Identity and Access Management"
        );
    }
    format!(
        "an admin role is missing: assign {owner} an admin role that may read this, such as Read-only Administrator"
    )
}

/// An address that the org does not let in.
pub(super) fn zones(way: Way) -> String {
    let holder = if way == Way::Token { "token" } else { "app" };
    format!(
        "the org refuses the function's address: allow the address by which it leaves its network in the network zones of the {holder} in Okta, or let the function leave by an allowed one"
    )
}

/// Credentials that are not accepted by the API.
pub(super) fn access(way: Way) -> &'static str {
    match way {
        Way::Integration | Way::App => {
            "check that the app is active in Okta and that it was not replaced"
        }
        Way::Token => {
            "check that the API token is not revoked or expired (30 days without use), and its owner active"
        }
    }
}

/// Credentials that are not accepted by the token endpoint.
pub(super) fn client(way: Way) -> &'static str {
    match way {
        Way::Integration => {
            "check client_id and client_secret in the secret, and that the integration and its client secret are active in Okta"
        }
        Way::App | Way::Token => {
            "check client_id, private_key and key_id in the secret, that the app and its public key are active in Okta, and the function's clock"
        }
    }
}

/// No scope at all is granted.
pub(super) fn scopes(way: Way) -> &'static str {
    match way {
        Way::Integration => {
            "remove the integration in Okta (Applications and Resources, API Service Integrations) and install it again: its okta.*.read scopes are approved at its installation"
        }
        Way::App | Way::Token => {
            "grant the app its okta.*.read scopes in Okta (Applications, the app, Okta API Scopes)"
        }
    }
}

/// The other host that the org answers from now; `None` where `location` names none.
pub(super) fn moved(location: &str, host: &str) -> Option<String> {
    let url = url::Url::parse(location).ok()?;
    let other = url.host_str().filter(|other| *other != host)?;
    Some(format!(
        "the org answers at {other} now: put https://{other} into the secret's domain if it is the org's own"
    ))
}
