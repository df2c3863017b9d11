//! Rate limits and how they are announced.

use fake_org::{Class, Limits, Options, Org, Response, WindowUse};
use jiff::SignedDuration;

use crate::support::{get, org_with};

fn limited(limits: Limits) -> Org {
    org_with(Options {
        limits,
        ..Options::default()
    })
}

fn announced(response: &Response) -> [i64; 3] {
    ["limit", "remaining", "reset"].map(|name| {
        response
            .header_value(&format!("x-rate-limit-{name}"))
            .unwrap()
            .parse()
            .unwrap()
    })
}

#[test]
fn a_window_lasts_sixty_seconds_and_refuses_any_excess() {
    let mut org = limited(Limits::none().set(Class::Users, 2));
    let reset = org.now().as_second() + 60;
    assert_eq!(announced(&get(&mut org, "/api/v1/users")), [2, 1, reset]);
    org.advance(SignedDuration::from_secs(30));
    assert_eq!(announced(&get(&mut org, "/api/v1/users")), [2, 0, reset]);
    let refused = get(&mut org, "/api/v1/users");
    assert_eq!((refused.status, announced(&refused)), (429, [2, 0, reset]));
    assert_eq!(refused.value()["errorCode"], "E0000047");
    assert_eq!(get(&mut org, "/api/v1/groups").status, 200);
    assert_eq!(org.counts().rate_limited, 1);
    org.advance(SignedDuration::from_secs(30));
    assert_eq!(
        announced(&get(&mut org, "/api/v1/users")),
        [2, 1, reset + 60]
    );
}

#[test]
fn others_use_the_same_bucket() {
    let mut org = limited(Limits::none().set(Class::Logs, 60));
    org.set_use_by_others(Class::Logs, 40);
    assert_eq!(announced(&get(&mut org, "/api/v1/logs"))[1], 19);
    org.use_by_others(Class::Logs, 19);
    assert_eq!(get(&mut org, "/api/v1/logs").status, 429);
}

#[test]
fn others_may_spread_their_requests_over_a_part_of_the_window() {
    let mut org = limited(Limits::none().set(Class::Logs, 60));
    org.set_use_by_others_between(Class::Logs, 30, [10, 40]);
    let mut passed = 0;
    for (second, used) in [(0, 0), (10, 0), (25, 15), (39, 29), (40, 30), (59, 30)] {
        org.advance(SignedDuration::from_secs(second - passed));
        passed = second;
        let remaining = announced(&get(&mut org, "/api/v1/logs"))[1];
        let own = i64::try_from(org.windows(Class::Logs)[0].own).unwrap();
        assert_eq!(60 - own - remaining, used, "after {second} s");
    }
}

#[test]
fn windows_are_told_with_what_others_were_refused() {
    let mut org = limited(Limits::none().set(Class::Logs, 10));
    let reset = org.now().as_second() + 60;
    org.set_use_by_others_between(Class::Logs, 12, [0, 60]);
    for _ in 0..4 {
        get(&mut org, "/api/v1/logs");
    }
    org.advance(SignedDuration::from_secs(200));
    get(&mut org, "/api/v1/logs");
    let told = |reset, own, others, others_refused| WindowUse {
        reset,
        own,
        others,
        others_refused,
    };
    assert_eq!(
        org.windows(Class::Logs),
        [told(reset, 4, 6, 6), told(reset + 180, 1, 4, 0)]
    );
}

#[test]
fn too_many_requests_at_once_are_announced_with_zeros() {
    let mut org = limited(Limits {
        concurrency: Some(1),
        ..Limits::none()
    });
    org.enter();
    assert_eq!(get(&mut org, "/api/v1/users").status, 200);
    org.enter();
    let refused = get(&mut org, "/api/v1/users");
    assert_eq!(
        (refused.status, announced(&refused)),
        (429, [0, 0, org.now().as_second() + 120])
    );
    org.leave();
    assert_eq!(get(&mut org, "/api/v1/users").status, 200);
    assert_eq!(org.counts().max_concurrency, 2);
}

#[test]
fn headers_may_come_twice_and_every_answer_has_a_date() {
    let mut org = limited(Limits {
        duplicate_headers: true,
        ..Limits::none().set(Class::Users, 10)
    });
    let response = get(&mut org, "/api/v1/users");
    assert_eq!(
        response
            .headers
            .iter()
            .filter(|(name, _)| name == "X-Rate-Limit-Remaining")
            .count(),
        2
    );
    assert_eq!(
        response.header_value("date"),
        Some("Mon, 23 Nov 2026 18:00:00 GMT")
    );
    assert!(announced(&get(&mut limited(Limits::none()), "/api/v1/users"))[1] > 10_000);
}
