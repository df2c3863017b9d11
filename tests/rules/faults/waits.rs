//! Answers that come late, or ask for a wait that cannot be meant.

use std::time::Instant;

use fake_org::{Event, Failure, NewApp};
use jiff::{SignedDuration, Timestamp};

use super::{Deployed, assert_alone, assert_well, error};
use crate::support::rig::Rig;

#[tokio::test]
async fn a_limit_that_lifts_in_a_day_is_a_mistake() {
    let never = vec![("Retry-After".into(), "86400".into())];
    for failure in [
        Failure::RateLimited {
            limit: 600,
            reset_in_seconds: 86_400,
        },
        Failure::Answer(429, never, String::new()),
    ] {
        let rig = Rig::new().await;
        rig.populate(6, 3);
        for path in [
            "GET /api/v1/users",
            "GET /api/v1/groups/*/users",
            "POST /oauth2/v1/token",
        ] {
            rig.org().fail(path, 1, failure.clone());
        }
        let mut deployed = Deployed::before(rig).await;
        let began = Instant::now();
        assert_well(&deployed.run().await);
        deployed.assert_in_step().await;
        // The same process, and a day has not gone by.
        deployed.assert_in_step_after_news().await;
        assert!(
            began.elapsed().as_secs() < 45,
            "{failure:?}: {:?}",
            began.elapsed()
        );
    }
}

/// Takes three quarters of a minute: so long the answers take.
#[tokio::test]
async fn an_answer_that_takes_three_quarters_of_a_minute_is_read() {
    let rig = Rig::new().await;
    rig.populate(3, 1);
    rig.org()
        .create_app(NewApp::new("oidc_client", "Payroll", "OPENID_CONNECT"));
    rig.org().create_idp("SAML2", "Partners");
    for path in ["GET /api/v1/apps", "GET /api/v1/idps"] {
        rig.org().fail(path, 1, Failure::Stall(45_000));
    }
    let mut deployed = Deployed::before(rig).await;
    assert_well(&deployed.run().await);
    assert_eq!(
        (
            deployed.asked("/api/v1/apps").len(),
            deployed.asked("/api/v1/idps").len()
        ),
        (1, 1)
    );
    deployed.assert_in_step().await;
}

/// Takes as long as a run: it ends at its deadline.
#[tokio::test]
async fn a_log_that_never_answers_keeps_nothing_else_from_being_read() {
    for begins_well in [false, true] {
        let rig = Rig::new().await;
        let (people, _) = rig.populate(6, 3);
        let mut deployed = Deployed::before(rig).await;
        if begins_well {
            assert_well(&deployed.run().await);
            let at = Timestamp::now() - SignedDuration::from_hours(1);
            deployed
                .rig
                .org()
                .append_event(Event::new("user.session.start").published_at(at));
        }
        deployed
            .rig
            .org()
            .fail("GET /api/v1/logs", 1_000, Failure::Stall(600_000));
        let report = deployed.full().await;
        assert_alone(&report, &["activity", "usage"], "failed");
        assert!(
            error(&report, "activity").contains("/api/v1/logs"),
            "{report:#}"
        );
        assert_eq!(
            deployed.ids("users").await.len(),
            people.len(),
            "{report:#}"
        );
        // Of a log that was never read nothing has an age.
        assert_eq!(
            report["activity_lag_seconds"].as_i64() > Some(0),
            begins_well,
            "{report:#}"
        );
        deployed.rig.org().heal();
        assert_well(&deployed.run().await);
        deployed.assert_in_step_after_news().await;
    }
}
