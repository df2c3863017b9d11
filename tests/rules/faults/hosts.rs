//! Links and positions that name another host: the token goes to the org's own and nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fake_org::{Request, Response};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Deployed, assert_well};
use crate::support::rig::Rig;
use crate::support::{gate, moto};

/// A host that has no business with the org, and how often somebody connected to it.
async fn outsider() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (host, visits)
}

#[tokio::test]
async fn no_link_of_an_answer_leads_the_token_to_another_host() {
    let (host, visits) = outsider().await;
    let places = [
        "https://acme.okta.com//{host}/api/v1/",
        "http://{host}/api/v1/",
        "//{host}/api/v1/",
        "/\\{host}/api/v1/",
    ];
    for place in places {
        let mut rig = Rig::new().await;
        rig.populate(7, 2);
        let place = place.replace("{host}", &host);
        let divert = move |_: &Request, response: &mut Response| {
            for (name, value) in &mut response.headers {
                if name.eq_ignore_ascii_case("link") {
                    *value = value.replace("https://acme.okta.com/api/v1/", &place);
                }
            }
        };
        let cap =
            |request: &mut Request| request.query = request.query.replace("limit=200", "limit=2");
        let _gate = gate::before(&mut rig, cap, divert).await;
        let mut deployed = Deployed::before(rig).await;
        deployed.run().await;
        assert!(!deployed.asked("/api/v1/users").is_empty());
        assert_eq!(visits.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn no_position_from_the_bucket_leads_the_token_to_another_host() {
    let (host, visits) = outsider().await;
    for place in [
        format!("//{host}/api/v1/"),
        format!("https://acme.okta.com//{host}/api/v1/"),
    ] {
        let rig = Rig::new().await;
        rig.populate(20, 3);
        let mut deployed = Deployed::before(rig).await;
        assert_well(&deployed.run().await);
        let s3 = moto::s3();
        for key in [
            "okta/cursors/okta.json",
            "okta/manifests/okta/000000000001.json",
        ] {
            let objects = moto::objects(&deployed.bucket).await;
            let text = String::from_utf8(objects[key].clone()).unwrap();
            let turned = text.replace("\"/api/v1/", &format!("\"{place}"));
            assert!(
                turned != text || key.contains("cursors"),
                "{key} holds no position"
            );
            s3.put_object()
                .bucket(&deployed.bucket)
                .key(key)
                .body(turned.into_bytes().into())
                .send()
                .await
                .unwrap();
        }
        let _ = deployed.ask(json!({"mode": "full"})).await;
        assert_eq!(visits.load(Ordering::Relaxed), 0, "{place}");
    }
}
