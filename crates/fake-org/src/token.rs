//! `POST /oauth2/v1/token`: client credentials by secret or by signed assertion, with or without DPoP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::clients::{Client, SCOPES};
use crate::event::{Event, Party};
use crate::message::{Request, Response};
use crate::org::Org;
use crate::refusal::Refusal;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The form of a token request.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(request: &Request) -> Self {
        Self(form_urlencoded::parse(&request.body).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

impl Org {
    pub(crate) fn answer_token(&mut self, request: &Request) -> Result<Response, Refusal> {
        if request.method != "POST" {
            return Err(Refusal::wrong_method());
        }
        let form = Form::of(request);
        if form.get("grant_type") != Some("client_credentials") {
            return Err(Refusal::oauth(
                400,
                "unsupported_grant_type",
                "The authorization grant type is not supported by the authorization server.",
            ));
        }
        let client = self.authenticate(request, &form)?;
        let thumbprint = self.verify_token_proof(request, client.require_dpop)?;
        let requested = form.get("scope").unwrap_or_default();
        if requested.split(' ').any(|scope| {
            self.options
                .unknown_scopes
                .iter()
                .any(|unknown| unknown == scope)
        }) {
            return Err(unknown_scope());
        }
        let scopes = granted(&client, requested)?;
        self.log_grant(&client, &scopes);
        let kind = if thumbprint.is_some() {
            "DPoP"
        } else {
            "Bearer"
        };
        let token = self.store_access_token(&client.id, scopes.clone(), thumbprint);
        let seconds = self.options.token_seconds;
        let body = json!({"token_type": kind, "expires_in": seconds, "access_token": token, "scope": scopes.join(" ")});
        Ok(Response::json(body.to_string()).with("Cache-Control", "no-cache, no-store"))
    }

    fn authenticate(&mut self, request: &Request, form: &Form) -> Result<Client, Refusal> {
        let basic = request
            .header_value("authorization")
            .and_then(|header| header.strip_prefix("Basic "));
        match (
            basic,
            form.get("client_assertion"),
            form.get("client_secret"),
        ) {
            (Some(basic), None, None) => self.client_by_secret(basic),
            (None, Some(assertion), None) => {
                if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
                    return Err(Refusal::oauth(
                        400,
                        "invalid_request",
                        "The client_assertion_type is invalid.",
                    ));
                }
                self.client_by_assertion(request, assertion)
            }
            (None, None, Some(_)) => Err(Refusal::oauth(
                401,
                "invalid_client",
                "OAuth Integration Client Credentials requests to the Org Authorization Server must use either private_key_jwt or client_secret_basic",
            )),
            (None, None, None) => Err(Refusal::oauth(
                401,
                "invalid_client",
                "Client authentication failed. Either the client or the client credentials are invalid.",
            )),
            _ => Err(Refusal::oauth(
                400,
                "invalid_request",
                "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body.",
            )),
        }
    }

    fn client_by_secret(&self, basic: &str) -> Result<Client, Refusal> {
        let text = STANDARD
            .decode(basic)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_default();
        let (id, secret) = text.split_once(':').unwrap_or_default();
        let client = self.client(id)?;
        if client.secrets.iter().any(|known| known == secret) {
            return Ok(client);
        }
        Err(Refusal::oauth(
            401,
            "invalid_client",
            "The client secret supplied for a confidential client is invalid.",
        ))
    }

    pub(crate) fn client(&self, id: &str) -> Result<Client, Refusal> {
        let unknown = || {
            Refusal::oauth(
                401,
                "invalid_client",
                &format!("Invalid value for 'client_id' parameter: {id}"),
            )
        };
        self.credentials
            .clients
            .get(id)
            .cloned()
            .ok_or_else(unknown)
    }

    fn log_grant(&mut self, client: &Client, scopes: &[String]) {
        let actor = Party::new("PublicClientApp", &client.id, &client.id, &client.name);
        let target = Party::new("access_token", &self.secrets.token(20), "", "Access Token");
        let event = Event::new("app.oauth2.token.grant.access_token")
            .by(actor)
            .on(target)
            .debug("grantType", "client_credentials")
            .debug("grantedScopes", scopes.join(", "))
            .debug("requestUri", "/oauth2/v1/token");
        self.append_own(event);
    }

    /// The challenge for a nonce, which is logged before the client is known.
    pub(crate) fn log_challenge(&mut self) {
        let nobody = Party::new("PublicClientApp", "unknown", "unknown", "unknown");
        let event = Event::new("app.oauth2.token.grant").by(nobody);
        self.append_own(Event {
            result: "CHALLENGE",
            ..event
        });
    }

    /// Appends an event of token traffic, whose uuid does not shift those of other events.
    fn append_own(&mut self, event: Event) {
        let now = self.now();
        let uuid = self.secrets.uuid_at(now.as_millisecond());
        self.append_event(Event {
            uuid: Some(uuid),
            ..event
        });
    }
}

/// The requested scopes that are granted.
fn granted(client: &Client, requested: &str) -> Result<Vec<String>, Refusal> {
    let requested: Vec<&str> = requested
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .collect();
    if requested.is_empty() {
        return Err(Refusal::oauth(
            400,
            "invalid_scope",
            "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
        ));
    }
    let known = |scope: &&str| {
        SCOPES.contains(scope) || client.scopes.iter().any(|granted| granted == scope)
    };
    if !requested.iter().all(known) {
        return Err(unknown_scope());
    }
    let granted: Vec<String> = client
        .scopes
        .iter()
        .filter(|scope| requested.contains(&scope.as_str()))
        .cloned()
        .collect();
    if granted.is_empty() {
        return Err(Refusal::oauth(
            400,
            "consent_required",
            "You are not allowed any of the requested scopes.",
        ));
    }
    Ok(granted)
}

fn unknown_scope() -> Refusal {
    let why = "One or more scopes are not configured for the authorization server resource.";
    Refusal::oauth(400, "invalid_scope", why)
}
