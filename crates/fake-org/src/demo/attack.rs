//! One attack that the company lives through, within the hour before it is told: from a spray of passwords to an IdP of
//! the attackers' own. Each step is a finding of the events.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::company::{AGENTS, OFFICES};
use super::sins::{DORMANT_ADMIN, PARTNERS_IDP};
use super::visits;
use crate::change::{NewApp, Targets};
use crate::event::{Event, Origin, Party};
use crate::org::Org;
use crate::users::NewUser;

/// Days after the start of the log on which it happens, and the hour (UTC) at which it is over.
pub(super) const DAY: i64 = 112;
pub(super) const HOUR: i64 = 11;

const STRANGE: &str = "{New Device=POSITIVE, New IP=POSITIVE, New Country=POSITIVE}";
const HIGH_RISK: &str = "{reasons=Anomalous Device, Anomalous Location, level=HIGH}";

/// The attack's story, event by event.
struct Attack<'o> {
    org: &'o mut Org,
    began: Timestamp,
    /// The attackers' network, far from every office.
    lair: Arc<Origin>,
}

pub(super) fn happen(org: &mut Org) {
    let founders: Vec<String> = org
        .users
        .rows()
        .take(40)
        .map(|row| row.id.clone())
        .collect();
    let [_, boss, .., helper] = &founders[..7] else {
        return;
    };
    let (boss, helper) = (boss.clone(), helper.clone());
    let began = org.now() - SignedDuration::from_mins(55);
    let actor = org.actor.clone();
    let mut attack = Attack {
        org,
        began,
        lair: Arc::new(lair("198.18.0.77")),
    };
    attack.spray(&founders);
    attack.wear_down(&helper);
    attack.look_around(&helper);
    attack.reset_the_boss(&helper, &boss);
    attack.settle_in(&boss);
    attack.go_dark(&boss);
    attack.aftermath(&founders);
    org.actor = actor;
}

