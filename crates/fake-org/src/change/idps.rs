//! Identity providers and linked users.

use serde_json::{Value, json};

use super::touch;
use crate::event::{Event, Party};
use crate::org::Org;

impl Org {
    /// Creates an active identity provider (`SAML2`, `OIDC`, `GOOGLE`, …) and returns the id. `OIDC` and social ones
    /// hold a client secret, as Okta's do.
    pub fn create_idp(&mut self, kind: &str, name: &str) -> String {
        let id = self.ids.next("0oa");
        let protocol = if kind == "SAML2" {
            self.saml(&id)
        } else {
            oidc(kind)
        };
        let now = self.time_text();
        let object = json!({
            "id": id,
            "issuerMode": "DYNAMIC",
            "name": name,
            "status": "ACTIVE",
            "created": now,
            "lastUpdated": now,
            "protocol": protocol,
            "policy": {
                "provisioning": {"action": "AUTO", "profileMaster": false, "groups": {"action": "NONE"}, "conditions": {"deprovisioned": {"action": "NONE"}, "suspended": {"action": "NONE"}}},
                "accountLink": {"filter": null, "action": "AUTO"},
                "subject": {"userNameTemplate": {"template": "idpuser.email"}, "filter": null, "matchType": "USERNAME", "matchAttribute": null},
                "maxClockSkew": 120_000,
            },
            "type": kind,
            "_links": {"clientRedirectUri": {"href": format!("{}/oauth2/v1/authorize/callback", self.options.domain), "hints": {"allow": ["POST"]}}},
        });
        self.idps.put(&id, object);
        self.log_idp(&id, "system.idp.lifecycle.create");
        id
    }

    /// Changes an identity provider's object.
    pub fn update_idp(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        self.change_idp(id, "system.idp.lifecycle.update", change)
    }

    /// `ACTIVE`
    pub fn activate_idp(&mut self, id: &str) -> bool {
        self.change_idp(id, "system.idp.lifecycle.activate", |idp| {
            idp["status"] = "ACTIVE".into()
        })
    }

    /// `INACTIVE`
    pub fn deactivate_idp(&mut self, id: &str) -> bool {
        self.change_idp(id, "system.idp.lifecycle.deactivate", |idp| {
            idp["status"] = "INACTIVE".into()
        })
    }

    /// Deletes an identity provider and its links to users.
    pub fn delete_idp(&mut self, id: &str) -> bool {
        if !self.idps.contains(id) {
            return false;
        }
        self.log_idp(id, "system.idp.lifecycle.delete");
        self.idps.remove(id);
        self.idp_users.drop_parent(id);
        true
    }

    /// Links a user; Okta logs nothing.
    pub fn link_idp_user(&mut self, idp: &str, user: &str) -> bool {
        let Some(profile) = self.users.get(user).map(|user| user["profile"].clone()) else {
            return false;
        };
        if !self.idps.contains(idp) || self.idp_users.contains(idp, user) {
            return false;
        }
        let (now, domain) = (self.time_text(), &self.options.domain);
        let object = json!({
            "id": user,
            "externalId": profile["login"],
            "created": now,
            "lastUpdated": now,
            "profile": {"email": profile["email"], "firstName": profile["firstName"], "lastName": profile["lastName"]},
            "_links": {"self": {"href": format!("{domain}/api/v1/idps/{idp}/users/{user}")}, "idp": {"href": format!("{domain}/api/v1/idps/{idp}")}, "user": {"href": format!("{domain}/api/v1/users/{user}")}},
        });
        self.idp_users.put(idp, user, object);
        true
    }

    /// Removes a link; Okta logs nothing.
    pub fn unlink_idp_user(&mut self, idp: &str, user: &str) -> bool {
        self.idp_users.remove(idp, user).is_some()
    }

    fn change_idp(
        &mut self,
        id: &str,
        event_type: &'static str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let now = self.time_text();
        let changed = self.idps.edit(id, |idp| {
            change(idp);
            touch(idp, &["lastUpdated"], &now);
        });
        if changed {
            self.log_idp(id, event_type);
        }
        changed
    }

    fn log_idp(&mut self, id: &str, event_type: &'static str) {
        let name = self
            .idps
            .get(id)
            .and_then(|idp| idp["name"].as_str())
            .unwrap_or_default()
            .to_owned();
        self.log(Event::new(event_type).on(Party::new("IdentityProvider", id, "unknown", &name)));
    }

    /// Replaces the certificate that a provider is trusted by, as whoever forges its assertions would; the new `kid`.
    pub fn replace_idp_key(&mut self, id: &str) -> Option<String> {
        let kid = format!("kid-{id}-{}", self.ids.next("kid"));
        let key = self.idp_key(&kid);
        let trusted =
            |idp: &mut Value| idp["protocol"]["credentials"]["trust"]["kid"] = kid.as_str().into();
        if !self.update_idp(id, trusted) {
            return None;
        }
        self.idp_keys.put(&kid, key);
        Some(kid)
    }

    fn idp_key(&self, kid: &str) -> Value {
        let now = self.time_text();
        json!({"kty": "RSA", "created": now, "lastUpdated": now, "expiresAt": "2036-01-01T00:00:00.000Z", "kid": kid, "use": "sig", "x5c": ["MIIDfakefakefake"], "x5t#S256": "fake", "e": "AQAB", "n": "fakemodulus"})
    }

    fn saml(&mut self, id: &str) -> Value {
        let (kid, own) = (format!("kid-{id}"), format!("own-{id}"));
        let key = self.idp_key(&kid);
        self.idp_keys.put(&kid, key);
        let key = self.idp_key(&own);
        self.idp_signing_keys.put(&own, key);
        json!({
            "type": "SAML2",
            "endpoints": {"sso": {"url": "https://idp.example.com/sso", "binding": "HTTP-POST", "destination": "https://idp.example.com/sso"}, "acs": {"binding": "HTTP-POST", "type": "INSTANCE"}},
            "algorithms": {"request": {"signature": {"algorithm": "SHA-256", "scope": "REQUEST"}}, "response": {"signature": {"algorithm": "SHA-256", "scope": "ANY"}}},
            "settings": {"nameFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"},
            "credentials": {"trust": {"issuer": "https://idp.example.com", "audience": "https://www.okta.com/saml2/service-provider/acme", "kid": kid}, "signing": {"kid": own}},
        })
    }
}

fn oidc(kind: &str) -> Value {
    let host = if kind == "GOOGLE" {
        "https://accounts.google.com"
    } else {
        "https://login.partner.example.com"
    };
    json!({
        "type": "OIDC",
        "endpoints": {"authorization": {"url": format!("{host}/authorize"), "binding": "HTTP-REDIRECT"}, "token": {"url": format!("{host}/token"), "binding": "HTTP-POST"}},
        "scopes": ["openid", "profile", "email"],
        "issuer": {"url": host},
        "credentials": {"client": {"client_id": "acme-at-partner", "client_secret": "fake-secret-never-to-be-written", "token_endpoint_auth_method": "client_secret_basic"}},
    })
}
