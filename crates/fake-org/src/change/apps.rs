//! Apps.

use serde_json::{Value, json};

use super::touch;
use crate::apps::label;
use crate::event::{Event, Party};
use crate::org::Org;

/// An app to create: an object of the API without id, times and status.
#[derive(Clone, Debug, PartialEq)]
pub struct NewApp(pub Value);

impl NewApp {
    /// An app with a catalogue name, such as `salesforce`, a label and a sign-on mode, such as `SAML_2_0`.
    #[must_use]
    pub fn new(name: &str, label: &str, sign_on_mode: &str) -> Self {
        Self(json!({
            "name": name,
            "label": label,
            "accessibility": {"selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null},
            "visibility": {"autoLaunch": false, "autoSubmitToolbar": false, "hide": {"iOS": false, "web": false}, "appLinks": {format!("{name}_link"): true}},
            "features": [],
            "signOnMode": sign_on_mode,
            "credentials": {"userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}, "signing": {"kid": "SIMcCQNY3uwXoW3y0vf6VxiBb5n9pf8L2fK8d-F1bm4"}},
            "settings": {"app": {}, "notifications": {"vpn": {"network": {"connection": "DISABLED"}, "message": null, "helpUrl": null}}},
        }))
    }

    /// An OpenID Connect service app (client credentials), as API service integrations are too.
    #[must_use]
    pub fn service(label: &str, client_id: &str) -> Self {
        let mut app = Self::new("oidc_client", label, "OPENID_CONNECT");
        app.0["id"] = client_id.into();
        app.0["credentials"]["oauthClient"] = json!({"autoKeyRotation": true, "client_id": client_id, "client_secret": "fake-secret-never-to-be-written", "token_endpoint_auth_method": "client_secret_basic"});
        app.0["settings"]["oauthClient"] = json!({"grant_types": ["client_credentials"], "application_type": "service", "response_types": ["token"]});
        app
    }

    /// Sets a member of the object.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0[key] = value.into();
        self
    }
}

impl Org {
    /// Creates an active app and returns the id: the object's own, or a new one.
    pub fn create_app(&mut self, NewApp(mut app): NewApp) -> String {
        let id = app["id"]
            .as_str()
            .map_or_else(|| self.ids.next("0oa"), str::to_owned);
        let (now, domain) = (self.time_text(), &self.options.domain);
        let mut object = json!({"id": id, "orn": format!("orn:okta:idp:{}:apps:{}:{id}", self.options.org_id, app["name"].as_str().unwrap_or_default())});
        let links = json!({
            "self": {"href": format!("{domain}/api/v1/apps/{id}")},
            "users": {"href": format!("{domain}/api/v1/apps/{id}/users")},
            "groups": {"href": format!("{domain}/api/v1/apps/{id}/groups")},
            "appLinks": [{"name": "login", "href": format!("{domain}/home/{}/{id}/aln1", app["name"].as_str().unwrap_or_default()), "type": "text/html"}],
        });
        let given = app.as_object_mut().map(std::mem::take).unwrap_or_default();
        let members = [
            ("status", json!("ACTIVE")),
            ("lastUpdated", json!(now)),
            ("created", json!(now)),
            ("_links", links),
        ];
        for (key, value) in given
            .into_iter()
            .chain(members.map(|(key, value)| (key.to_owned(), value)))
        {
            object[key] = value;
        }
        self.apps.put(&id, object);
        self.log_app(true, &id, "application.lifecycle.create");
        id
    }

    /// Changes an app's object.
    pub fn update_app(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        let changed = self.change_app(id, change);
        self.log_app(changed, id, "application.lifecycle.update")
    }

    /// `ACTIVE`
    pub fn activate_app(&mut self, id: &str) -> bool {
        let changed = self.change_app(id, |app| app["status"] = "ACTIVE".into());
        self.log_app(changed, id, "application.lifecycle.activate")
    }

    /// `INACTIVE`; assignments stay.
    pub fn deactivate_app(&mut self, id: &str) -> bool {
        let changed = self.change_app(id, |app| app["status"] = "INACTIVE".into());
        self.log_app(changed, id, "application.lifecycle.deactivate")
    }

    /// Deletes an app; its assignments go with it, without events of their own.
    pub fn delete_app(&mut self, id: &str) -> bool {
        let target = self.app_party(id);
        if self.apps.remove(id).is_none() {
            return false;
        }
        self.app_users.drop_parent(id);
        self.app_groups.drop_parent(id);
        self.drop_principal(id);
        self.drop_role_target(id);
        self.log(Event::new("application.lifecycle.delete").on(target));
        true
    }

    fn change_app(&mut self, id: &str, change: impl FnOnce(&mut Value)) -> bool {
        let now = self.time_text();
        self.apps.edit(id, |app| {
            change(app);
            touch(app, &["lastUpdated"], &now);
        })
    }

    /// An app as actor or target.
    #[must_use]
    pub fn app_party(&self, id: &str) -> Party {
        let label = self.apps.get(id).map(label).unwrap_or_default();
        Party::new("AppInstance", id, label, label)
    }

    fn log_app(&mut self, changed: bool, id: &str, event_type: &'static str) -> bool {
        if changed {
            let target = self.app_party(id);
            self.log(Event::new(event_type).on(target));
        }
        changed
    }
}
