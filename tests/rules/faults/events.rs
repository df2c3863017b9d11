//! Events that tell of no change: the collector's own reads, and its own tokens.

use fake_org::{Event, Party};

use super::{Deployed, assert_well, own_client};
use crate::support::rig::Rig;

#[tokio::test]
async fn a_logged_read_changes_nothing_with_any_outcome() {
    let rig = Rig::new().await;
    rig.populate(6, 2);
    let idp = rig.org().create_idp("OIDC", "Partners");
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    let target = || Party::new("IdentityProvider", &idp, "unknown", "Partners");
    let read = |event_type: &'static str| Event::new(event_type).by(own_client()).on(target());
    for event in [
        read("system.idp.lifecycle.read_client_secret"),
        read("system.idp.lifecycle.read_client_secret").failed("NOT_ALLOWED"),
        read("iam.role.read"),
        read("app.oauth2.as.token.grant.access_token"),
    ] {
        let what = event.event_type.clone();
        deployed.rig.org().append_event(event);
        deployed.rig.org().reset_counts();
        assert_well(&deployed.run().await);
        let asked = deployed.rig.requests();
        assert!(
            asked
                .keys()
                .all(|path| path == "GET /api/v1/logs" || path.starts_with("POST")),
            "{what}: {asked:#?}"
        );
    }
    // Another one's change of the same object is read.
    deployed.rig.org().reset_counts();
    assert!(
        deployed
            .rig
            .org()
            .update_idp(&idp, |idp| idp["name"] = "Suppliers".into())
    );
    assert_well(&deployed.run().await);
    assert!(
        deployed.rig.requests().contains_key("GET /api/v1/idps"),
        "{:#?}",
        deployed.rig.requests()
    );
    assert_eq!(
        deployed.record("idps", &idp).await["source"]["name"],
        "Suppliers"
    );
    deployed.assert_in_step().await;
}
