//! Answers that come late, or ask for a wait that cannot be meant.

use std::time::Instant;

use fake_org::{Failure, NewApp};

use super::{Deployed, assert_well};
use crate::support::rig::Rig;

#[tokio::test]
async fn a_limit_that_lifts_in_a_day_is_a_mistake() {
    let never = vec![("Retry-After".into(), "86400".into())];
    for failure in
        [Failure::RateLimited { limit: 600, reset_in_seconds: 86_400 }, Failure::Answer(429, never, String::new())]
    {
        let rig = Rig::new().await;
        rig.populate(6, 3);
        for path in ["GET /api/v1/users", "GET /api/v1/groups/*/users", "POST /oauth2/v1/token"] {
            rig.org().fail(path, 1, failure.clone());
        }
        let mut deployed = Deployed::before(rig).await;
        let began = Instant::now();
        assert_well(&deployed.run().await);
        deployed.assert_in_step().await;
        // The same process, and a day has not gone by.
        deployed.assert_in_step_after_news().await;
        assert!(began.elapsed().as_secs() < 45, "{failure:?}: {:?}", began.elapsed());
    }
}

/// Takes three quarters of a minute: so long the answers take.
#[tokio::test]
async fn an_answer_that_takes_three_quarters_of_a_minute_is_read() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.org().create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
    rig.org().create_idp("SAML2", "Partners");
    for path in ["GET /api/v1/apps", "GET /api/v1/idps"] {
        rig.org().fail(path, 1, Failure::Stall(45_000));
    }
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    assert_eq!((deployed.asked("/api/v1/apps").len(), deployed.asked("/api/v1/idps").len()), (1, 1));
    deployed.assert_in_step().await;
}
