//! Callers: OAuth clients, API tokens, and the access tokens given out.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

/// The scopes that an API service integration may be granted.
pub const SCOPES: [&str; 6] = [
    "okta.users.read",
    "okta.idps.read",
    "okta.roles.read",
    "okta.groups.read",
    "okta.apps.read",
    "okta.logs.read",
];

/// An OAuth client: an API service integration or an API Services app.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Client id, which is the app's id too.
    pub id: String,
    /// Shown as the actor of token grants.
    pub name: String,
    /// Client secrets; each of them is valid.
    pub secrets: Vec<String>,
    /// Public keys (JWK) that verify client assertions.
    pub keys: Vec<Value>,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// Tokens are given against a DPoP proof only.
    pub require_dpop: bool,
}

impl Client {
    /// A client with one secret and all six scopes.
    #[must_use]
    pub fn with_secret(id: &str, secret: &str) -> Self {
        Self {
            secrets: vec![secret.into()],
            ..Self::with_keys(id, Vec::new())
        }
    }

    /// A client with public keys (JWK) and all six scopes.
    #[must_use]
    pub fn with_keys(id: &str, keys: Vec<Value>) -> Self {
        let scopes = SCOPES.map(str::to_owned).to_vec();
        Self {
            id: id.into(),
            name: "Authomize".into(),
            keys,
            scopes,
            ..Self::default()
        }
    }

    /// Only these scopes are granted.
    #[must_use]
    pub fn granted(mut self, scopes: &[&str]) -> Self {
        self.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self
    }

    /// Demands DPoP.
    #[must_use]
    pub fn demanding_dpop(mut self) -> Self {
        self.require_dpop = true;
        self
    }
}

/// An access token that was given out.
#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: Timestamp,
    /// Thumbprint of the DPoP key that it is bound to.
    pub(crate) thumbprint: Option<String>,
}

/// All credentials that the org knows.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) clients: HashMap<String, Client>,
    pub(crate) api_tokens: HashSet<String>,
    pub(crate) access_tokens: HashMap<String, AccessToken>,
    /// `jti`s of assertions and proofs: each is accepted once.
    pub(crate) used_jtis: HashSet<String>,
}

impl crate::Org {
    /// Registers a client or replaces the one of the same id.
    pub fn add_client(&mut self, client: Client) {
        self.credentials.clients.insert(client.id.clone(), client);
    }

    /// Changes a client, for instance its secrets or scopes; false when there is none of this id.
    pub fn edit_client(&mut self, id: &str, change: impl FnOnce(&mut Client)) -> bool {
        self.credentials.clients.get_mut(id).map(change).is_some()
    }

    /// Accepts `Authorization: SSWS {token}` with every permission.
    pub fn add_api_token(&mut self, token: &str) {
        self.credentials.api_tokens.insert(token.into());
    }

    /// Makes every access token given out so far invalid.
    pub fn revoke_access_tokens(&mut self) {
        self.credentials.access_tokens.clear();
    }

    /// An access token for a registered client without asking the token endpoint (and without its log event).
    pub fn issue_access_token(&mut self, client_id: &str) -> String {
        let scopes = self
            .credentials
            .clients
            .get(client_id)
            .map(|client| client.scopes.clone())
            .unwrap_or_default();
        self.store_access_token(client_id, scopes, None)
    }

    pub(crate) fn store_access_token(
        &mut self,
        client_id: &str,
        scopes: Vec<String>,
        thumbprint: Option<String>,
    ) -> String {
        let token = format!("eyJraWQiOiJmYWtlIn0.{}", self.secrets.token(86));
        let expires = self.now() + jiff::SignedDuration::from_secs(self.options.token_seconds);
        let access = AccessToken {
            client_id: client_id.into(),
            scopes,
            expires,
            thumbprint,
        };
        self.credentials.access_tokens.insert(token.clone(), access);
        token
    }
}
