//! Quotas in resource units.

use std::time::Duration;

use super::Client;
use crate::tenant::Tenant;
use crate::tenant::graph::throttle::{Quota, RetryAfter};

fn quota(units: u32, retry_after: RetryAfter) -> Quota {
    Quota {
        units,
        window: Duration::from_secs(10 * u64::from(units)),
        retry_after,
    }
}

#[tokio::test]
async fn a_request_costs_what_is_documented() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    let staff = tenant.group_id("All Staff");
    for (url, units) in [
        ("users".to_owned(), "2"),
        ("users?$select=id".to_owned(), "1"),
        ("users/delta".to_owned(), "1"),
        ("groups?$expand=members".to_owned(), "2"),
        (format!("groups/{staff}/members"), "3"),
        (format!("groups/{staff}/members?$top=5"), "2"),
        (format!("groups/{staff}/transitiveMembers"), "5"),
    ] {
        let answer = client.get(&url).await;
        assert_eq!(answer.header("x-ms-resource-unit"), Some(units), "{url}");
    }
}

#[tokio::test]
async fn an_empty_bucket_refuses_and_says_so_in_four_ways() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    for (form, is_right) in [
        (
            RetryAfter::Seconds,
            (|text| text.parse::<u32>().is_ok()) as fn(&str) -> bool,
        ),
        (RetryAfter::Fraction, |text| text.contains('.')),
        (RetryAfter::Date, |text| text.ends_with(" GMT")),
    ] {
        tenant.throttle(Some(quota(2, form)));
        assert_eq!(client.get("users/delta").await.status, 200);
        let last = client.get("users/delta").await;
        assert_eq!(last.header("x-ms-throttle-limit-percentage"), Some("1.0"));
        let refused = client.get("users/delta").await;
        assert_eq!(refused.refusal(), (429, "TooManyRequests"));
        assert!(is_right(refused.header("retry-after").unwrap()), "{form:?}");
        assert_eq!(
            refused.header("x-ms-throttle-information"),
            Some("ResourceUnitLimitExceeded")
        );
    }
    tenant.throttle(Some(quota(1, RetryAfter::Absent)));
    client.get("users/delta").await;
    assert_eq!(client.get("users/delta").await.header("retry-after"), None);
    tenant.throttle(None);
    assert_eq!(client.get("users/delta").await.status, 200);
}

#[tokio::test]
async fn whoever_waits_as_told_is_served_and_refusals_count() {
    let tenant = Tenant::sample().await;
    let client = Client::of(&tenant).await;
    tenant.throttle(Some(quota(2, RetryAfter::Seconds)));
    let mut waits = Vec::new();
    for _ in 0..4 {
        let answer = client.get("users/delta").await;
        waits.extend(
            answer
                .header("retry-after")
                .map(|text| text.parse::<u64>().unwrap()),
        );
    }
    assert!(waits.len() == 2 && waits[0] < waits[1], "{waits:?}");
    tenant.advance(Duration::from_secs(waits[1]));
    assert_eq!(client.get("users/delta").await.status, 200);
}
