//! Factors are enrolled and reset.

use serde_json::json;

use crate::event::{Event, Party};
use crate::org::Org;

impl Org {
    /// Enrols an active factor (`push`, `sms`, `token:software:totp`, `webauthn`, `question`, …) and returns its id;
    /// `None` for a deprovisioned user.
    pub fn enroll_factor(&mut self, user: &str, kind: &str) -> Option<String> {
        let login = self
            .users
            .get(user)
            .filter(|user| user["status"] != "DEPROVISIONED")?["profile"]["login"]
            .clone();
        let (prefix, profile) = match kind {
            "sms" | "call" => ("mbl", json!({"phoneNumber": "+1 XXX-XXX-0100"})),
            "question" => (
                "ufs",
                json!({"question": "disliked_food", "questionText": "What is the food you least liked as a child?"}),
            ),
            "push" => (
                "opf",
                json!({"credentialId": login, "deviceType": "SmartPhone_IPhone", "keys": [], "name": "iPhone", "platform": "IOS", "version": "18.1"}),
            ),
            "webauthn" => (
                "fwf",
                json!({"credentialId": login, "authenticatorName": "MacBook Touch ID"}),
            ),
            _ => ("ost", json!({"credentialId": login})),
        };
        let id = self.ids.next(prefix);
        let (now, base) = (
            self.time_text(),
            format!("{}/api/v1/users/{user}", self.options.domain),
        );
        let provider = if kind == "webauthn" { "FIDO" } else { "OKTA" };
        let object = json!({
            "id": id,
            "factorType": kind,
            "provider": provider,
            "vendorName": provider,
            "status": "ACTIVE",
            "created": now,
            "lastUpdated": now,
            "profile": profile,
            "_links": {
                "self": {"href": format!("{base}/factors/{id}"), "hints": {"allow": ["GET", "DELETE"]}},
                "user": {"href": base, "hints": {"allow": ["GET"]}},
            },
        });
        self.factors.put(user, &id, object);
        self.log_factor(user, &id, "user.mfa.factor.activate");
        Some(id)
    }

    /// Resets one factor.
    pub fn reset_factor(&mut self, user: &str, factor: &str) -> bool {
        let removed = self.factors.remove(user, factor).is_some();
        if removed {
            self.log_factor(user, factor, "user.mfa.factor.deactivate");
        }
        removed
    }

    /// Resets all factors of a user at once.
    pub fn reset_factors(&mut self, user: &str) -> bool {
        let any = self.factors.count(user) > 0;
        self.factors.drop_parent(user);
        if any {
            let target = self.user_party(user);
            self.log(Event::new("user.mfa.factor.reset_all").on(target));
        }
        any
    }

    fn log_factor(&mut self, user: &str, factor: &str, event_type: &'static str) {
        let enrollment = Party::new("AuthenticatorEnrollment", factor, "unknown", "Okta Verify");
        let target = self.user_party(user);
        self.log(Event::new(event_type).on(target).on(enrollment));
    }
}