impl Attack<'_> {
    /// An event of the attackers in somebody's name, so many seconds after the beginning.
    fn event(&self, event_type: &'static str, second: i64, user: &str) -> Event {
        let event = Event::new(event_type)
            .by(self.org.user_party(user))
            .published_at(self.began + SignedDuration::from_secs(second));
        Event {
            origin: Some(Arc::clone(&self.lair)),
            session: Some(format!("102{}", &user[3..])),
            ..event
        }
    }

    fn log(&mut self, event: Event) {
        self.org.append_event(event);
    }

    /// Many names, few passwords, from one address; then codes that nobody answers, from another one.
    fn spray(&mut self, founders: &[String]) {
        for (second, user) in (0..).zip(founders) {
            let event = self
                .event("user.session.start", second * 3, user)
                .failed("INVALID_CREDENTIALS");
            self.log(Event {
                session: None,
                ..event
            });
        }
        let threat = Event::new("security.threat.detected")
            .by(Party::system())
            .debug("threatDetections", "{\"Password Spray\": \"HIGH\"}")
            .published_at(self.began + SignedDuration::from_secs(130));
        self.log(Event {
            origin: Some(Arc::clone(&self.lair)),
            ..threat
        });
        let start = Event::new("security.attack.start").by(Party::system());
        self.log(start.published_at(self.began + SignedDuration::from_secs(140)));
        let elsewhere = Arc::new(lair("198.18.0.78"));
        for (second, user) in (150..).step_by(20).zip(&founders[20..27]) {
            let event = self.event("system.push.send_factor_verify_push", second, user);
            self.log(Event {
                origin: Some(Arc::clone(&elsewhere)),
                session: None,
                ..event
            });
        }
        let refused = self
            .event("user.session.access_admin_app", 320, &founders[21])
            .failed("ACCESS_DENIED");
        self.log(refused);
        let declined = self
            .event("user.authentication.auth_via_mfa", 330, &founders[22])
            .failed("FastPass declined phishing attempt")
            .debug("factor", "SIGNED_NONCE");
        self.log(declined);
        let reported = self.event(
            "user.account.report_suspicious_activity_by_enduser",
            400,
            &founders[23],
        );
        self.log(reported);
    }

    /// Pushes until the help desk's admin gives in, then a session from a new device and country.
    fn wear_down(&mut self, helper: &str) {
        for second in [600, 660, 720, 800] {
            let push = self.event("system.push.send_factor_verify_push", second - 20, helper);
            self.log(push);
            let denied = self.event("user.mfa.okta_verify.deny_push", second, helper);
            self.log(denied);
        }
        let factor = Party::new(
            "AuthenticatorEnrollment",
            "opfOfTheHelper",
            "unknown",
            "Okta Verify",
        );
        let approved = self
            .event("user.authentication.auth_via_mfa", 860, helper)
            .on(factor);
        self.log(approved.debug("factor", "OKTA_VERIFY_PUSH"));
        for (event_type, second) in [
            ("user.session.start", 862),
            ("user.session.access_admin_app", 900),
        ] {
            let event = self
                .event(event_type, second, helper)
                .on(self.org.user_party(helper));
            let event = event.debug("behaviors", STRANGE).debug("risk", HIGH_RISK);
            self.log(
                event
                    .debug("authMethodFirstType", "password")
                    .debug("authMethodSecondType", "push"),
            );
        }
        // The stolen cookie and its owner, at once.
        let office = Arc::new(visits::origin(&OFFICES[0], 7, 1));
        let used = self.event("user.authentication.verify", 905, helper);
        self.log(Event {
            origin: Some(office),
            ..used
        });
        let roaming = self.event("security.session.detect_client_roaming", 910, helper);
        self.log(roaming);
    }

    /// Every app of the dashboard, one after the other.
    fn look_around(&mut self, helper: &str) {
        let apps: Vec<String> = self
            .org
            .apps
            .rows()
            .take(14)
            .map(|row| row.id.clone())
            .collect();
        for (second, app) in (960..).step_by(12).zip(&apps) {
            let event = self
                .event("user.authentication.sso", second, helper)
                .on(self.org.app_party(app));
            self.log(event.debug("signOnMode", "SAML 2.0"));
        }
    }

    /// The help desk's rights are enough to take a super admin's factors, and to enrol one's own.
    fn reset_the_boss(&mut self, helper: &str, boss: &str) {
        self.org.set_actor(self.org.user_party(helper));
        self.org.reset_factors(boss);
        self.org.set_actor(self.org.user_party(boss));
        self.org.enroll_factor(boss, "sms");
        let signed_in = self
            .event("user.session.start", 1500, boss)
            .on(self.org.user_party(boss));
        self.log(signed_in.debug("behaviors", STRANGE));
        let hale = self
            .org
            .users
            .rows()
            .find(|row| row.value["profile"]["login"] == DORMANT_ADMIN);
        if let Some(hale) = hale.map(|row| row.id.clone()) {
            let event = self
                .event("user.session.start", 1560, &hale)
                .on(self.org.user_party(&hale));
            self.log(event);
        }
    }

    /// Ways to come back: a super admin's secret, a token, an IdP, another org, an account for a day.
    fn settle_in(&mut self, boss: &str) {
        let org = &mut *self.org;
        let agent = org.create_app(NewApp::service("Backup Agent", "0oaBackupAgent000697"));
        org.assign_role(&agent, "SUPER_ADMIN", &Targets::default());
        let idp = org.create_idp("SAML2", "Acme Cloud SSO");
        org.link_idp_user(&idp, boss);
        let partners = org
            .idps
            .rows()
            .find(|row| row.value["name"] == PARTNERS_IDP)
            .map(|row| row.id.clone());
        partners.map(|partners| org.replace_idp_key(&partners));
        let features: Value = json!(["PUSH_NEW_USERS", "PUSH_PASSWORD_UPDATES"]);
        let other = org.create_app(
            NewApp::new("okta_org2org", "Org2Org Backup", "SAML_2_0").with("features", features),
        );
        let temp = org.create_user(NewUser::named("Temp", "Sync"));
        org.assign_role(&temp, "ORG_ADMIN", &Targets::default());
        org.deactivate_user(&temp);
        let read = self
            .event("app.oauth2.client.read_client_secret", 1800, boss)
            .on(self.org.app_party(&agent));
        self.log(read);
        let token = Party::new("Token", "00TBackup", "unknown", "backup");
        let token = self.event("system.api_token.create", 1820, boss).on(token);
        self.log(token.debug("network", "ANYWHERE"));
        let push = changed(
            self.org.app_party(&other),
            json!({"from": {"features": ["PUSH_NEW_USERS"]}, "to": {"features": ["PUSH_NEW_USERS", "PUSH_PASSWORD_UPDATES"]}}),
        );
        let push = self
            .event("application.lifecycle.update", 1840, boss)
            .on(push);
        self.log(push);
        let provider = Party::new("IdentityProvider", &idp, "unknown", "Acme Cloud SSO");
        let through = self
            .event("user.authentication.auth_via_IDP", 2400, boss)
            .on(provider);
        self.log(Event {
            published: None,
            ..through
        });
    }

    /// Defences that would tell of them or stop them.
    fn go_dark(&mut self, boss: &str) {
        let rule = changed(
            Party::new(
                "PolicyRule",
                "rulAdmins",
                "unknown",
                "Admins with two factors",
            ),
            json!({"from": {"verificationMethod": {"factorMode": "2FA"}}, "to": {"verificationMethod": {"factorMode": "1FA"}}}),
        );
        let events = [
            self.event("policy.rule.update", 2500, boss).on(rule),
            self.event("policy.rule.delete", 2520, boss).on(Party::new(
                "PolicyRule",
                "rulOld",
                "unknown",
                "Deny by country",
            )),
            self.event("system.log_stream.lifecycle.deactivate", 2540, boss)
                .on(Party::new("LogStream", "0oaStream", "unknown", "SIEM")),
            self.event("zone.deactivate", 2560, boss).on(Party::new(
                "NetworkZone",
                "nzoBlock",
                "unknown",
                "Blocked countries",
            )),
        ];
        events.into_iter().for_each(|event| self.log(event));
    }

    /// The response looks like an attack itself: passwords reset by the dozen, support let in.
    fn aftermath(&mut self, founders: &[String]) {
        let admin = self.org.user_party(&founders[0]);
        for (second, user) in (2700..).step_by(10).zip(&founders[12..26]) {
            let reset = Event::new("user.account.reset_password")
                .by(admin.clone())
                .on(self.org.user_party(user));
            self.log(reset.published_at(self.began + SignedDuration::from_secs(second)));
        }
        let support = Event::new("user.session.impersonation.initiate").by(admin);
        self.log(support.published_at(self.began + SignedDuration::from_secs(3000)));
    }
}

fn changed(party: Party, details: Value) -> Party {
    Party {
        change_details: Some(details),
        ..party
    }
}

fn lair(ip: &str) -> Origin {
    Origin {
        ip: ip.to_owned(),
        place: ["Chișinău", "Municipiul Chișinău", "Moldova", "2001"].map(Into::into),
        position: (47.0105, 28.8638),
        agent: AGENTS[3].map(Into::into),
        network: (64_511, "example hosting".into(), "example.net".into()),
    }
}
